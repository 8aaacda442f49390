"""What a configuration comes to, and what it says of one that cannot be."""

from typing import Any

import msgspec
import pytest
from msgspec.structs import replace

from shipslog.reconcilers import scheduler
from shipslog.reconcilers.scheduler.configuration import ConfigurationError, profiles_of, read
from shipslog.reconcilers.scheduler.profile import FILTERS, SCORES
from shipslog.store.commands import Bind, Delete, Update
from shipslog.store.objects.types import core_v1, meta_v1

from ..views import NOW, node, pod, service, view_of

GROUP = "kubescheduler.config.k8s.io/v1"


def config(*profiles: dict[str, Any]) -> dict[str, Any]:
    return {"apiVersion": GROUP, "kind": "KubeSchedulerConfiguration", "profiles": list(profiles)}


def policy(predicates: Any = None, priorities: Any = None) -> dict[str, Any]:
    return {"kind": "Policy", "apiVersion": "v1", "predicates": predicates, "priorities": priorities}


def named(*names: str) -> list[dict[str, Any]]:
    return [{"name": name} for name in names]


def decided(document: dict[str, Any], *things: Any) -> tuple[dict[str, str], list[str]]:
    """(pod -> node, why others wait)"""
    view = view_of(*things)
    view.config = replace(view.config, scheduler=msgspec.json.encode(document).decode())
    commands = scheduler.decide(view, "pending", now=NOW).commands
    assert not any(isinstance(c, Delete) for c in commands)
    told = [c.object.status.conditions[-1].message.partition(" preemption:")[0] for c in commands if isinstance(c, Update)]
    return {c.name: c.node for c in commands if isinstance(c, Bind)}, told


def of(name: str, who: str) -> core_v1.Pod:
    return pod(name, spec=core_v1.PodSpec(scheduler_name=who))


def test_without_any_it_is_as_kubernetes_has_it() -> None:
    (profile,) = profiles_of("").values()
    assert (profile.name, profile.filters, dict(profile.scores)) == ("default-scheduler", frozenset(FILTERS), SCORES)
    assert read(config({}))[0] == profile and read({"apiVersion": GROUP, "kind": "KubeSchedulerConfiguration"})[0] == profile


def test_each_pod_asks_for_its_scheduler_and_of_others_none_is_touched() -> None:
    two = config({"schedulerName": "default-scheduler"}, {"schedulerName": "mine"})
    bound, told = decided(two, node("a"), pod("p"), of("q", "mine"), of("r", "theirs"))
    assert bound == {"p": "a", "q": "a"} and told == []
    assert decided(config({"schedulerName": "mine"}), node("a"), pod("p"))[0] == {}


def test_plugins_are_enabled_and_disabled_with_weights() -> None:
    plugins = {
        "score": {"disabled": [{"name": "*"}], "enabled": [{"name": "NodeAffinity", "weight": 7}]},
        "filter": {"disabled": named("TaintToleration")},
        "postFilter": {"disabled": named("DefaultPreemption")},
        "multiPoint": {"enabled": [{"name": "ImageLocality", "weight": 5}]},
    }
    (profile,) = read(config({"plugins": plugins}))
    assert profile.scores == (("NodeAffinity", 7),) and not profile.preempts
    assert profile.filters == frozenset(FILTERS) - {"TaintToleration"}
    taint = core_v1.Taint(key="k", value="v", effect="NoSchedule")
    assert decided(config({"plugins": plugins}), node("a", taints=(taint,)), pod("p"))[0] == {"p": "a"}


def test_who_may_not_preempt_takes_nobodys_place() -> None:
    off = config({"plugins": {"postFilter": {"disabled": named("DefaultPreemption")}}})
    low, high = pod("low", node="a", cpu="1"), pod("high", cpu="1", spec=core_v1.PodSpec(priority=9))
    assert decided(off, node("a", cpu="1"), low, high) == ({}, ["0/1 nodes are available: 1 Insufficient cpu."])


def argued(name: str, **args: Any) -> dict[str, Any]:
    return config({"pluginConfig": [{"name": name, "args": args}]})


