"""A link that goes is heard of; one that comes is not."""

import os
import subprocess
from collections.abc import Iterator

import pytest

from shipslog.runtime.network.link_monitor import LinkMonitor

pytestmark = pytest.mark.root


def ip(*arguments: str) -> None:
    subprocess.run(["ip", "link", *arguments], check=True, capture_output=True)


@pytest.fixture
def link() -> Iterator[str]:
    if os.geteuid() != 0:
        pytest.skip("links need root")
    name = f"slt{os.getpid() % 100000}"
    yield name
    subprocess.run(["ip", "link", "delete", name], check=False, capture_output=True)


def test_what_goes_is_heard_of_once(link: str) -> None:
    monitor = LinkMonitor()
    try:
        ip("add", link, "type", "bridge")
        monitor.lost()  # others make links meanwhile; and it came switched off
        ip("set", link, "up")
        ip("set", link, "down")
        assert monitor.lost()
        ip("delete", link)
        assert monitor.lost()
    finally:
        monitor.close()


def test_links_that_come_are_no_loss() -> None:
    from shipslog.runtime.network.link_monitor import _HEAD, _LINK, _tells_of_loss

    def message(kind: int, flags: int) -> bytes:
        return _HEAD.pack(32, kind, 0, 0, 0) + _LINK.pack(0, 1, 5, flags, 0)

    assert not _tells_of_loss(message(16, 1) + message(16, 0x11043))
    assert _tells_of_loss(message(16, 1) + message(16, 0)) and _tells_of_loss(message(17, 1))
    assert not _tells_of_loss(b"") and not _tells_of_loss(message(17, 1)[:20])
