"""What a node leaves on a machine is found again."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from shipslog.runtime.containers.oci import layout
from shipslog.runtime.containers.oci.recovery import leftovers
from shipslog.runtime.network import pod_network


def test_what_was_switched_on_is_remembered_until_it_is_off(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    places = layout.layout_of(tmp_path, rootless=True)
    places.data.mkdir(parents=True, exist_ok=True)
    mark = places.data / "forwarding"
    mark.touch()
    nothing: Any = SimpleNamespace(remove_all=lambda: None, remove=lambda: None)
    monkeypatch.setattr(pod_network, "remove_bridge", lambda name: None)

    def refused() -> None:
        raise PermissionError("read-only file system")

    def leave() -> list[str]:
        return leftovers.leave(places, nothing, nothing, bridge="b", keep_records=False)

    with monkeypatch.context() as broken:
        broken.setattr(pod_network, "disable_forwarding", refused)
        assert leave() == ["forwarding of packets: read-only file system"]
    assert mark.exists()
    switched = []
    monkeypatch.setattr(pod_network, "disable_forwarding", lambda: switched.append("off"))
    assert leave() == [] and switched == ["off"] and not mark.exists()
    assert leave() == [] and switched == ["off"], "somebody else may have switched it on since"
