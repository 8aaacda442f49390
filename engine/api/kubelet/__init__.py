"""What a kubelet serves: pods, streams, logs, statistics and metrics of one node. On ports of the node's own with certificates,
tokens and rights as a kubelet has them (`server.py`), and through the API server's node proxy, which calls `Kubelet` directly.
It is imported when somebody asks for the first time. Source: pkg/kubelet/server of Kubernetes.
"""
