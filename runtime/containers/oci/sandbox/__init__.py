"""A pod's sandbox: the node's mount namespace, the pod's namespaces and the process that holds them, its link to the bridge."""
