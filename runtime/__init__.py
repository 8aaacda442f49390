"""How it happens: the commands to the outside world, and the adapters that carry them out. Nothing here decides.

`commands.py` and `node.py` are the seam; behind it `containers/`, `images/`, `netfilter/`, `network/`, `volumes/`, `rootless/`.
"""