def test_the_fullest_node_is_best_where_the_strategy_says_so() -> None:
    things = node("full"), node("empty"), pod("there", node="full", cpu="2"), pod("p", cpu="500m")
    assert decided(config({}), *things)[0] == {"p": "empty"}
    assert decided(argued("NodeResourcesFit", scoringStrategy={"type": "MostAllocated"}), *things)[0] == {"p": "full"}
    shape = {"shape": [{"utilization": 0, "score": 0}, {"utilization": 100, "score": 10}]}
    ratio = {"type": "RequestedToCapacityRatio", "requestedToCapacityRatio": shape, "resources": [{"name": "cpu", "weight": 5}]}
    assert decided(argued("NodeResourcesFit", scoringStrategy=ratio), *things)[0] == {"p": "full"}


def test_affinity_that_the_scheduler_adds() -> None:
    term = {"matchExpressions": [{"key": "disk", "operator": "In", "values": ["ssd"]}]}
    required = {"requiredDuringSchedulingIgnoredDuringExecution": {"nodeSelectorTerms": [term]}}
    added = argued("NodeAffinity", addedAffinity=required)
    assert decided(added, node("a"), node("b", labels={"disk": "ssd"}), pod("p"))[0] == {"p": "b"}
    why = "0/1 nodes are available: 1 node(s) didn't match scheduler-enforced node affinity."
    assert decided(added, node("a"), pod("p"))[1] == [why]


def test_resources_that_are_ignored_need_not_fit() -> None:
    asks = core_v1.ResourceRequirements(requests={"example.com/gpu": "1"})
    made = pod("p")
    wants = replace(made, spec=replace(made.spec, containers=(replace(made.spec.containers[0], resources=asks),)))
    assert decided(config({}), node("a"), wants)[1] == ["0/1 nodes are available: 1 Insufficient example.com/gpu."]
    for args in ({"ignoredResources": ["example.com/gpu"]}, {"ignoredResourceGroups": ["example.com"]}):
        assert decided(argued("NodeResourcesFit", **args), node("a"), wants)[0] == {"p": "a"}


def test_default_spreads_are_kept_by_pods_that_bring_none() -> None:
    one = {"maxSkew": 1, "topologyKey": "zone", "whenUnsatisfiable": "DoNotSchedule"}
    spread = argued("PodTopologySpread", defaultConstraints=[one], defaultingType="List")
    nodes = node("a", labels={"zone": "z1"}), node("b", labels={"zone": "z2"}, unschedulable=True)
    pods = [pod(f"p{i}", labels={"app": "web"}) for i in range(2)]
    bound, told = decided(spread, *nodes, service("web"), *pods)
    assert len(bound) == 1 and told == [
        "0/2 nodes are available: 1 node(s) didn't match pod topology spread constraints, 1 node(s) were unschedulable."
    ]
    assert len(decided(spread, *nodes, *pods)[0]) == 2, "of no service: nothing to be spread with"


# --- policies of old ---


def test_the_predicates_of_a_policy_are_those_that_hold() -> None:
    small = node("a", cpu="1")
    assert decided(policy(named("PodFitsPorts")), small, pod("p", cpu="2"))[0] == {"p": "a"}
    assert decided(policy(named("PodFitsResources")), small, pod("p", cpu="2"))[0] == {}
    assert decided(policy(named("GeneralPredicates")), small, pod("p", cpu="2"))[0] == {}
    assert decided(policy([]), node("b", unschedulable=True), pod("p"))[0] == {}, "what keeps off sick nodes always holds"
    chosen = pod("p", spec=core_v1.PodSpec(node_selector={"disk": "ssd"}))
    assert decided(policy(named("PodSelectorMatches")), small, chosen)[0] == {}
    assert decided(policy(named("PodFitsHost", "NoDiskConflict")), small, chosen)[0] == {"p": "a"}


