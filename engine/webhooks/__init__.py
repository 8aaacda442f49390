"""Who is asked over HTTPS before something is done, or shown: admission webhooks, and those that convert between versions.

Here belongs how they are found, called and believed. Which requests concern whom is `admission.matching`'s; when they are asked
is `commit.outside`'s.
"""
