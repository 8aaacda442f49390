"""`ip()` and `cidr()`: Kubernetes' libraries of addresses and their ranges. An address's key: (version, number).

Tests: tests/engine/cel/test_program.py
"""

import ipaddress
from collections.abc import Callable, Iterator
from typing import Any

from shipslog.engine.cel.functions import Overload, sized, tenth, traversal, twice
from shipslog.engine.cel.types import BOOL, INT, STRING, opaque
from shipslog.engine.cel.values import CelError, Opaque

Named = Iterator[tuple[str, Overload]]
IP, CIDR = opaque("net.IP"), opaque("net.CIDR")
Address = ipaddress.IPv4Address | ipaddress.IPv6Address
Range = ipaddress.IPv4Network | ipaddress.IPv6Network


def _read_ip(text: str) -> Address:
    """Errors: CelError."""
    try:
        if "%" in text:
            raise ValueError
        found = ipaddress.ip_address(text) if len(text) <= 64 else None
    except ValueError:
        found = None
    if found is None:
        raise CelError(
            f'IP Address "{text[:100]}" parse error during conversion from string: '
            f'ParseAddr("{text[:100]}"): unable to parse IP'
        )
    if isinstance(found, ipaddress.IPv6Address) and found.ipv4_mapped is not None:
        raise CelError(f'IPv4-mapped IPv6 address "{text[:100]}" is not allowed')
    return found


def _ip(found: Address) -> Opaque:
    return Opaque("net.IP", (found.version, int(found)))


def _address(value: Opaque) -> Address:
    version, number = value.key
    return ipaddress.IPv4Address(number) if version == 4 else ipaddress.IPv6Address(number)


def _read_cidr(text: str) -> Opaque:
    address, slash, length = text.partition("/")
    try:
        if not slash or not length.isdecimal() or (len(length) > 1 and length.startswith("0")):
            raise ValueError
        found = _read_ip(address)
        if int(length) > found.max_prefixlen:
            raise ValueError
    except (ValueError, CelError):
        raise CelError(
            f"network address parse error during conversion from string: invalid CIDR address: {text[:100]}"
        ) from None
    return Opaque("net.CIDR", (found.version, int(found), int(length)))


def _range(value: Opaque) -> Range:
    version, number, length = value.key
    kind = ipaddress.IPv4Network if version == 4 else ipaddress.IPv6Network
    return kind((number, length), strict=False)


def _reads(read: Callable[[str], Any]) -> Callable[[str], bool]:
    def holds(text: str) -> bool:
        try:
            read(text)
        except CelError:
            return False
        return True

    return holds


def _is_canonical(text: str) -> bool:
    return str(_read_ip(text)) == text


def _is_global_unicast(value: Opaque) -> bool:
    address = _address(value)
    if address == ipaddress.IPv4Address("255.255.255.255"):
        return False
    return not (address.is_unspecified or address.is_loopback or address.is_multicast or address.is_link_local)


def _is_link_local_multicast(value: Opaque) -> bool:
    address = _address(value)
    where = "224.0.0.0/24" if address.version == 4 else "ff02::/16"
    return address in ipaddress.ip_network(where) if address.version == 4 else bool((int(address) >> 112) & 0xFF0F == 0xFF02)


def addresses() -> Named:
    yield "ip", Overload("string_to_ip", (STRING,), IP, lambda t: _ip(_read_ip(t)), cost=traversal)
    yield "isIP", Overload("is_ip", (STRING,), BOOL, _reads(_read_ip), cost=traversal)
    yield "ip.isCanonical", Overload("ip_is_canonical", (STRING,), BOOL, _is_canonical, cost=twice)
    yield "family", Overload("ip_family", (IP,), INT, lambda v: v.key[0], member=True)
    for name, holds in (
        ("isUnspecified", lambda v: _address(v).is_unspecified),
        ("isLoopback", lambda v: _address(v).is_loopback),
        ("isLinkLocalMulticast", _is_link_local_multicast),
        ("isLinkLocalUnicast", lambda v: _address(v).is_link_local),
        ("isGlobalUnicast", _is_global_unicast),
    ):
        yield name, Overload(f"ip_{name}", (IP,), BOOL, holds, member=True)
    yield "string", Overload("ip_to_string", (IP,), STRING, lambda v: str(_address(v)))


def _contains(value: Opaque, other: Opaque) -> bool:
    return value.key[0] == other.key[0] and _address(other) in _range(value)


def _contains_range(value: Opaque, other: Opaque) -> bool:
    if value.key[0] != other.key[0] or value.key[2] > other.key[2]:
        return False
    return _address(Opaque("net.IP", other.key[:2])) in _range(value)


def _beside(value: Any, other: Any) -> int:
    return tenth(2 * sized(value)) + (tenth(sized(other)) if isinstance(other, str) else 0)


def _beside_range(value: Any, other: Any) -> int:
    return _beside(value, other) + tenth(sized(value)) + 1


def ranges() -> Named:
    yield "cidr", Overload("string_to_cidr", (STRING,), CIDR, _read_cidr, cost=traversal)
    yield "isCIDR", Overload("is_cidr", (STRING,), BOOL, _reads(_read_cidr), cost=traversal)
    more: dict[str, Any] = {"member": True, "cost": _beside}
    yield "containsIP", Overload("cidr_contains_ip_ip", (CIDR, IP), BOOL, _contains, **more)
    yield (
        "containsIP",
        Overload("cidr_contains_ip_string", (CIDR, STRING), BOOL, lambda v, t: _contains(v, _ip(_read_ip(t))), **more),
    )
    more["cost"] = _beside_range
    yield "containsCIDR", Overload("cidr_contains_cidr", (CIDR, CIDR), BOOL, _contains_range, **more)
    yield (
        "containsCIDR",
        Overload("cidr_contains_cidr_string", (CIDR, STRING), BOOL, lambda v, t: _contains_range(v, _read_cidr(t)), **more),
    )
    yield "ip", Overload("cidr_ip", (CIDR,), IP, lambda v: Opaque("net.IP", v.key[:2]), member=True)
    yield (
        "masked",
        Overload(
            "cidr_masked",
            (CIDR,),
            CIDR,
            lambda v: Opaque("net.CIDR", (v.key[0], int(_range(v).network_address), v.key[2])),
            member=True,
        ),
    )
    yield "prefixLength", Overload("cidr_prefix_length", (CIDR,), INT, lambda v: v.key[2], member=True)
    yield "string", Overload("cidr_to_string", (CIDR,), STRING, lambda v: f"{_address(Opaque('net.IP', v.key[:2]))}/{v.key[2]}")
