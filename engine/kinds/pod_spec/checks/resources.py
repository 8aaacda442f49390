"""Amounts of resources: what they may be called, how much, and how requests relate to limits.

Tests: tests/engine/kinds/core/pod/test_strategy.py, tests/engine/kinds/test_goldens.py
"""

from collections.abc import Collection

from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.faults import NOT_NEGATIVE, Faults
from shipslog.store.objects.pods import amount_of, requests_of, shown
from shipslog.store.objects.types.core_v1 import PodSpec, ResourceRequirements
from shipslog.store.objects.values import quantity
from shipslog.store.objects.values.scalars import Quantity

CONTAINER = frozenset({"cpu", "memory", "ephemeral-storage"})
COUNTED = frozenset(
    [
        "pods",
        "resourcequotas",
        "services",
        "replicationcontrollers",
        "secrets",
        "configmaps",
        "persistentvolumeclaims",
        "services.nodeports",
        "services.loadbalancers",
    ]
)
STANDARD = (
    CONTAINER | COUNTED | {"storage", "requests.storage"} | {f"{p}.{c}" for p in ("requests", "limits") for c in CONTAINER}
)
HUGE = "hugepages-"
OF_PODS = ("cpu", "memory")


def is_native(name: str) -> bool:
    return "/" not in name or "kubernetes.io/" in name


def is_extended(name: str) -> bool:
    """A resource that a device plugin or an operator brought: counted in whole numbers."""
    return not is_native(name) and not name.startswith("requests.") and not names.qualified(f"requests.{name}")


def may_overcommit(name: str) -> bool:
    return is_native(name) and not name.startswith(HUGE)


def check_container_resource_name(faults: Faults, name: str, path: str) -> None:
    if name in CONTAINER:
        return
    messages = names.qualified(name)
    faults.invalid_each(path, name, messages)
    if "/" not in name:
        if not messages and name not in STANDARD and not name.startswith(HUGE):
            faults.invalid(path, name, "must be a standard resource type or fully qualified")
        if not name.startswith(HUGE):
            faults.invalid(path, name, "must be a standard resource for containers")
    elif not is_native(name) and not is_extended(name):
        faults.invalid(path, name, "doesn't follow extended resource name standard")


def is_of_pods(name: str) -> bool:
    """A resource that a whole pod may have requests and limits of."""
    return name in OF_PODS or name.startswith(HUGE)


def check_pod_resources(faults: Faults, spec: PodSpec, path: str) -> None:
    """What a whole pod asks for and may have, and that its containers together keep to it."""
    whole = spec.resources
    if whole is None:
        return
    for field, amounts in (("limits", whole.limits), ("requests", whole.requests)):
        for name in amounts:
            if not is_of_pods(name):
                faults.not_supported(f"{path}.{field}[{name}]", name, (*OF_PODS, HUGE))
    if whole.claims:
        faults.forbidden(f"{path}.claims", "claims may not be set for Resources at pod-level")
    check_requirements(faults, ResourceRequirements(limits=whole.limits, requests=whole.requests), path)
    together = requests_of(replace(spec, resources=None, overhead={}))
    for name, amount in whole.requests.items():
        if is_of_pods(name) and together.get(name, 0) > amount_of(name, amount):
            least = shown(name, together[name])
            why = f"must be greater than or equal to aggregate container requests of {least}"
            faults.invalid(f"{path}.requests[{name}]", amount, why)
    for field, containers in (("initContainers", spec.init_containers), ("containers", spec.containers)):
        for i, container in enumerate(containers):
            at = f"{path.rpartition('.')[0]}.{field}[{i}].resources.limits"
            for name, amount in container.resources.limits.items():
                most = whole.limits.get(name)
                if most is not None and amount_of(name, amount) > amount_of(name, most):
                    faults.invalid(f"{at}[{name}]", amount, f"must be less than or equal to pod limits of {most}")


def check_amount(faults: Faults, name: str, amount: Quantity, path: str) -> None:
    milli = quantity.milli(amount)
    if milli < 0:
        faults.invalid(path, amount, NOT_NEGATIVE)
    if milli % 1000 and (name in COUNTED or is_extended(name)):
        faults.invalid(path, amount, "must be an integer")


def check_requirements(faults: Faults, requirements: ResourceRequirements, path: str, claims: Collection[str] = ()) -> None:
    """Limits and requests of one container."""
    limits, requests = requirements.limits, requirements.requests
    for name, amount in limits.items():
        _check_one(faults, name, amount, f"{path}.limits[{name}]")
    for name, amount in requests.items():
        _check_one(faults, name, amount, f"{path}.requests[{name}]")
        limit = limits.get(name)
        if limit is None:
            if not may_overcommit(name):
                faults.required(f"{path}.limits", "Limit must be set for non overcommitable resources")
            continue
        asked, most = quantity.milli(amount), quantity.milli(limit)
        if asked != most and not may_overcommit(name):
            faults.invalid(f"{path}.requests", amount, f"must be equal to {name} limit of {limit}")
        elif asked > most:
            faults.invalid(f"{path}.requests", amount, f"must be less than or equal to {name} limit of {limit}")
    named = {*limits, *requests}
    if not named & {"cpu", "memory"} and any(name.startswith(HUGE) for name in named):
        faults.forbidden(path, "HugePages require cpu or memory")
    if requirements.claims:
        _check_claims(faults, requirements, f"{path}.claims", claims)


def _check_one(faults: Faults, name: str, amount: Quantity, path: str) -> None:
    check_container_resource_name(faults, name, path)
    check_amount(faults, name, amount, path)
    if name.startswith(HUGE) and not _divides(name, amount):
        faults.invalid(path, amount, f"{amount} is not positive integer multiple of {name}")


def _divides(name: str, amount: Quantity) -> bool:
    try:
        page = quantity.milli(name.removeprefix(HUGE))
    except ValueError:
        return False
    return bool(page > 0 and quantity.milli(amount) % page == 0)


def _check_claims(faults: Faults, requirements: ResourceRequirements, path: str, known: Collection[str]) -> None:
    seen, asked_in_part = set[str](), set[str]()
    listed = f": {', '.join(sorted(known))}" if known else " which is empty"
    unknown = f"must be one of the names in pod.spec.resourceClaims{listed}"
    for i, claim in enumerate(requirements.claims):
        at = f"{path}[{i}]"
        if not claim.name:
            faults.required(at)
            continue
        key = f"{claim.name}/{claim.request}" if claim.request else claim.name
        if claim.request:
            faults.invalid_each(f"{at}.request", claim.request, names.label(claim.request))
        if key in seen or claim.name in seen or (not claim.request and claim.name in asked_in_part):
            faults.duplicate(at, key)
        seen.add(key)
        if claim.request:
            asked_in_part.add(claim.name)
        if claim.name not in known:
            faults.not_found(at, claim.name, unknown)
