"""The modes of the service proxy as tests have them, and rulesets for the laboratory."""

import asyncio
from pathlib import Path
from typing import Protocol

from shipslog.runtime.commands import Ruleset, ServiceRules
from shipslog.runtime.netfilter.iptables.adapter import IptablesAdapter
from shipslog.runtime.netfilter.nftables import NftablesAdapter
from shipslog.runtime.netfilter.userspace.adapter import UserspaceAdapter

from .laboratory import POD_CIDR, Laboratory, run

MODES = ("nftables", "iptables", "userspace")
VIP = "10.96.0.10"


class Proxy(Protocol):
    """An adapter in the laboratory's node."""

    mode: str

    async def apply(self, ruleset: Ruleset) -> None: ...
    async def close(self, *, remove: bool) -> None: ...
    async def forgotten(self, after_s: int) -> None:
        """Returns when no client is remembered that has been quiet for so long."""


class _Nftables(NftablesAdapter):
    mode = "nftables"

    def __init__(self, lab: Laboratory) -> None:
        super().__init__(lab.mark, netns=lab.ns("node"))
        self._node = lab.ns("node")

    async def forgotten(self, after_s: int) -> None:
        while "elem" in run("ip", "netns", "exec", self._node, "nft", "-j", "list", "map", "ip", self.table, "affinity"):
            await asyncio.sleep(0.1)


class _Iptables(IptablesAdapter):
    mode = "iptables"

    def __init__(self, lab: Laboratory) -> None:
        super().__init__(netns=lab.ns("node"))

    async def forgotten(self, after_s: int) -> None:
        await asyncio.sleep(after_s + 0.1)  # it counts whole ticks of the kernel's clock, and nobody removes what is too old


class _Userspace(UserspaceAdapter):
    mode = "userspace"

    def __init__(self, lab: Laboratory) -> None:
        super().__init__(Path(f"/run/shipslog-test-{lab.mark}/proxy.sock"), netns=lab.ns("node"))

    async def forgotten(self, after_s: int) -> None:
        await asyncio.sleep(after_s + 0.05)

    async def close(self, *, remove: bool) -> None:
        await super().close(remove=remove)
        if remove:
            self.path.parent.rmdir()


def made(mode: str, lab: Laboratory) -> Proxy:
    return {"nftables": _Nftables, "iptables": _Iptables, "userspace": _Userspace}[mode](lab)


def tcp(lab: Laboratory, *pods: int, **more: object) -> ServiceRules:
    fields: dict[str, object] = {
        "service": "default/web:",
        "protocol": "tcp",
        "port": 80,
        "addresses": (VIP,),
        "node_port": 30001,
        "endpoints": tuple((lab.pod(n), 8080) for n in pods),
    } | more
    return ServiceRules(**fields)  # type: ignore[arg-type]


def udp(lab: Laboratory, *pods: int, **more: object) -> ServiceRules:
    fields: dict[str, object] = {
        "service": "default/dns:",
        "protocol": "udp",
        "port": 53,
        "addresses": (VIP,),
        "node_port": 30053,
        "endpoints": tuple((lab.pod(n), 5353) for n in pods),
    } | more
    return ServiceRules(**fields)  # type: ignore[arg-type]


def ruleset(*rules: ServiceRules) -> Ruleset:
    return Ruleset(services={rule.service: (rule,) for rule in rules}, pod_cidr=POD_CIDR, digest="d")
