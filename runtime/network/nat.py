"""The node's own nftables tables: pods reach the outside under the node's address, host ports reach pods.

Tests: tests/runtime/netfilter/test_guarded_table.py
"""

import contextlib
from collections.abc import Mapping, Sequence

from shipslog.runtime.commands import PortMapping
from shipslog.runtime.netfilter.adapter import NetfilterFailed
from shipslog.runtime.netfilter.family import IPV4, Family, family_of
from shipslog.runtime.netfilter.guarded_table import GuardedTable
from shipslog.store.families import ranges_in

Ports = tuple[PortMapping, ...]


class NatFailed(Exception):
    """nft refused; the message is its."""


class Nat:
    """One table of each family that pods have: `load` replaces it, a pod's host ports are elements of its maps. What others
    change in it is undone. `pod_cidr`, `cluster_cidr`: of the node's pods and of all pods, one of a family with commas
    between."""

    def __init__(self, instance: str, *, bridge: str, pod_cidr: str, cluster_cidr: str, netns: str | None = None) -> None:
        self.table = f"shipslog_net_{instance}"
        self._kept = GuardedTable(self.table, self._load, netns=netns)
        self._ports: dict[str, Ports] | None = None  # by the pod's address; None before the first `load`
        self._bridge = bridge
        clusters = {family_of(cidr): cidr for cidr in ranges_in(cluster_cidr)}
        self._ranges = {family_of(cidr): (cidr, clusters[family_of(cidr)]) for cidr in ranges_in(pod_cidr)}

    async def load(self, ports: Mapping[str, Ports]) -> None:
        """The whole table, with the host ports of the pods that run, by address. Errors: NatFailed, RuntimeUnavailable."""
        self._ports = dict(ports)
        await self._kept.run(self._load)

    async def map_ports(self, ips: Sequence[str], ports: Ports) -> None:
        """Errors: NatFailed, also when another pod has the port."""
        if ports:
            await self._kept.run(self._map, ips, ports)

    async def unmap_ports(self, ips: Sequence[str], ports: Ports) -> None:
        """Idempotent."""
        for ip in ips if ports else ():
            await self._kept.run(self._unmap, ip, ports)

    async def close(self, *, remove: bool) -> None:
        """Let go; the rules stay, unless `remove`."""
        await self._kept.close(self._remove if remove else None)

    # --- below runs in the table's thread ---

    def _load(self) -> None:
        if self._ports is None:
            return
        rules = "".join(self._rules(family, *ranges) for family, ranges in self._ranges.items())
        elements = "".join(self._elements("add", ip, ports) for ip, ports in self._ports.items())
        self._change(rules + elements)

    def _rules(self, family: Family, pods: str, cluster: str) -> str:
        ip, address = family.name, family.type
        first = f'ip saddr {family.loopback} oifname "{self._bridge}" masquerade'
        if family is not IPV4:  # it has no way from loopback to elsewhere; what asks for neighbours is left alone
            first = "ip6 daddr ff00::/8 return"
        return f"""
add table {ip} {self.table}
delete table {ip} {self.table}
table {ip} {self.table} {{
    map any_address {{ type inet_proto . inet_service : {address} . inet_service; }}
    map one_address {{ type {address} . inet_proto . inet_service : {address} . inet_service; }}
    set itself {{ type {address} . {address}; }}
    chain hostports {{
        dnat {ip} to {ip} daddr . meta l4proto . th dport map @one_address
        dnat {ip} to meta l4proto . th dport map @any_address
    }}
    chain prerouting {{
        type nat hook prerouting priority dstnat + 10;
        fib daddr type local meta l4proto {{ tcp, udp, sctp }} jump hostports
    }}
    chain output {{
        type nat hook output priority -90;
        fib daddr type local meta l4proto {{ tcp, udp, sctp }} jump hostports
    }}
    chain postrouting {{
        type nat hook postrouting priority srcnat;
        {first}
        {ip} saddr . {ip} daddr @itself masquerade
        {ip} saddr {pods} {ip} daddr {pods} return
        {ip} saddr {pods} {ip} daddr != {cluster} masquerade
    }}
}}
"""

    def _map(self, ips: Sequence[str], ports: Ports) -> None:
        self._change("".join(self._elements("create", ip, ports) for ip in ips))
        if self._ports is not None:
            self._ports.update(dict.fromkeys(ips, ports))

    def _unmap(self, ip: str, ports: Ports) -> None:
        if self._ports is None or self._ports.pop(ip, None) is None:
            return  # the port that it did not get is another pod's
        for port in ports:  # one by one: what is gone already must not keep the others
            with contextlib.suppress(NatFailed):
                self._change(self._elements("delete", ip, (port,)))

    def _remove(self) -> None:
        for family in self._ranges:
            self._change(f"add table {family.name} {self.table}\ndelete table {family.name} {self.table}\n")

    def _elements(self, verb: str, ip: str, ports: Ports) -> str:
        family = family_of(ip)
        table = f"{family.name} {self.table}"
        lines = [f"{verb} element {table} itself {{ {ip} . {ip} }}\n"] if ports else []
        for port in ports:
            everywhere = port.host_ip in ("", "::") or (port.host_ip == "0.0.0.0" and family is IPV4)
            if not everywhere and family_of(port.host_ip) is not family:
                continue
            where = "any_address" if everywhere else "one_address"
            key = f"{port.protocol.lower()} . {port.host_port}"
            if not everywhere:
                key = f"{port.host_ip} . {key}"
            lines.append(f"{verb} element {table} {where} {{ {key} : {ip} . {port.container_port} }}\n")
        return "".join(lines)

    def _change(self, text: str) -> None:
        try:
            self._kept.change(text)
        except NetfilterFailed as error:
            raise NatFailed(str(error)) from error
