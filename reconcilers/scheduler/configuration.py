"""The profiles that a configuration comes to: a KubeSchedulerConfiguration, or a policy as the first schedulers had them.

Source: kubescheduler.config.k8s.io/v1 of Kubernetes 1.37, and the Policy of Kubernetes 1.0 to 1.22.
"""

from collections.abc import Callable, Iterable, Mapping
from functools import lru_cache
from typing import Any

import msgspec
from msgspec.structs import replace

from shipslog.store.objects.types import core_v1

from .profile import DEFAULT, FILTERS, LABEL_PREFERENCE, NAME, SCORES, SELECTOR_SPREAD, SERVICE_ANTI_AFFINITY, Profile, Spread

GROUP = "kubescheduler.config.k8s.io/"
OTHERS = ("PrioritySort", "SchedulingGates", "DefaultPreemption", "DefaultBinder", "GangScheduling")
POINTS = (
    "multiPoint",
    "preEnqueue",
    "queueSort",
    "preFilter",
    "filter",
    "postFilter",
    "preScore",
    "score",
    "reserve",
    "permit",
    "preBind",
    "bind",
    "postBind",
)
ALL_NAMES = tuple(dict.fromkeys((*FILTERS, *SCORES, *OTHERS)))
TOP_LEVEL = (
    "apiVersion",
    "kind",
    "parallelism",
    "leaderElection",
    "clientConnection",
    "healthzBindAddress",
    "metricsBindAddress",
    "enableProfiling",
    "enableContentionProfiling",
    "percentageOfNodesToScore",
    "podInitialBackoffSeconds",
    "podMaxBackoffSeconds",
    "profiles",
    "delayCacheUntilActive",
)  # beside extenders; only the profiles mean something here

ALWAYS = ("NodeUnschedulable", "TaintToleration", "DynamicResources")  # no policy can leave them out
GENERAL = ("NodeResourcesFit", "NodeName", "NodePorts", "NodeAffinity")
PREDICATES: dict[str, tuple[str, ...]] = {
    "PodFitsPorts": ("NodePorts",),
    "PodFitsHostPorts": ("NodePorts",),
    "PodFitsResources": ("NodeResourcesFit",),
    "NoDiskConflict": ("VolumeRestrictions",),
    "PodSelectorMatches": ("NodeAffinity",),
    "MatchNodeSelector": ("NodeAffinity",),
    "PodFitsHost": ("NodeName",),
    "HostName": ("NodeName",),
    "GeneralPredicates": GENERAL,
    "PodToleratesNodeTaints": ("TaintToleration",),
    "PodToleratesNodeNoExecuteTaints": ("TaintToleration",),
    "CheckNodeUnschedulable": ("NodeUnschedulable",),
    "CheckNodeCondition": ("NodeUnschedulable",),
    "CheckNodeMemoryPressure": ("TaintToleration",),
    "CheckNodeDiskPressure": ("TaintToleration",),
    "CheckNodePIDPressure": ("TaintToleration",),
    "MatchInterPodAffinity": ("InterPodAffinity",),
    "NoVolumeZoneConflict": ("VolumeZone",),
    "NoVolumeNodeConflict": ("VolumeBinding",),
    "CheckVolumeBinding": ("VolumeBinding",),
    "MaxEBSVolumeCount": ("NodeVolumeLimits",),
    "MaxGCEPDVolumeCount": ("NodeVolumeLimits",),
    "MaxAzureDiskVolumeCount": ("NodeVolumeLimits",),
    "MaxCinderVolumeCount": ("NodeVolumeLimits",),
    "MaxCSIVolumeCountPred": ("NodeVolumeLimits",),
    "EvenPodsSpread": ("PodTopologySpread",),
}
PRIORITIES = {
    "LeastRequestedPriority": "NodeResourcesFit",
    "MostRequestedPriority": "NodeResourcesFit",
    "RequestedToCapacityRatioPriority": "NodeResourcesFit",
    "BalancedResourceAllocation": "NodeResourcesBalancedAllocation",
    "SelectorSpreadPriority": SELECTOR_SPREAD,
    "ServiceSpreadingPriority": SELECTOR_SPREAD,
    "NodeAffinityPriority": "NodeAffinity",
    "TaintTolerationPriority": "TaintToleration",
    "InterPodAffinityPriority": "InterPodAffinity",
    "ImageLocalityPriority": "ImageLocality",
    "EvenPodsSpreadPriority": "PodTopologySpread",
    "EqualPriority": "",
    "NodePreferAvoidPodsPriority": "",
}
PROVIDERS = {"DefaultProvider": DEFAULT, "ClusterAutoscalerProvider": replace(DEFAULT, strategy="MostAllocated")}
STRATEGIES = ("LeastAllocated", "MostAllocated", "RequestedToCapacityRatio")
MOST_WEIGHT = 100


