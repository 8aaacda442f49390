"""Containers by crun and conmon, driven directly: `node` is a node of them, and its asyncio side. All else works on one node's
directories and namespaces and is synchronous, called from the node's own threads.

    config/       config.json of a container: its user, its system calls
    pod_sandbox/  a pod's namespaces, its pause process, its place on the bridge
    recovery/     what is written down so that pods outlive the daemon, and what is taken up or removed afterwards
"""
