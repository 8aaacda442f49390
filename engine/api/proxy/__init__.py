"""The proxy subresources of pods, services and nodes: a request goes on to what runs there, and its answer comes back.

Nothing is held of a body but the piece under way; links in pages are given the proxy's path. Source: apimachinery's util/proxy
(upgradeaware.go, transport.go) and the registries of pods, services and nodes.
"""

from .handling import handle

__all__ = ["handle"]
