"""The node's own nftables table: pods reach the outside under the node's address, host ports reach pods."""

import subprocess

from shipslog.runtime.commands import PortMapping


class NatFailed(Exception):
    """nft refused; the message is its."""


class Nat:
    """One table a daemon: `load` replaces it, a pod's host ports are elements of its maps."""

    def __init__(self, nft: str, instance: str, *, bridge: str, pod_cidr: str, cluster_cidr: str) -> None:
        self._nft = nft
        self.table = f"shipslog_net_{instance}"
        self._bridge = bridge
        self._pods = pod_cidr
        self._cluster = cluster_cidr

    def load(self, mappings: "list[tuple[str, tuple[PortMapping, ...]]]") -> None:
        """The whole table with the host ports of the pods (address, mappings) that run. Errors: NatFailed."""
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
        elements = "".join(self._elements("add", ip, ports) for ip, ports in mappings)
        self._run(f"add table ip {self.table}\ndelete table ip {self.table}\n{rules}\n{elements}")

    def map_ports(self, ip: str, ports: tuple[PortMapping, ...]) -> None:
        """Errors: NatFailed, also when another pod has the port."""
        if ports:
            self._run(self._elements("create", ip, ports))

    def unmap_ports(self, ip: str, ports: tuple[PortMapping, ...]) -> None:
        for port in ports:  # one by one: what is gone already must not keep the others
            subprocess.run([self._nft, "-f", "-"], input=self._elements("delete", ip, (port,)).encode(), capture_output=True)

    def remove(self) -> None:
        self._run(f"add table ip {self.table}\ndelete table ip {self.table}\n")

    def _elements(self, verb: str, ip: str, ports: tuple[PortMapping, ...]) -> str:
        lines = [f"{verb} element ip {self.table} itself {{ {ip} . {ip} }}\n"] if ports else []
        for port in ports:
            everywhere = port.host_ip in ("", "0.0.0.0", "::")
            where = "any_address" if everywhere else "one_address"
            key = f"{port.protocol.lower()} . {port.host_port}"
            if not everywhere:
                key = f"{port.host_ip} . {key}"
            lines.append(f"{verb} element ip {self.table} {where} {{ {key} : {ip} . {port.container_port} }}\n")
        return "".join(lines)

    def _run(self, text: str) -> None:
        done = subprocess.run([self._nft, "-f", "-"], input=text.encode(), capture_output=True)
        if done.returncode:
            raise NatFailed(done.stderr.decode(errors="replace").strip())
