"""Pods by somebody else's runtime, over the Container Runtime Interface (v1) on a socket: containerd, CRI-O."""
