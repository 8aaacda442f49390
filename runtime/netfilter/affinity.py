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
    """From nft's JSON of `list map ... affinity`, or of the set that there is for IPv6: it has the mark in its key."""
    found = []
    for item in listed:
        elements = list(item.get("map", {}).get("elem", ()))
        for element in item.get("set", {}).get("elem", ()):
            elements.append((element, element["elem"]["val"]["concat"][4]))
        for key, mark in elements:
            details = key["elem"]
            client, address, protocol, port = details["val"]["concat"][:4]
            found.append(
                AffinityEntry(
                    client, address, str(protocol), int(port), int(mark), details.get("timeout", 0), details.get("expires", 0)
                )
            )
    return found


def followed(
    name: str,
    entries: Iterable[AffinityEntry],
    moves: Mapping[tuple[str, str], Mapping[int, int | None]],
    *,
    sticky: bool = False,
) -> str:
    """Commands for the table `name` (with its family) that forget the clients of endpoints that are gone and take the others
    along. `sticky`: the mark stands in the key. "" for none."""
    lines = []
    for entry in entries:
        by_address = f"{entry.address} . {entry.protocol} . {entry.port}"
        marks = moves.get(("address", by_address)) or moves.get(("port", f"{entry.protocol} . {entry.port}"))
        if marks is None or entry.mark not in marks:
            continue
        own = f" . {entry.mark:#x}" if sticky else ""
        lines.append(f"delete element {name} affinity {{ {entry.key}{own} }}")
        mark = marks[entry.mark]
        if mark is not None:
            times = f"timeout {entry.timeout_s}s expires {max(entry.expires_s, 1)}s"
            if sticky:
                lines.append(f"add element {name} affinity {{ {entry.key} . {mark:#x} {times} }}")
                continue
            lines.append(f"add element {name} affinity {{ {entry.key} {times} : {mark:#x} }}")
    return "".join(line + "\n" for line in lines)
