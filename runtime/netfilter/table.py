"""The text of the table: what stands in it once, however many services there are. Grammar of nft(8) 1.0.6 and later.

Tests: tests/runtime/netfilter/test_adapter.py, tests/runtime/netfilter/test_nftables.py
"""

import ipaddress
import re

from .elements import SharedChain

_BY_ADDRESS = "ipv4_addr . inet_proto . inet_service"
_BY_PORT = "inet_proto . inet_service"
_KEYS = {"address": "ip daddr . meta l4proto . th dport", "port": "meta l4proto . th dport"}
_TYPES = {"address": _BY_ADDRESS, "port": _BY_PORT}
_AFFINITY_KEY = "ip saddr . ip daddr . meta l4proto . th dport"
AFFINITY_SIZE = 262144  # clients that are remembered at most; beyond that the newest are not
MASQUERADE_BIT = 0x08000000  # in the connection's mark: its client's address is hidden behind the node's

MAPS = tuple(f"{name}_by_{by}" for by in ("address", "port") for name in ("services", "inside", "outside", "endpoints"))
SETS = ("refused_by_address", "refused_by_port", "hairpin")


def table_name(instance: str) -> str:
    """The table of one instance of the daemon: shipslog_INSTANCE, in characters that nft takes for a name."""
    return "shipslog_" + re.sub(r"[^A-Za-z0-9_]", "_", instance) if instance else "shipslog"


def skeleton(pod_cidr: str, node_addresses: tuple[str, ...]) -> str:
    """The body of the table without services: maps, sets, and the chains that hook into the kernel. Errors: ValueError."""
    if pod_cidr:
        ipaddress.IPv4Network(pod_cidr)
    return "\n".join([_sets(node_addresses), _lookups(pod_cidr, bool(node_addresses)), _hooks(bool(node_addresses))])


def _sets(node_addresses: tuple[str, ...]) -> str:
    lines = []
    for by, key in _TYPES.items():
        lines += [f"map {name}_by_{by} {{ type {key} : verdict; }}" for name in ("services", "inside", "outside")]
        lines.append(f"map endpoints_by_{by} {{ type {key} . mark : ipv4_addr . inet_service; }}")
        lines.append(f"set refused_by_{by} {{ type {key}; }}")
    lines.append("set hairpin { type ipv4_addr . ipv4_addr; }")
    lines.append(f"map affinity {{ type ipv4_addr . {_BY_ADDRESS} : mark; flags dynamic,timeout; size {AFFINITY_SIZE}; }}")
    if node_addresses:
        listed = ", ".join(str(ipaddress.IPv4Address(address)) for address in node_addresses)
        lines.append(f"set node_addresses {{ type ipv4_addr; elements = {{ {listed} }}; }}")
    return "\n".join(lines)


def _lookups(pod_cidr: str, listed: bool) -> str:
    """From a packet to its service's chain. `local_by_*` tells clients inside from those outside."""
    lines = []
    for by, key in _KEYS.items():
        lines.append(f"chain local_by_{by} {{")
        if pod_cidr:
            lines.append(f"ip saddr {pod_cidr} {key} vmap @inside_by_{by}")
        lines += [f"fib saddr type local {key} vmap @inside_by_{by}", f"{key} vmap @outside_by_{by}", "}"]
    here = "ip daddr @node_addresses" if listed else "fib daddr type local"
    lines.append(
        f"chain services {{\n{_KEYS['address']} vmap @services_by_address\n{here} {_KEYS['port']} vmap @services_by_port\n}}"
    )
    foreign = f"ip saddr != {pod_cidr} ct mark set ct mark | {MASQUERADE_BIT:#x}\n" if pod_cidr else ""
    lines.append(f"chain masquerade_foreign {{\n{foreign}}}")
    return "\n".join(lines)


def _hooks(listed: bool) -> str:
    here = "ip daddr @node_addresses" if listed else "fib daddr type local"
    refuse = "".join(
        f"ct state new {match}{key} @refused_by_{by} {how}\n"
        for by, key, match in (("address", _KEYS["address"], ""), ("port", _KEYS["port"], here + " "))
        for how in ("meta l4proto tcp reject with tcp reset", "reject with icmp port-unreachable")
    )
    # strangers on the link must not reach what listens on loopback, though route_localnet lets their packets in
    guard = 'iifname != "lo" ip daddr 127.0.0.0/8 ct status & dnat == 0 drop\n'
    return f"""chain prerouting {{ type nat hook prerouting priority dstnat; policy accept;
jump services
}}
chain output {{ type nat hook output priority -100; policy accept;
jump services
}}
chain postrouting {{ type nat hook postrouting priority srcnat; policy accept;
ct mark & {MASQUERADE_BIT:#x} == {MASQUERADE_BIT:#x} masquerade
ct status & dnat == dnat ip saddr . ip daddr @hairpin masquerade
ct status & dnat == dnat ip saddr 127.0.0.0/8 masquerade
}}
chain refuse {{
{refuse}}}
chain refuse_input {{ type filter hook input priority filter - 5; policy accept;
{guard}jump refuse
}}
chain refuse_forward {{ type filter hook forward priority filter - 5; policy accept;
jump refuse
}}
chain refuse_output {{ type filter hook output priority filter - 5; policy accept;
jump refuse
}}"""


def chain_body(chain: SharedChain) -> str:
    """The rules of a shared chain: hide the client if need be, draw an index, send the packet to the endpoint there."""
    key = _KEYS[chain.by]
    rules = []
    if chain.masquerade == "foreign":
        rules.append("jump masquerade_foreign")
    elif chain.masquerade == "all":
        rules.append(f"ct mark set ct mark | {MASQUERADE_BIT:#x}")
    draw = f"meta mark set numgen random mod {chain.size} offset {chain.mark_base}"
    send = f"dnat ip to {key} . meta mark map @endpoints_by_{chain.by}"
    rules.append(draw)
    if chain.affinity_s:
        rules.append(f"meta mark set {_AFFINITY_KEY} map @affinity")
        rules.append(f"update @affinity {{ {_AFFINITY_KEY} timeout {chain.affinity_s}s : meta mark }}")
        rules += [send, draw]  # a remembered endpoint that went this very moment: any other
    rules.append(send)
    return f"chain {chain.name} {{\n" + "\n".join(rules) + "\n}"
