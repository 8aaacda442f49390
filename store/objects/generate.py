"""Prints the module of one API group-version, made from a table of facts about its types.

    python -m shipslog.store.objects.generate FACTS.json core.v1 > core_v1.py

The facts (a JSON object: full type name -> fields with JSON name, type, `required`, merge keys, protobuf number) say all
but one thing that the wire needs: which Go fields are pointers, so that an explicit zero is kept. `POINTERS` adds that.
Errors: KeyError for a type that the facts refer to and do not hold. Run again after a change of the facts, then `ruff
format`; the modules are ordinary source and are read, reviewed and committed as such.
"""

import json
import keyword
import re
import sys
from typing import Any

MODULES = {
    "io.k8s.apimachinery.pkg.apis.meta.v1": "meta_v1",
    "io.k8s.api.core.v1": "core_v1",
    "io.k8s.api.discovery.v1": "discovery_v1",
    "io.k8s.api.coordination.v1": "coordination_v1",
    "io.k8s.api.autoscaling.v1": "autoscaling_v1",
    "io.k8s.api.authentication.v1": "authentication_v1",
    "io.k8s.api.authorization.v1": "authorization_v1",
    "io.k8s.api.policy.v1": "policy_v1",
    "io.k8s.api.scheduling.v1": "scheduling_v1",
}
SPECIAL = {
    "io.k8s.apimachinery.pkg.apis.meta.v1.Time": ("Time", '""'),
    "io.k8s.apimachinery.pkg.apis.meta.v1.MicroTime": ("MicroTime", '""'),
    "io.k8s.apimachinery.pkg.api.resource.Quantity": ("Quantity", "None"),
    "io.k8s.apimachinery.pkg.util.intstr.IntOrString": ("IntOrString", "None"),
    "io.k8s.apimachinery.pkg.apis.meta.v1.FieldsV1": ("RawObject", "None"),
    "io.k8s.apimachinery.pkg.runtime.RawExtension": ("RawObject", "None"),
    "io.k8s.apimachinery.pkg.apis.meta.v1.Patch": ("RawObject", "None"),
}
# Scalars that are Go pointers: an explicit zero differs from absence. "Type.field", or ".field" for every type.
POINTERS = set(
    """
.controller .blockOwnerDeletion .deletionGracePeriodSeconds .automountServiceAccountToken .shareProcessNamespace .priority
.runtimeClassName .enableServiceLinks .preemptionPolicy .setHostnameAsFQDN .hostUsers .optional .defaultMode .mode
.tolerationSeconds .immutable .appProtocol .expirationSeconds .storageClassName .volumeMode .volumeAttributesClassName
.mountPropagation .recursiveReadOnly .currentVolumeAttributesClassName .ipMode .replicas .gracePeriodSeconds
.orphanDependents .propagationPolicy .started .hostPathType .activeDeadlineSeconds .privileged .runAsUser .runAsGroup
.runAsNonRoot .readOnlyRootFilesystem .allowPrivilegeEscalation .procMount .fsGroup .fsGroupChangePolicy
.supplementalGroupsPolicy .localhostProfile .seLinuxChangePolicy .holderIdentity .leaseDurationSeconds .leaseTransitions
.strategy .preferredHolder .ready .serving .terminating .targetCPUUtilizationPercentage .currentCPUUtilizationPercentage
.minReplicas .observedGeneration .remainingItemCount .ipFamilyPolicy .allocateLoadBalancerNodePorts .loadBalancerClass
.internalTrafficPolicy .trafficDistribution .ttlSecondsAfterFinished .initiatorName .cachingMode .minDomains
.nodeAffinityPolicy .nodeTaintsPolicy .gmsaCredentialSpecName .gmsaCredentialSpec .runAsUserName .hostProcess .restartPolicy
.resourceClaimName .resourceClaimTemplateName .partition .appArmorProfile .maxUnavailable .minAvailable .error .lastState_
PodSpec.terminationGracePeriodSeconds Probe.terminationGracePeriodSeconds GRPCAction.service HostPathVolumeSource.type
ClientIPConfig.timeoutSeconds EndpointAddress.nodeName Endpoint.nodeName Endpoint.hostname Endpoint.zone EndpointPort.name
EndpointPort.port EndpointPort.protocol CSIVolumeSource.fsType CSIVolumeSource.readOnly AzureDiskVolumeSource.fsType
AzureDiskVolumeSource.readOnly AzureDiskVolumeSource.kind Preconditions.uid Preconditions.resourceVersion Lifecycle.stopSignal
ContainerStatus.stopSignal SuccessPolicyRule.succeededIndexes AzureFilePersistentVolumeSource.secretNamespace
PodResourceClaim.source ServiceBackendPort_ PodStatus.nominated_ FCVolumeSource.lun PodDNSConfigOption.value
""".split()
)
# ...and those that are not, against the rule for every type.
NOT_POINTERS = {
    "ContainerStatus.ready",
    "PodSpec.restartPolicy",
    "EndpointPort.core_",
    "ScaleSpec.replicas",
    "ScaleStatus.replicas",
    "ReplicationControllerStatus.replicas",
    "ReplicationControllerStatus.observedGeneration",
    "ScaleStatus.observedGeneration",
    "TokenRequestStatus.expirationSeconds",
    "TokenReviewStatus.error",
    "CephFSVolumeSource.mode",
    "Taint.mode",
    "PodStatus.resize",
    "PodStatus.observedGeneration",
    "PodCondition.observedGeneration",
    "Condition.observedGeneration",
    "EphemeralContainer.started",
    "PortStatus.error",
    "SubjectAccessReviewStatus.evaluationError",
    "PersistentVolumeSpec.storageClassName",
}
CORE_NOT_POINTERS = {"EndpointPort.name", "EndpointPort.port", "EndpointPort.protocol"}
# Struct members that are Go pointers are absent when unset; all others are written as {} even when empty, as Go does.
STRUCT_VALUES = set(
    """
metadata status resources state lastState loadBalancer daemonEndpoints kubeletEndpoint nodeInfo involvedObject source target
scaleTargetRef jobTemplate updateStrategy roleRef podSelector listMeta
""".split()
)
# Written even when empty, though the facts do not say so.
WRITTEN = {"Event.reportingComponent", "Event.reportingInstance"}
SHARED = ("LabelSelector", "ObjectMeta", "OwnerReference")
STRUCT_POINTERS = {"ContainerStatus.resources", "Event.related", "EnvVar.valueFrom", "PodSpec.resources"}


