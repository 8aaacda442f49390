"""The kinds of node.k8s.io: how nodes run containers."""
