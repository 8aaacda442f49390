"""`$(VAR)`: what it stands for, and that nothing is made that is longer than a process could be given."""

import tracemalloc
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from shipslog.engine.state.view import MemoryView
from shipslog.reconcilers.kubelet import lifecycle, probes
from shipslog.reconcilers.kubelet.expansion import ALL_BYTES, STRING_BYTES, Room, expand, measured, references, size_bytes
from shipslog.reconcilers.kubelet.fields import ConfigError
from shipslog.runtime.commands import SetProbes, StartContainer
from shipslog.store.commands import Update
from shipslog.store.events import Event
from shipslog.store.facts import ContainerStarted, ImagePulled, SandboxStarted
from shipslog.store.objects.types import core_v1
from tests.reconcilers.views import NOW, meta, node, observed, pod, view_of

UID = "uid-pods-p"
SANDBOX = SandboxStarted(node="n", pod_uid=UID, sandbox_id="s1", ip="10.0.0.2", at_ns=NOW)
PULLED = ImagePulled(node="n", image="img", image_id="sha256:1", at_ns=NOW)


@pytest.mark.parametrize(
    ("text", "becomes"),
    [
        ("$(A)-$(B)", "1-$(B)"),
        ("$$(A)", "$(A)"),
        ("$$$(A)", "$1"),
        ("$", "$"),
        ("a$", "a$"),
        ("$A $(A", "$A $(A"),
        ("$($(A)", "$($(A)"),
        ("$()", "$()"),
        ("é$(A)", "é1"),
        ("$$", "$"),
        ("$(A)$(A)", "11"),
    ],
)
def test_references_are_replaced_as_kubernetes_does(text: str, becomes: str) -> None:
    assert expand(text, {"A": "1"}) == becomes
    assert measured(text, {"A": 1}.get) == size_bytes(becomes)


@given(st.text(alphabet="$()AB é"), st.text(alphabet="xé$", max_size=3))
def test_the_measure_is_the_length_of_what_is_made(text: str, value: str) -> None:
    assert measured(text, {"A": size_bytes(value)}.get) == size_bytes(expand(text, {"A": value}))
    assert ("A" in references(text)) == (expand(text, {"A": "\0"}) != expand(text, {}))


def doubling(times: int) -> tuple[core_v1.EnvVar, ...]:
    first = core_v1.EnvVar(name="E0", value="xxxxxxxxxx")
    return (first, *(core_v1.EnvVar(name=f"E{i}", value=f"$(E{i - 1})$(E{i - 1})") for i in range(1, times)))


def container(name: str = "c", **more: Any) -> core_v1.Container:
    return core_v1.Container(name=name, image="img", image_pull_policy="IfNotPresent", **more)


def world(*containers: core_v1.Container, more: tuple[Any, ...] = (), **spec: Any) -> MemoryView:
    made = pod("p", node="n", phase="Pending")
    return view_of(
        node("n"), observed("n"), *more, replace(made, spec=replace(made.spec, containers=containers, **spec)), SANDBOX, PULLED
    )


def starts(view: MemoryView) -> list[StartContainer]:
    return [c for c in lifecycle.decide(view, f"pod/{UID}", now=NOW).commands if isinstance(c, StartContainer)]


def refusals(view: MemoryView) -> dict[str, str]:
    """Why containers wait, by container, of those that wait for their configuration."""
    (update,) = [c for c in lifecycle.decide(view, f"pod/{UID}", now=NOW).commands if isinstance(c, Update)]
    waiting = {s.name: s.state.waiting for s in update.object.status.container_statuses}
    return {n: w.message for n, w in waiting.items() if w is not None and w.reason == "CreateContainerConfigError"}


def test_variables_that_double_fail_their_container_alone_and_take_no_memory() -> None:
    view = world(container("bad", env=doubling(60)), container("good", env=doubling(5)))
    tracemalloc.start()
    try:
        began = starts(view)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert [s.container for s in began] == ["good"] and peak < 4 * ALL_BYTES
    assert refusals(view) == {"bad": "the variable E14 would be 163844 bytes long; the kernel takes less than 131072 bytes"}


