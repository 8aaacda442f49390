"""Packet rules of a node: adapters that make a whole `Ruleset` true as the smallest atomic transaction.

Here belongs what knows nftables: the shape of the table, the elements that a service becomes, the library that talks to the
kernel, and the recording that simulations use instead. What the rules shall be is decided in `reconcilers/services/`.
"""
