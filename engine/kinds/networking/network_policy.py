"""Network policies: which traffic of pods is let through."""

from collections.abc import Sequence
from typing import Any

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, NONE, Column, age
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.metadata import check_label_selector
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.engine.kinds.workloads import selector_of
from shipslog.store.objects.types.networking_v1 import (
    IPBlock,
    NetworkPolicy,
    NetworkPolicyPeer,
    NetworkPolicyPort,
    NetworkPolicySpec,
)

TYPES, PROTOCOLS = ("Egress", "Ingress"), ("SCTP", "TCP", "UDP")
NOT_WITHIN = "must be a strict subset of `cidr`"


class NetworkPolicyRules(WithSpec):
    about = "Says which traffic of pods is let through."
    columns = (NAME, Column("Pod-Selector", "The labels of the pods that it is about."), AGE)

    def cells(self, obj: NetworkPolicy, now_ns: int) -> list[Any]:
        chosen = selector_of(obj.spec.pod_selector)
        shown = "<error>" if chosen is None else str(chosen) or NONE
        return [obj.metadata.name, shown, age(obj.metadata.creation_timestamp, now_ns)]

    def default(self, obj: NetworkPolicy) -> NetworkPolicy:
        spec = obj.spec
        types = spec.policy_types or (("Ingress", "Egress") if spec.egress else ("Ingress",))
        ingress = tuple(replace(rule, ports=_defaulted(rule.ports)) for rule in spec.ingress)
        egress = tuple(replace(rule, ports=_defaulted(rule.ports)) for rule in spec.egress)
        return replace(obj, spec=replace(spec, policy_types=types, ingress=ingress, egress=egress))

    def check(self, faults: Faults, obj: NetworkPolicy) -> None:
        check_policy_spec(faults, obj.spec)


def _defaulted(ports: Sequence[NetworkPolicyPort]) -> tuple[NetworkPolicyPort, ...]:
    return tuple(p if p.protocol is not None else replace(p, protocol="TCP") for p in ports)


def check_policy_spec(faults: Faults, spec: NetworkPolicySpec) -> None:
    check_label_selector(faults, spec.pod_selector, "spec.podSelector")
    for direction, rules, side in (
        ("ingress", [(r.ports, r.from_) for r in spec.ingress], "from"),
        ("egress", [(r.ports, r.to) for r in spec.egress], "to"),
    ):
        for i, (ports, peers) in enumerate(rules):
            path = f"spec.{direction}[{i}]"
            for j, port in enumerate(ports):
                _check_port(faults, port, f"{path}.ports[{j}]")
            for j, peer in enumerate(peers):
                _check_peer(faults, peer, f"{path}.{side}[{j}]")
    if len(spec.policy_types) > len(TYPES):
        faults.invalid("spec.policyTypes", spec.policy_types, "may not specify more than two policyTypes")
        return
    for i, kind in enumerate(spec.policy_types):
        if kind not in TYPES:
            faults.not_supported(f"spec.policyTypes[{i}]", kind, TYPES)


def _check_port(faults: Faults, port: NetworkPolicyPort, path: str) -> None:
    if port.protocol is not None and port.protocol not in PROTOCOLS:
        faults.not_supported(f"{path}.protocol", port.protocol, PROTOCOLS)
    if isinstance(port.port, int):
        faults.invalid_each(f"{path}.port", port.port, names.port(port.port))
        if port.end_port is not None:
            if port.end_port < port.port:
                faults.invalid(f"{path}.endPort", port.port, "must be greater than or equal to `port`")
            faults.invalid_each(f"{path}.endPort", port.end_port, names.port(port.end_port))
    elif isinstance(port.port, str):
        if port.end_port is not None:
            faults.invalid(f"{path}.endPort", port.end_port, "may not be specified when `port` is non-numeric")
        faults.invalid_each(f"{path}.port", port.port, names.port_name(port.port))
    elif port.end_port is not None:
        faults.invalid(f"{path}.endPort", port.end_port, "may not be specified when `port` is not specified")


def _check_peer(faults: Faults, peer: NetworkPolicyPeer, path: str) -> None:
    check_label_selector(faults, peer.pod_selector, f"{path}.podSelector")
    check_label_selector(faults, peer.namespace_selector, f"{path}.namespaceSelector")
    if peer.ip_block is not None:
        _check_block(faults, peer.ip_block, f"{path}.ipBlock")
        if peer.pod_selector is not None or peer.namespace_selector is not None:
            faults.forbidden(path, "may not specify both ipBlock and another peer")
    elif peer.pod_selector is None and peer.namespace_selector is None:
        faults.required(path, "must specify a peer")


def _check_block(faults: Faults, block: IPBlock, path: str) -> None:
    if not block.cidr:
        faults.required(f"{path}.cidr")
        return
    if messages := names.cidr(block.cidr):
        faults.invalid_each(f"{path}.cidr", block.cidr, messages)
        return
    whole = names.network(block.cidr)
    for i, text in enumerate(block.except_):
        at = f"{path}.except[{i}]"
        if messages := names.cidr(text):
            faults.invalid_each(at, text, messages)
            continue
        part: Any = names.network(text)
        if part.version != whole.version or not part.subnet_of(whole) or part.prefixlen <= whole.prefixlen:
            faults.invalid(at, text, NOT_WITHIN)


STRATEGY = NetworkPolicyRules()