class ConfigurationError(ValueError):
    """The configuration cannot be; it says which field, and what to do."""


@lru_cache(maxsize=16)
def profiles_of(text: str) -> Mapping[str, Profile]:
    """The profiles by name. `text`: JSON, or "" for the default. Errors: ConfigurationError."""
    if not text:
        return {NAME: DEFAULT}
    try:
        document = msgspec.json.decode(text)
    except msgspec.DecodeError as error:
        raise ConfigurationError(f"it is no JSON: {error}") from error
    return {profile.name: profile for profile in read(document)}


def read(document: Any) -> tuple[Profile, ...]:
    """Errors: ConfigurationError."""
    if not isinstance(document, dict):
        raise ConfigurationError("give an object: a KubeSchedulerConfiguration, or a Policy")
    kind, version = document.get("kind"), str(document.get("apiVersion", ""))
    if kind == "Policy" or (kind is None and ("predicates" in document or "priorities" in document)):
        return (_policy(document),)
    if kind != "KubeSchedulerConfiguration" or not version.startswith(GROUP):
        raise ConfigurationError(
            f"kind {kind!r} of {version!r}: give a KubeSchedulerConfiguration of {GROUP}v1, or a Policy of v1"
        )
    if document.get("extenders"):
        raise ConfigurationError("extenders: none can be asked, since a decision waits for nobody; leave them out")
    _known(document, "", (*TOP_LEVEL, "extenders"))
    profiles = _list(document, "profiles", "profiles") or [{}]
    found = [_profile(one, f"profiles[{i}]") for i, one in enumerate(profiles)]
    names = [profile.name for profile in found]
    for i, name in enumerate(names):
        if name in names[:i]:
            raise ConfigurationError(f"profiles[{i}].schedulerName: {name!r} is the name of another profile too")
    return tuple(found)


# --- KubeSchedulerConfiguration ---


def _profile(one: Any, where: str) -> Profile:
    _known(one, where, ("schedulerName", "percentageOfNodesToScore", "plugins", "pluginConfig"))
    profile = replace(DEFAULT, name=str(one.get("schedulerName") or NAME))
    plugins = one.get("plugins") or {}
    _known(plugins, f"{where}.plugins", POINTS)
    scores, filters, preempts = dict(SCORES), set(FILTERS), True
    for point in POINTS:
        at = f"{where}.plugins.{point}"
        held = plugins.get(point) or {}
        _known(held, at, ("enabled", "disabled"))
        off = set(_names(held, "disabled", at))
        on = _weights(held, at)
        if point in ("multiPoint", "score"):
            scores = {} if "*" in off else {name: weight for name, weight in scores.items() if name not in off}
            scores |= {name: weight or scores.get(name) or SCORES[name] for name, weight in on.items() if name in SCORES}
        if point in ("multiPoint", "filter"):
            filters = (set() if "*" in off else filters - off) | (on.keys() & set(FILTERS))
        if point in ("multiPoint", "postFilter"):
            preempts = "DefaultPreemption" in on or (preempts and off.isdisjoint(("*", "DefaultPreemption")))
    profile = replace(profile, scores=tuple(scores.items()), filters=frozenset(filters), preempts=preempts)
    for i, held in enumerate(_list(one, "pluginConfig", f"{where}.pluginConfig")):
        at = f"{where}.pluginConfig[{i}]"
        _known(held, at, ("name", "args"))
        name, args = held.get("name"), held.get("args") or {}
        if name not in ARGUMENTS:
            raise ConfigurationError(f"{at}.name: {name!r} takes no arguments; these do: {', '.join(sorted(ARGUMENTS))}")
        profile = ARGUMENTS[name](profile, args, f"{at}.args")
    return profile