TEN = core_v1.EnvVar(name="X", value="x" * 100_000)


@pytest.mark.parametrize(
    ("settings", "told"),
    [
        ({"command": ("$(X)$(X)",)}, "command[0] would be 200000 bytes long"),
        ({"args": ("ok", "$(X)$(X)")}, "args[1] would be 200000 bytes long"),
        ({"args": ("$(X)",) * 21}, "together would be over 2097152 bytes (reached at args[19])"),
        ({"command": ("x" * STRING_BYTES,)}, "command[0] would be 131072 bytes long"),
    ],
)
def test_commands_and_arguments_are_bounded(settings: dict[str, Any], told: str) -> None:
    assert told in refusals(world(container(env=(TEN,), **settings)))["c"]


def test_a_long_value_of_a_config_map_is_told() -> None:
    source = core_v1.EnvVarSource(config_map_key_ref=core_v1.ConfigMapKeySelector(name="m", key="k"))
    config = core_v1.ConfigMap(metadata=meta("m"), data={"k": "x" * 500_000})
    view = world(container(env=(core_v1.EnvVar(name="V", value_from=source),)), more=(config,))
    assert refusals(view)["c"].startswith("the variable V would be 500002 bytes long")


def test_a_sub_path_is_no_longer_than_a_path() -> None:
    mount = core_v1.VolumeMount(name="v", mount_path="/v", sub_path_expr="$(X)")
    view = world(container(env=(TEN,), volume_mounts=(mount,)), volumes=(core_v1.Volume(name="v"),))
    assert refusals(view)["c"].startswith("subPathExpr of volumeMount v would be 100000 bytes long")


def test_of_many_large_containers_some_wait_until_the_others_have_started() -> None:
    view = world(*(container(f"c{i}", env=doubling(14), args=("$(E13)",) * 10) for i in range(20)))
    first = starts(view)
    assert 1 < len(first) < 20 and not refusals(view)
    for start in first:
        started = ContainerStarted(node="n", pod_uid=UID, container=start.container, attempt=0, container_id="x", at_ns=NOW)
        view.evolve(event(view, started))
    assert starts(view)[0].container == f"c{len(first)}"


def event(view: MemoryView, fact: Any) -> Event:
    return Event(revision=view.revision + 1, time_ns=NOW, actor="test", fact=fact)


def test_the_probes_of_a_pod_share_one_bound() -> None:
    probe = core_v1.Probe(exec=core_v1.ExecAction(command=("echo", "$(X)") + ("$(X)",) * 9))
    view = world(*(container(f"c{i}", env=(TEN,), readiness_probe=probe) for i in range(4)))
    for i in range(4):
        view.evolve(event(view, ContainerStarted(node="n", pod_uid=UID, container=f"c{i}", attempt=0, container_id="x")))
    (command,) = probes.decide(view, "n", now=NOW).commands
    assert isinstance(command, SetProbes)
    assert [t.container for t in command.targets] == ["c0", "c1"]


def test_the_files_of_a_pod_are_bounded_together() -> None:
    config = core_v1.ConfigMap(metadata=meta("m"), data={"k": "x" * 1_000_000})
    items = tuple(core_v1.KeyToPath(key="k", path=f"f{i}") for i in range(70))
    source = core_v1.ConfigMapVolumeSource(name="m", items=items)
    made = pod("p", node="n", phase="Pending", spec=core_v1.PodSpec(volumes=(core_v1.Volume(name="v", config_map=source),)))
    decision = lifecycle.decide(view_of(node("n"), observed("n"), config, made, PULLED), f"pod/{UID}", now=NOW)
    assert [c.reason for c in decision.says if c.after is None] == ["FailedMount"]
    assert "would be over 64 MiB together" in decision.says[0].message


def test_room_says_what_was_too_much() -> None:
    with pytest.raises(ConfigError, match="w would be over 1 TiB long"):
        Room().take(1 << 50, "w")
