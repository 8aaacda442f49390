"""Real containers without root: one user namespace a node, a network of its own in it, and what joins that to the machine's.

`namespace` takes the process there, `outside` is the way back to the machine's network, `ports` publishes what pods and
services listen on, `internet` lets pods out. Everything else of the runtime works there as it does for root.
See docs/adr/0012-rootless-node.md.
"""
