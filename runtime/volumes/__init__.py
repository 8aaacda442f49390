"""The volumes of a pod as directories and mounts of the node. What is in a secret was decided by the kubelet."""
