"""Clients that stick to an endpoint, when the endpoints change. Pure.

The kernel remembers (client, address, protocol, port) -> index. When an endpoint goes, its clients are forgotten; when one
moves to another index, its clients follow it.

Tests: tests/runtime/netfilter/test_adapter.py, tests/runtime/netfilter/test_nftables.py
"""

from collections.abc import Iterable, Mapping
from typing import Any, NamedTuple


class AffinityEntry(NamedTuple):
    """One client that is remembered. `timeout_s` counts from the last connection, `expires_s` is what is left."""

    client: str
    address: str
    protocol: str
    port: int
    mark: int
    timeout_s: int
    expires_s: int

    @property
    def key(self) -> str:
        return f"{self.client} . {self.address} . {self.protocol} . {self.port}"


def entries_of(listed: Iterable[Mapping[str, Any]]) -> list[AffinityEntry]:
    """From nft's JSON of `list map ... affinity`."""
    found = []
    for item in listed:
        for key, mark in item.get("map", {}).get("elem", ()):
            details = key["elem"]
            client, address, protocol, port = details["val"]["concat"]
            found.append(
                AffinityEntry(
                    client, address, str(protocol), int(port), int(mark), details.get("timeout", 0), details.get("expires", 0)
                )
            )
    return found


def followed(name: str, entries: Iterable[AffinityEntry], moves: Mapping[tuple[str, str], Mapping[int, int | None]]) -> str:
    """Commands for the table `name` (with its family) that forget the clients of endpoints that are gone and take the others
    along. "" for none."""
    lines = []
    for entry in entries:
        by_address = f"{entry.address} . {entry.protocol} . {entry.port}"
        marks = moves.get(("address", by_address)) or moves.get(("port", f"{entry.protocol} . {entry.port}"))
        if marks is None or entry.mark not in marks:
            continue
        lines.append(f"delete element {name} affinity {{ {entry.key} }}")
        mark = marks[entry.mark]
        if mark is not None:
            times = f"timeout {entry.timeout_s}s expires {max(entry.expires_s, 1)}s"
            lines.append(f"add element {name} affinity {{ {entry.key} {times} : {mark:#x} }}")
    return "".join(line + "\n" for line in lines)