def _names(held: Any, which: str, where: str) -> list[str]:
    found = []
    for i, one in enumerate(_list(held, which, f"{where}.{which}")):
        _known(one, f"{where}.{which}[{i}]", ("name", "weight"))
        name = str(one.get("name", ""))
        if name not in ALL_NAMES and not (name == "*" and which == "disabled"):
            raise ConfigurationError(
                f"{where}.{which}[{i}].name: no plugin is called {name!r}; there are {', '.join(ALL_NAMES)}"
            )
        found.append(name)
    return found


def _weights(held: Any, where: str) -> dict[str, int]:
    found = {}
    for i, (name, one) in enumerate(zip(_names(held, "enabled", where), held.get("enabled") or (), strict=True)):
        found[name] = _number(one, "weight", f"{where}.enabled[{i}]", 0, MOST_WEIGHT)
    return found


def _fit_args(profile: Profile, args: Any, where: str) -> Profile:
    _known(args, where, ("kind", "apiVersion", "ignoredResources", "ignoredResourceGroups", "scoringStrategy"))
    strategy = args.get("scoringStrategy") or {}
    _known(strategy, f"{where}.scoringStrategy", ("type", "resources", "requestedToCapacityRatio"))
    kind = strategy.get("type") or "LeastAllocated"
    if kind not in STRATEGIES:
        raise ConfigurationError(f"{where}.scoringStrategy.type: {kind!r} is none of {', '.join(STRATEGIES)}")
    ratio = strategy.get("requestedToCapacityRatio") or {}
    shape = _shape(ratio, f"{where}.scoringStrategy.requestedToCapacityRatio") if ratio else ()
    if kind == "RequestedToCapacityRatio" and not shape:
        raise ConfigurationError(f"{where}.scoringStrategy.requestedToCapacityRatio.shape: give at least one point")
    resources = _resources(strategy, f"{where}.scoringStrategy") or profile.resources
    return replace(
        profile, strategy=kind, resources=resources, shape=shape,
        ignored=_texts(args, "ignoredResources", where), ignored_groups=_texts(args, "ignoredResourceGroups", where),
    )  # fmt: skip


def _shape(ratio: Any, where: str) -> tuple[tuple[int, int], ...]:
    points = _list(ratio, "shape", f"{where}.shape")
    found = tuple(
        (_number(p, "utilization", f"{where}.shape[{i}]", 0, 100), _number(p, "score", f"{where}.shape[{i}]", 0, 10))
        for i, p in enumerate(points)
    )
    if any(found[i][0] >= found[i + 1][0] for i in range(len(found) - 1)):
        raise ConfigurationError(f"{where}.shape: give the points in rising order of utilization")
    return found


def _resources(held: Any, where: str) -> tuple[tuple[str, int], ...]:
    listed = _list(held, "resources", f"{where}.resources")
    return tuple(
        (str(one.get("name", "")), _number(one, "weight", f"{where}.resources[{i}]", 1, MOST_WEIGHT, 1))
        for i, one in enumerate(listed)
    )


def _balanced_args(profile: Profile, args: Any, where: str) -> Profile:
    _known(args, where, ("kind", "apiVersion", "resources"))
    return replace(profile, balanced=tuple(name for name, _ in _resources(args, where)) or profile.balanced)


def _affinity_args(profile: Profile, args: Any, where: str) -> Profile:
    _known(args, where, ("kind", "apiVersion", "hardPodAffinityWeight", "ignorePreferredTermsOfExistingPods"))
    weight = _number(args, "hardPodAffinityWeight", where, 0, 100, profile.hard_weight)
    return replace(profile, hard_weight=weight, only_required=bool(args.get("ignorePreferredTermsOfExistingPods")))


def _node_affinity_args(profile: Profile, args: Any, where: str) -> Profile:
    _known(args, where, ("kind", "apiVersion", "addedAffinity"))
    if not args.get("addedAffinity"):
        return profile
    try:
        return replace(profile, added_affinity=msgspec.convert(args["addedAffinity"], core_v1.NodeAffinity))
    except msgspec.ValidationError as error:
        raise ConfigurationError(f"{where}.addedAffinity: {error}") from error


