"""What of a pod has a path of its own. (Its status has too, as that of other kinds.)
Tests: tests/engine/api/subresource/test_subresources.py, tests/engine/api/streams
"""

from shipslog.engine.kinds.subresources import Attach, Exec, Log, Part, PortForward, Proxy, Subresource

from . import binding, eviction

SUBRESOURCES: dict[str, Subresource] = {
    "attach": Attach(),
    "binding": binding.POSTED,
    "ephemeralcontainers": Part(),
    "eviction": eviction.POSTED,
    "exec": Exec(),
    "log": Log(),
    "portforward": PortForward(),
    "proxy": Proxy(kind="PodProxyOptions"),
    "resize": Part(),
}
