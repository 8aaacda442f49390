"""From a command to a durable event: evaluation against the head, group commit, and the watches that hear of it.

What an object of a kind must look like is `admission`'s business; who may ask is decided before a command comes here.
"""