def _spread_args(profile: Profile, args: Any, where: str) -> Profile:
    _known(args, where, ("kind", "apiVersion", "defaultConstraints", "defaultingType"))
    listed = _list(args, "defaultConstraints", f"{where}.defaultConstraints")
    if args.get("defaultingType", "System") != "List":
        if listed:
            raise ConfigurationError(f"{where}.defaultConstraints: they count only with `defaultingType: List`")
        return profile
    found = []
    for i, one in enumerate(listed):
        at = f"{where}.defaultConstraints[{i}]"
        _known(one, at, ("maxSkew", "topologyKey", "whenUnsatisfiable"))
        when = one.get("whenUnsatisfiable")
        if when not in ("DoNotSchedule", "ScheduleAnyway") or not one.get("topologyKey"):
            raise ConfigurationError(f"{at}: give a topologyKey, and DoNotSchedule or ScheduleAnyway as whenUnsatisfiable")
        found.append(Spread(_number(one, "maxSkew", at, 1, 1 << 31), str(one["topologyKey"]), str(when)))
    return replace(profile, constraints=tuple(found), system_constraints=False)


def _preemption_args(profile: Profile, args: Any, where: str) -> Profile:
    _known(args, where, ("kind", "apiVersion", "minCandidateNodesPercentage", "minCandidateNodesAbsolute"))
    percent = _number(args, "minCandidateNodesPercentage", where, 0, 100, profile.candidates_percent)
    least = _number(args, "minCandidateNodesAbsolute", where, 0, 1 << 31, profile.candidates_least)
    if not percent and not least:
        raise ConfigurationError(f"{where}: minCandidateNodesPercentage and minCandidateNodesAbsolute cannot both be 0")
    return replace(profile, candidates_percent=percent, candidates_least=least)


def _volume_args(profile: Profile, args: Any, where: str) -> Profile:
    _known(args, where, ("kind", "apiVersion", "bindTimeoutSeconds", "shape"))
    return profile


ARGUMENTS: dict[str, Callable[[Profile, Any, str], Profile]] = {
    "NodeResourcesFit": _fit_args,
    "NodeResourcesBalancedAllocation": _balanced_args,
    "InterPodAffinity": _affinity_args,
    "NodeAffinity": _node_affinity_args,
    "PodTopologySpread": _spread_args,
    "DefaultPreemption": _preemption_args,
    "VolumeBinding": _volume_args,
}


# --- policies ---


def _policy(document: Any) -> Profile:
    _known(document, "", ("kind", "apiVersion", "predicates", "priorities", "extenders", "hardPodAffinitySymmetricWeight",
                          "alwaysCheckAllPredicates"))  # fmt: skip
    if document.get("extenders"):
        raise ConfigurationError("extenders: none can be asked, since a decision waits for nobody; leave them out")
    profile = replace(DEFAULT, hard_weight=_number(document, "hardPodAffinitySymmetricWeight", "", 0, 100, 1))
    if document.get("predicates") is not None:
        profile = _predicates(profile, _list(document, "predicates", "predicates"))
    if document.get("priorities") is not None:
        profile = _priorities(profile, _list(document, "priorities", "priorities"))
    return profile


def _predicates(profile: Profile, listed: list[Any]) -> Profile:
    filters = set(ALWAYS)
    present, affine = list[tuple[tuple[str, ...], bool]](), list[str]()
    for i, one in enumerate(listed):
        where = f"predicates[{i}]"
        _known(one, where, ("name", "argument"))
        name, argument = str(one.get("name", "")), one.get("argument") or {}
        _known(argument, f"{where}.argument", ("labelsPresence", "serviceAffinity"))
        if "labelsPresence" in argument:
            held, at = argument["labelsPresence"], f"{where}.argument.labelsPresence"
            _known(held, at, ("labels", "presence"))
            present.append((_needed(_texts(held, "labels", at), f"{at}.labels"), bool(held.get("presence"))))
        elif "serviceAffinity" in argument:
            held, at = argument["serviceAffinity"], f"{where}.argument.serviceAffinity"
            _known(held, at, ("labels",))
            affine += _needed(_texts(held, "labels", at), f"{at}.labels")
        elif name in PREDICATES:
            filters.update(PREDICATES[name])
        else:
            raise ConfigurationError(f"{where}: {_unknown(name, 'predicate', PREDICATES, WITH_LABELS)}")
    if present:
        filters.add("CheckNodeLabelPresence")
    return replace(
        profile, filters=frozenset(filters), labels_present=tuple(present), service_affinity=tuple(dict.fromkeys(affine))
    )


