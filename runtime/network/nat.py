"""The node's own nftables table: pods reach the outside under the node's address, host ports reach pods.

Tests: tests/runtime/netfilter/test_kept_table.py
"""

import contextlib
from collections.abc import Mapping

from shipslog.runtime.commands import PortMapping
from shipslog.runtime.netfilter.adapter import NetfilterFailed
from shipslog.runtime.netfilter.kept_table import KeptTable

Ports = tuple[PortMapping, ...]


class NatFailed(Exception):
    """nft refused; the message is its."""


class Nat:
    """One table a daemon: `load` replaces it, a pod's host ports are elements of its maps. What others change in it is
    undone."""

    def __init__(self, instance: str, *, bridge: str, pod_cidr: str, cluster_cidr: str, netns: str | None = None) -> None:
        self.table = f"shipslog_net_{instance}"
        self._kept = KeptTable(self.table, self._load, netns=netns)
        self._ports: dict[str, Ports] | None = None  # by the pod's address; None before the first `load`
        self._bridge = bridge
        self._pods = pod_cidr
        self._cluster = cluster_cidr

    async def load(self, ports: Mapping[str, Ports]) -> None:
        """The whole table, with the host ports of the pods that run, by address. Errors: NatFailed, RuntimeUnavailable."""
        self._ports = dict(ports)
        await self._kept.run(self._load)

    async def map_ports(self, ip: str, ports: Ports) -> None:
        """Errors: NatFailed, also when another pod has the port."""
        if ports:
            await self._kept.run(self._map, ip, ports)

    async def unmap_ports(self, ip: str, ports: Ports) -> None:
        """Idempotent."""
        if ports:
            await self._kept.run(self._unmap, ip, ports)

    async def close(self, *, remove: bool) -> None:
        """Let go; the rules stay, unless `remove`."""
        await self._kept.close(self._remove if remove else None)

    # --- below runs in the table's thread ---

    def _load(self) -> None:
        if self._ports is None:
            return
        rules = f"""
table ip {self.table} {{
    map any_address {{ type inet_proto . inet_service : ipv4_addr . inet_service; }}
    map one_address {{ type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }}
    set itself {{ type ipv4_addr . ipv4_addr; }}
    chain hostports {{
        dnat ip to ip daddr . meta l4proto . th dport map @one_address
        dnat ip to meta l4proto . th dport map @any_address
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
        ip saddr 127.0.0.0/8 oifname "{self._bridge}" masquerade
        ip saddr . ip daddr @itself masquerade
        ip saddr {self._pods} ip daddr {self._pods} return
        ip saddr {self._pods} ip daddr != {self._cluster} masquerade
    }}
}}
"""
        elements = "".join(self._elements("add", ip, ports) for ip, ports in self._ports.items())
        self._change(f"add table ip {self.table}\ndelete table ip {self.table}\n{rules}\n{elements}")

    def _map(self, ip: str, ports: Ports) -> None:
        self._change(self._elements("create", ip, ports))
        if self._ports is not None:
            self._ports[ip] = ports

    def _unmap(self, ip: str, ports: Ports) -> None:
        if self._ports is None or self._ports.pop(ip, None) is None:
            return  # the port that it did not get is another pod's
        for port in ports:  # one by one: what is gone already must not keep the others
            with contextlib.suppress(NatFailed):
                self._change(self._elements("delete", ip, (port,)))

    def _remove(self) -> None:
        self._change(f"add table ip {self.table}\ndelete table ip {self.table}\n")

    def _elements(self, verb: str, ip: str, ports: Ports) -> str:
        lines = [f"{verb} element ip {self.table} itself {{ {ip} . {ip} }}\n"] if ports else []
        for port in ports:
            everywhere = port.host_ip in ("", "0.0.0.0", "::")
            where = "any_address" if everywhere else "one_address"
            key = f"{port.protocol.lower()} . {port.host_port}"
            if not everywhere:
                key = f"{port.host_ip} . {key}"
            lines.append(f"{verb} element ip {self.table} {where} {{ {key} : {ip} . {port.container_port} }}\n")
        return "".join(lines)

    def _change(self, text: str) -> None:
        try:
            self._kept.change(text)
        except NetfilterFailed as error:
            raise NatFailed(str(error)) from error