def snake(name: str) -> str:
    """`clusterIPs` -> `cluster_ips`, `podCIDR` -> `pod_cidr`, `from` -> `from_`."""
    name = re.sub(r"(IPs|CIDRs|IDs|URLs)(?=$|[A-Z])", lambda m: m[1].capitalize(), name)
    name = name.replace("OS", "Os") if name in ("OSImage",) else name
    out = re.sub(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])", "_", name).lower().lstrip("$")
    return out + "_" if keyword.iskeyword(out) else out


def camel(name: str) -> str:
    """What msgspec's rename="camel" makes of a Python name."""
    head, *tail = name.strip("_").split("_")
    return head + "".join(t.capitalize() for t in tail)


class Module:
    def __init__(self, facts: dict[str, Any], prefix: str) -> None:
        self.facts, self.prefix, self.imports = facts, prefix, set[str]()
        self.here = MODULES[prefix]

    def type_of(self, t: Any) -> tuple[str, str]:
        """-> (annotation, zero value as source)"""
        if isinstance(t, list):
            inner, _ = self.type_of(t[1])
            return (f"tuple[{inner}, ...]", "()") if t[0] == "list" else (f"dict[str, {inner}]", "{}")
        if t in SPECIAL:
            name, zero = SPECIAL[t]
            self.imports.add(f"from .scalars import {name}")
            return name, zero
        if t.startswith("io.k8s."):
            prefix, name = t.rsplit(".", 1)
            if prefix != self.prefix:
                self.imports.add(f"from . import {MODULES[prefix]}")
                name = f"{MODULES[prefix]}.{name}"
            return name, "struct"
        if t == "string:byte":
            self.imports.add("from .scalars import Base64")
            return "Base64", '""'
        kind = t.split(":")[0]
        if kind == "object":
            self.imports.add("from .scalars import RawObject")
            return "RawObject", "None"
        if kind == "integer":
            name = "Int32" if t == "integer:int32" else "Int64"
            self.imports.add(f"from .scalars import {name}")
            return name, "0"
        return {"string": ("str", '""'), "boolean": ("bool", "False"), "number": ("float", "0.0")}[kind]

    def field(self, owner: str, name: str, f: dict[str, Any]) -> str:
        py, (ann, zero) = snake(name), self.type_of(f["type"])
        rename = "" if camel(py) == name else f'name="{name}"'
        key = f"{owner}.{name}"
        pointer = (key in POINTERS or f".{name}" in POINTERS) and key not in NOT_POINTERS
        if self.here == "core_v1" and key in CORE_NOT_POINTERS:
            pointer = False
        meta = [
            f"{k.replace('-', '_')}={tuple(v) if isinstance(v, list) else v!r}"
            for k, v in sorted(f.items())
            if k.startswith(("patch", "list-map"))
        ]
        if f.get("list-type") in ("set",):
            meta.append('list_type="set"')
        if zero == "struct":
            value = (
                name in STRUCT_VALUES
                or (
                    name in ("spec", "template")
                    and "gvk" in self.facts[f"{self.prefix}.{owner}"]
                    and not owner.startswith("PodTemplate_")
                )
                or (owner == "PodTemplateSpec")
                or (owner.endswith("TemplateSpec") and name == "spec")
                or (f.get("required") and key not in STRUCT_POINTERS)
            )
            value = value and key not in STRUCT_POINTERS
            if owner == "PodTemplate" and name == "template":
                value = True
            default = f"default_factory={ann}" if value else "default=None"
            ann = ann if value else f"{ann} | None"
        elif (f.get("required") or key in WRITTEN) and zero not in ("None",):
            factory = {"()": "tuple", "{}": "ReadOnlyDict", '""': "str", "0": "int", "False": "bool", "0.0": "float"}[zero]
            default = f"default_factory={factory}"
        elif zero == "None" or (pointer and zero not in ("()", "{}")):
            default, ann = "default=None", f"{ann} | None"
        elif zero in ("()", "{}"):
            default = "default=()" if zero == "()" else "default=NO_ITEMS"
        else:
            default = f"default={zero}"
        if meta:
            ann = f"Annotated[{ann}, merge({', '.join(meta)})]"
            self.imports.add("from typing import Annotated")
            self.imports.add("from .scalars import merge")
        args = ", ".join(x for x in (default, rename) if x)
        plain = not rename and default.startswith("default=")
        return f"    {py}: {ann} = {default.removeprefix('default=') if plain else f'field({args})'}"

    def frozen(self, owner: str, fields: dict[str, Any]) -> str:
        """What the `__post_init__` of a type does: its maps cannot be changed. "" for a type without any."""
        maps = {snake(n): f for n, f in fields.items() if isinstance(f["type"], list) and f["type"][0] == "map"}
        written = sorted(n for n, f in maps.items() if f.get("required") or f"{owner}.{n}" in WRITTEN)
        free = sorted(snake(n) for n, f in fields.items() if self.type_of(f["type"])[0] == "RawObject")
        if not maps and not free:
            return ""
        self.imports.add("from .scalars import freeze_maps")
        if written:
            self.imports.add("from .scalars import ReadOnlyDict")
        if len(written) < len(maps):
            self.imports.add("from .scalars import NO_ITEMS")
        lists = {"fields": sorted(n for n in maps if n not in written), "written": written, "free": free}
        arguments = [f"{what}=({', '.join(map(json.dumps, names))},)" for what, names in lists.items() if names]
        return f"freeze_maps(self, {', '.join(arguments)})"

    def render(self) -> str:
        bodies: dict[str, str] = {}
        needs: dict[str, set[str]] = {}
        numbers: dict[str, dict[str, int]] = {}
        for full, fact in self.facts.items():
            prefix, name = full.rsplit(".", 1)
            if prefix != self.prefix or "fields" not in fact or full in SPECIAL or (name.endswith("List") and "gvk" in fact):
                continue
            gvk = fact.get("gvk") if name not in ("DeleteOptions", "WatchEvent") else None
            lines = []
            fields = dict(fact["fields"])
            if gvk and "apiVersion" in fields:
                group, version, kind = gvk[0]
                api_version = f"{group}/{version}" if group else version
                lines += [
                    f'    api_version: str = field(default_factory=lambda: "{api_version}", name="apiVersion")',
                    f'    kind: str = field(default_factory=lambda: "{kind}")',
                ]
                fields.pop("apiVersion"), fields.pop("kind")
            for n in sorted(
                fields, key=lambda n: ({"metadata": 0, "spec": 1, "status": 3}.get(n, 2), fields[n].get("proto", 999), n)
            ):
                lines.append(self.field(name, n, fields[n]))
            frozen = self.frozen(name, fields)
            numbers[name] = {snake(n): f["proto"] for n, f in fields.items() if "proto" in f}
            wire = numbers[name] | {f"*{n}": p for n, p in fact.get("protoOnly", {}).items()}
            bodies[name] = (
                f"class {name}(Object, frozen=True, kw_only=True):\n"
                + ("\n".join(lines) or "    pass")
                + (f"\n\n    def __post_init__(self) -> None:\n        {frozen}" if frozen else "")
                + f"\n\n    __proto__: ClassVar[dict[str, int]] = {json.dumps(wire)}\n"
            )
            needs[name] = set(re.findall(r"\b[A-Z]\w+", " ".join(lines)))
        order, done = [], set[str]()

        def visit(n: str, path: tuple[str, ...] = ()) -> None:
            if n in done or n in path:
                return
            for m in sorted(needs[n] & bodies.keys()):
                visit(m, (*path, n))
            done.add(n)
            order.append(n)

        for n in sorted(bodies):
            visit(n)
        imports = sorted(self.imports)
        scal = sorted(i.split()[-1] for i in imports if i.startswith("from .scalars"))
        mods = sorted(i.split()[-1] for i in imports if i.startswith("from . import"))
        typing_names = ["ClassVar"] + (["Annotated"] if any("Annotated" in i for i in imports) else [])
        where = self.prefix.removeprefix("io.k8s.api.").removeprefix("io.k8s.apimachinery.pkg.apis.")
        head = [
            f'"""The types of the API group-version {where} (Kubernetes 1.32), made by generate.py from its facts."""',
            "",
            f"from typing import {', '.join(sorted(typing_names))}",
            "",
            "from msgspec import field",
            "",
        ]
        if mods:
            head.append(f"from . import {', '.join(mods)}")
        if "meta_v1" in mods:  # whoever writes objects of a group needs these besides
            head.append("from .meta_v1 import " + ", ".join(f"{name} as {name}" for name in SHARED))
        head.append("from .scalars import " + ", ".join(sorted({*scal, "Object"})))
        return "\n".join(head) + "\n\n\n" + "\n\n".join(bodies[n] for n in order)


if __name__ == "__main__":
    with open(sys.argv[1]) as f:
        print(Module(json.load(f), next(k for k, v in MODULES.items() if v == sys.argv[2])).render())
