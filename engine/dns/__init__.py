"""The names of a cluster: what a view says to a question of DNS, and the server that answers with it.

Here belongs Kubernetes' DNS specification (1.1.0). Sockets and packets are in `runtime/dns`; the Service by which pods reach
the server is kept by `reconcilers/services/cluster_dns.py`.
"""