@pytest.mark.parametrize(("presence", "goes_to"), [(True, "b"), (False, "a")])
def test_labels_that_nodes_are_to_have_or_not(presence: bool, goes_to: str) -> None:
    asked = {"name": "CheckNodeLabelPresence", "argument": {"labelsPresence": {"labels": ["retiring"], "presence": presence}}}
    nodes = node("a"), node("b", labels={"retiring": "2027"})
    assert decided(policy([asked]), *nodes, pod("p"))[0] == {"p": goes_to}
    alone = nodes[0] if presence else nodes[1]
    assert decided(policy([asked]), alone, pod("p"))[1] == [
        "0/1 nodes are available: 1 node(s) didn't have the requested labels."
    ]


def test_the_pods_of_a_service_go_where_its_first_went() -> None:
    asked = {"name": "CheckServiceAffinity", "argument": {"serviceAffinity": {"labels": ["zone"]}}}
    nodes = [node(f"n{i}", labels={"zone": f"z{i % 2}"}) for i in range(6)]
    there = pod("there", node="n1", labels={"app": "web"})
    pods = [pod(f"p{i}", labels={"app": "web"}) for i in range(4)]
    bound, _ = decided(policy([asked]), *nodes, service("web"), there, *pods)
    assert set(bound.values()) <= {"n1", "n3", "n5"} and len(bound) == 4
    first, _ = decided(policy([asked]), *nodes, service("web"), *pods)
    assert len({int(name[1:]) % 2 for name in first.values()}) == 1, "also those of one decision"
    alone = decided(policy([asked]), nodes[0], nodes[1], service("web"), replace(there, spec=there.spec), pods[0])[0]
    assert alone == {"p0": "n1"}
    full = replace(nodes[1], spec=core_v1.NodeSpec(unschedulable=True))
    assert decided(policy([asked]), nodes[0], full, service("web"), there, pods[0])[1] == [
        "0/2 nodes are available: 1 node(s) didn't match service affinity, 1 node(s) were unschedulable."
    ]


def test_priorities_with_arguments() -> None:
    likes = {
        "name": "CalculateNodeLabelPriority",
        "weight": 2,
        "argument": {"labelPreference": {"label": "x", "presence": True}},
    }
    nodes = node("a"), node("b", labels={"x": ""})
    assert decided(policy(None, [likes]), *nodes, pod("p"))[0] == {"p": "b"}
    likes["argument"]["labelPreference"]["presence"] = False
    assert decided(policy(None, [likes]), *nodes, pod("p"))[0] == {"p": "a"}
    apart = {"name": "ServiceAntiAffinity", "weight": 1, "argument": {"serviceAntiAffinity": {"label": "rack"}}}
    racks = [node(f"n{i}", labels={"rack": f"r{i % 3}"}) for i in range(6)]
    pods = [pod(f"p{i}", labels={"app": "web"}) for i in range(6)]
    bound, _ = decided(policy(None, [apart]), *racks, service("web"), *pods)
    assert sorted(int(name[1:]) % 3 for name in bound.values()) == [0, 0, 1, 1, 2, 2]


