"""Packet rules as iptables has them, for operators who know kube-proxy's chains and for the proxy in user space.

Here belongs what knows iptables: the names of chains, what a service becomes in them, and the programs that load and list them.
"""
