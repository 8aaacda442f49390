"""How it happens: the commands to the outside world, and the adapters that carry them out. Nothing here decides.

`commands.py` and `node.py` are the seam, `choice.py` says which runtime a daemon uses. Behind it: `containers/` (by crun, over
the CRI, as processes, simulated), `probing/`, `images/`, `volumes/`, `netfilter/`, `network/`, `dns/`, `stats/`, `rootless/`;
below them all `machine/`. `spdy.py` is a protocol that streams speak.
"""
