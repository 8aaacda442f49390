"""What changed of an object, in a few words: for endpoints which came and went, for others the first fields.

Tests: tests/engine/chronicle/test_lines.py
"""

from typing import Any

import msgspec

from .differences import Difference

FIELDS, VALUE = 3, 40  # that are told, and how many characters of each value
DULL = (
    "lastTransitionTime",
    "lastProbeTime",
    "lastHeartbeatTime",
    "lastUpdateTime",
    "observedGeneration",
    "generation",
    "last-applied-configuration",
    "renewTime",
    "lastTimestamp",
)
ENDPOINTS = ("endpoints", "endpointslices.discovery.k8s.io")
TOGETHER = 8  # endpoints that are named


def summary(resource: str, before: Any, after: Any, changes: list[Difference]) -> str:
    """`spec.replicas: 2 -> 3`; "" where nothing changed that says something. `before` and `after`: the object, {} for none."""
    if resource in ENDPOINTS and (words := _of_endpoints(ready(before), ready(after))):
        return words
    telling = [change for change in changes if not any(dull in change[0] for dull in DULL)]
    telling.sort(key=lambda change: change[1] is None or change[2] is None)  # what is otherwise now says most
    words = "; ".join(_field(*change) for change in telling[:FIELDS])
    return f"{words}; {len(telling) - FIELDS} more" if len(telling) > FIELDS else words


def event_text(event: Any) -> str:
    """What an Event of the API says: `BackOff: restarting failed container (5 times)`."""
    count = event.get("count")
    return f"{short(event.get('reason', ''))}: {short(event.get('message', ''), 2 * VALUE)}" + (
        f" ({count} times)" if isinstance(count, int) and count > 1 else ""
    )


def ready(obj: Any) -> dict[str, str]:
    """The addresses that an Endpoints or an EndpointSlice sends traffic to, and the names of their pods."""
    found = {}
    for subset in items(obj.get("subsets")):
        for address in items(mapping(subset).get("addresses")):
            found[str(mapping(address).get("ip", ""))] = _pod(address)
    for endpoint in items(obj.get("endpoints")):
        if mapping(mapping(endpoint).get("conditions")).get("ready", True):
            for ip in items(mapping(endpoint).get("addresses")):
                found[str(ip)] = _pod(endpoint)
    return found


def _pod(address: Any) -> str:
    return str(mapping(mapping(address).get("targetRef")).get("name", ""))


def mapping(value: Any) -> dict[str, Any]:
    """It, or none where it is something else: what a log holds that somebody sent, nobody has looked at."""
    return value if isinstance(value, dict) else {}


def items(value: Any) -> list[Any]:
    """It, or none where it is something else."""
    return value if isinstance(value, list) else []


def _of_endpoints(before: dict[str, str], after: dict[str, str]) -> str:
    """`lost 10.1.0.3 (web-x); 2 left`"""
    lost = [_address(ip, pod) for ip, pod in before.items() if ip not in after]
    gained = [_address(ip, pod) for ip, pod in after.items() if ip not in before]
    words = [f"{word} {_some(names)}" for word, names in (("lost", lost), ("gained", gained)) if names]
    return "; ".join([*words, f"{len(after)} ready"]) if words else ""


def _address(ip: str, pod: str) -> str:
    return f"{ip} ({pod})" if pod else ip


def _some(names: list[str]) -> str:
    more = len(names) - TOGETHER
    return ", ".join(names[:TOGETHER]) + (f" and {more} more" if more > 0 else "")


def _field(path: str, was: Any, now: Any) -> str:
    path = path.removeprefix("metadata.").removeprefix("status.")
    if was is None:
        return f"+{path} {short(now)}"
    return f"-{path}" if now is None else f"{path}: {short(was)} -> {short(now)}"


def short(value: Any, limit: int = VALUE) -> str:
    """A value in one line of at most so many characters."""
    text = value if isinstance(value, str) else msgspec.json.encode(value).decode()
    text = " ".join(text.split()) if "\n" in text else text
    return text if len(text) <= limit else text[: limit - 3] + "..."
