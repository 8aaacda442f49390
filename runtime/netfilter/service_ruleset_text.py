"""The text of the table: what stands in it once, however many services there are. Grammar of nft(8) 1.0.6 and later.

Tests: tests/runtime/netfilter/test_adapter.py, tests/runtime/netfilter/test_nftables.py
"""

import ipaddress
import re

from .family import IPV4, IPV6, Family
from .service_elements import SharedChain

AFFINITY_SIZE = 262144  # clients that are remembered at most; beyond that the newest are not
MASQUERADE_BIT = 0x08000000  # in the connection's mark: its client's address is hidden behind the node's

MAPS = (
    *(f"{name}_by_{by}" for by in ("address", "port") for name in ("services", "inside", "outside", "endpoints")),
    "guarded_by_address",
)
SETS = ("refused_by_address", "refused_by_port", "hairpin", "allowed")


def table_name(instance: str) -> str:
    """The table of one instance of the daemon: shipslog_INSTANCE, in characters that nft takes for a name."""
    return "shipslog_" + re.sub(r"[^A-Za-z0-9_]", "_", instance) if instance else "shipslog"


class ServiceRulesetText:
    """The words of one family's table."""

    def __init__(self, family: Family = IPV4) -> None:
        self.family = family
        self.sticky = family is IPV6  # what is remembered of a client stands in the key
        ip, address = family.name, family.type
        self._types = {"address": f"{address} . inet_proto . inet_service", "port": "inet_proto . inet_service"}
        self._keys = {"address": f"{ip} daddr . meta l4proto . th dport", "port": "meta l4proto . th dport"}
        self._client = f"{ip} saddr . {self._keys['address']}"

    def skeleton(self, pod_cidr: str, node_addresses: tuple[str, ...]) -> str:
        """The body of the table without services: maps, sets, and the chains that hook into the kernel. Errors: ValueError."""
        if pod_cidr:
            ipaddress.ip_network(pod_cidr)
        here = f"{self.family.name} daddr @node_addresses" if node_addresses else "fib daddr type local"
        return "\n".join([self._sets(node_addresses), self._lookups(pod_cidr, here), self._hooks(pod_cidr, here)])

    def _sets(self, node_addresses: tuple[str, ...]) -> str:
        address, by_address = self.family.type, self._types["address"]
        lines = []
        for by, key in self._types.items():
            lines += [f"map {name}_by_{by} {{ type {key} : verdict; }}" for name in ("services", "inside", "outside")]
            lines.append(f"map endpoints_by_{by} {{ type {key} . mark : {address} . inet_service; }}")
            lines.append(f"set refused_by_{by} {{ type {key}; }}")
        lines.append(f"map guarded_by_address {{ type {by_address} : verdict; }}")
        lines.append(f"set allowed {{ type {by_address} . {address}; flags interval; }}")
        lines.append(f"set hairpin {{ type {address} . {address}; }}")
        remembering = f"flags dynamic,timeout; size {AFFINITY_SIZE};"
        if self.sticky:
            lines.append(f"set affinity {{ type {address} . {by_address} . mark; {remembering} }}")
        else:
            lines.append(f"map affinity {{ type {address} . {by_address} : mark; {remembering} }}")
        if node_addresses:
            listed = ", ".join(str(ipaddress.ip_address(one)) for one in node_addresses)
            lines.append(f"set node_addresses {{ type {address}; elements = {{ {listed} }}; }}")
        return "\n".join(lines)

    def _lookups(self, pod_cidr: str, here: str) -> str:
        """From a packet to its service's chain. `local_by_*` tells clients inside from those outside."""
        ip, by_address, by_port = self.family.name, self._keys["address"], self._keys["port"]
        lines = []
        for by, key in self._keys.items():
            lines.append(f"chain local_by_{by} {{")
            if pod_cidr:
                lines.append(f"{ip} saddr {pod_cidr} {key} vmap @inside_by_{by}")
            lines += [f"fib saddr type local {key} vmap @inside_by_{by}", f"{key} vmap @outside_by_{by}", "}"]
        allowed = f"{by_address} . {ip} saddr @allowed {by_address} vmap @guarded_by_address"
        lines.append(f"chain guarded {{\n{allowed}\ndrop\n}}")
        lines.append(f"chain services {{\n{by_address} vmap @services_by_address\n{here} {by_port} vmap @services_by_port\n}}")
        foreign = f"{ip} saddr != {pod_cidr} ct mark set ct mark | {MASQUERADE_BIT:#x}\n" if pod_cidr else ""
        lines.append(f"chain masquerade_foreign {{\n{foreign}}}")
        return "\n".join(lines)

    def _hooks(self, pod_cidr: str, here: str) -> str:
        ip, loopback = self.family.name, self.family.loopback
        refuse = "".join(
            f"ct state new {match}{self._keys[by]} @refused_by_{by} {how}\n"
            for by, match in (("address", ""), ("port", here + " "))
            for how in ("meta l4proto tcp reject with tcp reset", f"reject with {self.family.icmp} port-unreachable")
        )
        # strangers on the link must not reach what listens on loopback, though route_localnet lets their packets in
        guard = f'iifname != "lo" {ip} daddr {loopback} ct status & dnat == 0 drop\n'
        # what the kernel finds in no connection it does not translate back: a client would take it for another's, and reset it
        stray = f"{ip} saddr {pod_cidr} ct state invalid drop\n" if pod_cidr else ""
        return f"""chain prerouting {{ type nat hook prerouting priority dstnat; policy accept;
jump services
}}
chain output {{ type nat hook output priority -100; policy accept;
jump services
}}
chain postrouting {{ type nat hook postrouting priority srcnat; policy accept;
ct mark & {MASQUERADE_BIT:#x} == {MASQUERADE_BIT:#x} masquerade
ct status & dnat == dnat {ip} saddr . {ip} daddr @hairpin masquerade
ct status & dnat == dnat {ip} saddr {loopback} masquerade
}}
chain refuse {{
{refuse}}}
chain refuse_input {{ type filter hook input priority filter - 5; policy accept;
{guard}jump refuse
}}
chain refuse_forward {{ type filter hook forward priority filter - 5; policy accept;
{stray}jump refuse
}}
chain refuse_output {{ type filter hook output priority filter - 5; policy accept;
jump refuse
}}"""

    def chain_body(self, chain: SharedChain) -> str:
        """The rules of a shared chain: hide the client if need be, draw an index, send the packet to the endpoint there."""
        key = self._keys[chain.by]
        rules = []
        if chain.masquerade == "foreign":
            rules.append("jump masquerade_foreign")
        elif chain.masquerade == "all":
            rules.append(f"ct mark set ct mark | {MASQUERADE_BIT:#x}")
        draw = f"meta mark set numgen random mod {chain.size} offset {chain.mark_base}"
        send = f"dnat {self.family.name} to {key} . meta mark map @endpoints_by_{chain.by}"
        if chain.affinity_s and self.sticky:
            return self._sticky_body(chain, rules, draw, send)
        rules.append(draw)
        if chain.affinity_s:
            rules.append(f"meta mark set {self._client} map @affinity")
            rules.append(f"update @affinity {{ {self._client} timeout {chain.affinity_s}s : meta mark }}")
            rules += [send, draw]  # a remembered endpoint that went this very moment: any other
        rules.append(send)
        return f"chain {chain.name} {{\n" + "\n".join(rules) + "\n}"

    def _sticky_body(self, chain: SharedChain, rules: list[str], draw: str, send: str) -> str:
        """Each index is looked for by itself: `nft` 1.0.6 ends with an assertion when a map is updated by a long key."""
        kept = f"{chain.name}_kept"
        for mark in range(chain.mark_base, chain.mark_base + chain.size):
            rules += [f"meta mark set {mark:#x}", f"{self._client} . meta mark @affinity goto {kept}"]
        rules += [draw, f"goto {kept}"]
        update = f"update @affinity {{ {self._client} . meta mark timeout {chain.affinity_s}s }}"
        sending = "\n".join([update, send, draw, send])
        return f"chain {kept} {{\n{sending}\n}}\nchain {chain.name} {{\n" + "\n".join(rules) + "\n}"