def test_priorities_by_name_and_weight() -> None:
    (profile,) = read(policy(None, [{"name": "LeastRequestedPriority", "weight": 3}, *named("EqualPriority")]))
    assert profile.scores == (("NodeResourcesFit", 3),)
    pods = [pod(f"p{i}", labels={"app": "web"}) for i in range(4)]
    spread = policy(None, named("ServiceSpreadingPriority"))
    bound, _ = decided(spread, node("a"), node("b"), service("web"), *pods)
    assert sorted(bound.values()) == ["a", "a", "b", "b"]
    full = node("full"), node("empty"), pod("there", node="full", cpu="2"), pod("p", cpu="1")
    assert decided(policy(None, named("MostRequestedPriority")), *full)[0] == {"p": "full"}


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ([], "give an object: a KubeSchedulerConfiguration, or a Policy"),
        ({"kind": "Pod", "apiVersion": "v1"}, "kind 'Pod' of 'v1': give a KubeSchedulerConfiguration"),
        (
            config({"plugins": {"score": {"enabled": named("Luck")}}}),
            "profiles[0].plugins.score.enabled[0].name: no plugin is called 'Luck'; there are NodeUnschedulable",
        ),
        (config({"plugin": {}}), "profiles[0].plugin: there is no such field; there are schedulerName"),
        (config({}, {}), "profiles[1].schedulerName: 'default-scheduler' is the name of another profile too"),
        ({**config(), "extenders": [{"urlPrefix": "http://x"}]}, "extenders: none can be asked"),
        (argued("NodeName"), "profiles[0].pluginConfig[0].name: 'NodeName' takes no arguments; these do: DefaultPreemption"),
        (argued("NodeResourcesFit", scoringStrategy={"type": "X"}), "args.scoringStrategy.type: 'X' is none of"),
        (argued("InterPodAffinity", hardPodAffinityWeight=101), "args.hardPodAffinityWeight: 101 is no number from 0 to 100"),
        (argued("NodeAffinity", addedAffinity={"requiredDuringSchedulingIgnoredDuringExecution": 3}), "args.addedAffinity: "),
        (policy(named("Weather")), "predicates[0]: no predicate is called 'Weather'; there are PodFitsPorts"),
        (
            policy(named("CheckNodeLabelPresence")),
            "predicates[0]: CheckNodeLabelPresence needs its argument: give argument.labelsPresence",
        ),
        (policy(None, named("Weather")), "priorities[0]: no priority is called 'Weather'; there are LeastRequestedPriority"),
        (
            policy(None, [{"name": "x", "argument": {"labelPreference": {}}}]),
            "priorities[0].argument.labelPreference.label: it is missing",
        ),
        (policy(None, [{"name": "EqualPriority", "weight": 0}]), "priorities[0].weight: 0 is no number from 1"),
    ],
)
def test_what_cannot_be_is_said(document: Any, said: str) -> None:
    with pytest.raises(ConfigurationError) as error:
        read(document)
    assert said in str(error.value)


# --- scores ---


def test_a_taint_that_would_rather_keep_pods_away() -> None:
    soft = core_v1.Taint(key="k", value="v", effect="PreferNoSchedule")
    full = pod("there", node="b", cpu="2")
    assert decided(config({}), node("a", taints=(soft,)), node("b"), full, pod("p", cpu="1"))[0] == {"p": "b"}
    bears = core_v1.PodSpec(tolerations=(core_v1.Toleration(key="k", operator="Exists"),))
    assert decided(config({}), node("a", taints=(soft,)), node("b"), full, pod("p", cpu="1", spec=bears))[0] == {"p": "a"}


def test_an_image_that_is_there_already() -> None:
    image = core_v1.ContainerImage(names=("docker.io/img", "img:latest"), size_bytes=900 << 20)
    has = node("a")
    nodes = replace(has, status=replace(has.status, images=(image,))), node("b")
    there = pod("there", node="a", cpu="200m")
    assert decided(config({}), *nodes, there, pod("p", cpu="1"))[0] == {"p": "a"}
    off = config({"plugins": {"score": {"disabled": named("ImageLocality")}}})
    assert decided(off, *nodes, there, pod("p", cpu="1"))[0] == {"p": "b"}


def test_pods_of_a_service_are_spread_over_zones_and_nodes() -> None:
    zone = "topology.kubernetes.io/zone"
    nodes = [node(f"n{i}", labels={zone: "z1" if i < 4 else "z2"}) for i in range(5)]
    bound, _ = decided(config({}), *nodes, service("web"), *[pod(f"p{i}", labels={"app": "web"}) for i in range(4)])
    assert (bound["p0"] == "n4") != (bound["p1"] == "n4"), "the first two are in different zones"
    assert len(set(bound.values())) == 4


def test_unused_selectors_do_no_harm() -> None:
    other = core_v1.Service(metadata=meta_v1.ObjectMeta(name="x", namespace="default"), spec=core_v1.ServiceSpec())
    assert decided(config({}), node("a"), other, pod("p", labels={"app": "web"}))[0] == {"p": "a"}
