"""The first of Kubernetes' service proxies: clients are redirected to a process of the node, which passes on what they send.

Here belongs that process, which outlives its daemon so that a restart cuts no connection, how the daemon speaks with it, and
the packet rules that redirect. The kernel moves the bytes (splice(2)); the process sees none of them.
"""