WITH_LABELS = {"CheckNodeLabelPresence": "labelsPresence", "CheckServiceAffinity": "serviceAffinity"}
WITH_LABEL = {"CalculateNodeLabelPriority": "labelPreference", "ServiceAntiAffinity": "serviceAntiAffinity"}


def _unknown(name: str, what: str, known: Iterable[str], with_argument: Mapping[str, str]) -> str:
    if name in with_argument:
        return f"{name} needs its argument: give argument.{with_argument[name]}"
    return f"no {what} is called {name!r}; there are {', '.join((*known, *with_argument))}"


def _priorities(profile: Profile, listed: list[Any]) -> Profile:
    scores = dict[str, int]()
    likes, apart = list[tuple[str, bool, int]](), list[tuple[str, int]]()
    for i, one in enumerate(listed):
        where = f"priorities[{i}]"
        _known(one, where, ("name", "weight", "argument"))
        name, argument = str(one.get("name", "")), one.get("argument") or {}
        weight = _number(one, "weight", where, 1, 1 << 31, 1)
        _known(argument, f"{where}.argument", ("labelPreference", "serviceAntiAffinity", "requestedToCapacityRatioArguments"))
        if "labelPreference" in argument:
            held, at = argument["labelPreference"], f"{where}.argument.labelPreference"
            _known(held, at, ("label", "presence"))
            likes.append((_needed(str(held.get("label", "")), f"{at}.label"), bool(held.get("presence")), weight))
        elif "serviceAntiAffinity" in argument:
            held, at = argument["serviceAntiAffinity"], f"{where}.argument.serviceAntiAffinity"
            _known(held, at, ("label",))
            apart.append((_needed(str(held.get("label", "")), f"{at}.label"), weight))
        elif name in PRIORITIES or "requestedToCapacityRatioArguments" in argument:
            plugin = PRIORITIES.get(name, "NodeResourcesFit")
            profile = _strategy(profile, name, argument, where)
            if plugin:
                scores[plugin] = scores.get(plugin, 0) + weight
        else:
            raise ConfigurationError(f"{where}: {_unknown(name, 'priority', PRIORITIES, WITH_LABEL)}")
    own = {LABEL_PREFERENCE: 1} if likes else {}
    own |= {SERVICE_ANTI_AFFINITY: 1} if apart else {}
    return replace(
        profile, scores=tuple((scores | own).items()), label_preferences=tuple(likes), service_anti_affinity=tuple(apart)
    )


def _strategy(profile: Profile, name: str, argument: Any, where: str) -> Profile:
    if name == "MostRequestedPriority":
        return replace(profile, strategy="MostAllocated")
    held = argument.get("requestedToCapacityRatioArguments")
    if held is None:
        return profile
    at = f"{where}.argument.requestedToCapacityRatioArguments"
    resources = _resources(held, at) or profile.resources
    return replace(profile, strategy="RequestedToCapacityRatio", shape=_shape(held, at), resources=resources)


# --- parts ---


def _known(held: Any, where: str, fields: Iterable[str]) -> None:
    if not isinstance(held, dict):
        raise ConfigurationError(f"{where}: give an object with fields")
    for field in held:
        if field not in fields:
            at = f"{where}.{field}" if where else str(field)
            raise ConfigurationError(f"{at}: there is no such field; there are {', '.join(fields)}")


def _list(held: Any, field: str, where: str) -> list[Any]:
    value = held.get(field)
    if value is not None and not (isinstance(value, list) and all(isinstance(one, dict) for one in value)):
        raise ConfigurationError(f"{where}: give a list of objects")
    return value or []


def _texts(held: Any, field: str, where: str) -> tuple[str, ...]:
    value = held.get(field) or []
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise ConfigurationError(f"{where}.{field}: give a list of texts")
    return tuple(value)


def _number(held: Any, field: str, where: str, least: int, most: int, missing: int = 0) -> int:
    value = held.get(field, missing)
    if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
        raise ConfigurationError(f"{where}.{field}: {value!r} is no number from {least} to {most}".removeprefix("."))
    return value


def _needed(value: Any, where: str) -> Any:
    if not value:
        raise ConfigurationError(f"{where}: it is missing")
    return value
