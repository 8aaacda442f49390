"""Volumes as the node is told to make them."""

from typing import Any

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from shipslog.reconcilers.kubelet import lifecycle
from shipslog.runtime.commands import RunPodSandbox, TokenRequest
from shipslog.store.objects.types import core_v1
from tests.reconcilers.views import NOW, node, observed, pod, view_of

SOURCE = core_v1.VolumeProjection(service_account_token=core_v1.ServiceAccountTokenProjection(path="token"))
VOLUME = core_v1.Volume(name="v", projected=core_v1.ProjectedVolumeSource(sources=(SOURCE,), default_mode=0o644))


def token(whole: core_v1.PodSecurityContext | None, *users: int | None) -> TokenRequest:
    """What is asked for when the pod has such a context, and its containers are told to run as these."""
    made = pod("p", node="n", phase="Pending")
    containers = tuple(
        core_v1.Container(name=f"c{i}", image="img", security_context=core_v1.SecurityContext(run_as_user=user))
        for i, user in enumerate(users)
    )
    made = replace(made, spec=replace(made.spec, volumes=(VOLUME,), containers=containers, security_context=whole))
    decision = lifecycle.decide(view_of(node("n"), observed("n"), made), "pod/uid-pods-p", now=NOW)
    (sandbox,) = [c for c in decision.commands if isinstance(c, RunPodSandbox)]
    (request,) = sandbox.volumes[0].token_requests
    return request


@pytest.mark.parametrize(
    ("whole", "users", "mode", "user"),
    [
        (None, (None,), 0o644, UNSET),
        (None, (1000,), 0o600, 1000),
        (None, (1000, 1000), 0o600, 1000),
        (None, (1000, 2000), 0o644, UNSET),
        (None, (1000, None), 0o644, UNSET),
        ({"run_as_user": 5}, (None, None), 0o600, 5),
        ({"run_as_user": 5}, (None, 6), 0o644, UNSET),
        ({"fs_group": 7}, (None,), 0o600, UNSET),
        ({"fs_group": 7, "run_as_user": 0}, (None,), 0o600, 0),
    ],
)
def test_a_token_is_for_the_pods_user_and_group(
    whole: dict[str, int] | None, users: tuple[int | None, ...], mode: int, user: Any
) -> None:
    request = token(core_v1.PodSecurityContext(**whole) if whole is not None else None, *users)
    assert (request.mode, request.user) == (mode, user)


def test_a_medium_that_there_is_not_is_told() -> None:
    made = pod("p", node="n", phase="Pending")
    odd = core_v1.Volume(name="v", empty_dir=core_v1.EmptyDirVolumeSource(medium="Wood"))
    made = replace(made, spec=replace(made.spec, volumes=(odd,)))
    decision = lifecycle.decide(view_of(node("n"), observed("n"), made), "pod/uid-pods-p", now=NOW)
    assert [s.message for s in decision.says] == ['MountVolume.SetUp failed for volume "v" : unknown storage medium "Wood"']


@pytest.mark.parametrize(
    ("asked", "memory", "size_bytes"),
    [
        (None, "", 8 << 30),
        ("1Gi", "", 1 << 30),
        ("9Gi", "", 8 << 30),
        (None, "2Gi", 2 << 30),
        ("1Gi", "2Gi", 1 << 30),
        ("3Gi", "2Gi", 2 << 30),
    ],
)
def test_a_volume_in_memory_is_no_larger_than_what_the_pod_may_use(asked: str | None, memory: str, size_bytes: int) -> None:
    held = core_v1.Volume(name="v", empty_dir=core_v1.EmptyDirVolumeSource(medium="Memory", size_limit=asked))
    made = pod("p", node="n", phase="Pending")
    resources = core_v1.ResourceRequirements(limits={"memory": memory} if memory else {})
    containers = (core_v1.Container(name="c", image="img", resources=resources),)
    made = replace(made, spec=replace(made.spec, volumes=(held,), containers=containers))
    decision = lifecycle.decide(view_of(node("n"), observed("n"), made), "pod/uid-pods-p", now=NOW)
    (sandbox,) = [c for c in decision.commands if isinstance(c, RunPodSandbox)]
    assert [volume.size_limit_bytes for volume in sandbox.volumes] == [size_bytes]
