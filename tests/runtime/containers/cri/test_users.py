"""Pods with users of their own over the CRI, and what their containers may see: as its messages say it."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from cri_api.v1 import api_pb2 as api
from msgspec.structs import replace

from shipslog.runtime.commands import Mount, RunPodSandbox, Security, StartContainer, VolumeSource
from shipslog.runtime.containers.cri import config, users
from shipslog.runtime.containers.cri.client import CallFailed
from shipslog.runtime.containers.cri.users import PodUsers

POD = RunPodSandbox(node="n", pod_uid="u", namespace="s", name="p", hostname="p", own_users=True)
START = StartContainer(node="n", pod_uid="u", namespace="s", name="p", container="c", attempt=0, image="i")


def runtime(*, can: bool) -> Any:
    return SimpleNamespace(name="test", version="1", user_namespaces=lambda handler: can and handler == "")


@pytest.fixture
def directory(tmp_path: Path) -> Path:
    (tmp_path / "u/volumes/e").mkdir(parents=True)
    return tmp_path / "u"


def test_a_pod_has_its_ids_until_it_goes_and_after_a_restart(directory: Path) -> None:
    before = PodUsers(directory.parent, "12345678")
    before.give(POD, runtime(can=True))
    first = users.first_id(directory)
    before.give(POD, runtime(can=False))  # it has them
    after = PodUsers(directory.parent, "12345678")
    after.open()
    (directory.parent / "v").mkdir()
    after.give(replace(POD, pod_uid="v"), runtime(can=True))
    assert first and users.first_id(directory.parent / "v") not in (0, first) and users.first_id(directory) == first
    after.release("u")
    (directory.parent / "w").mkdir()
    after.give(replace(POD, pod_uid="w"), runtime(can=True))
    assert users.first_id(directory.parent / "w") == first


def test_the_runtime_is_told_of_them_everywhere(directory: Path) -> None:
    PodUsers(directory.parent, "12345678").give(POD, runtime(can=True))
    first = users.first_id(directory)
    wanted = api.UserNamespace(
        mode=api.POD, uids=[api.IDMapping(host_id=first, container_id=0, length=65536)],
        gids=[api.IDMapping(host_id=first, container_id=0, length=65536)],
    )  # fmt: skip
    pod = replace(POD, volumes=(VolumeSource(name="e", kind="emptyDir"),))
    told = config.sandbox(api, pod, directory, 0)
    assert told.linux.security_context.namespace_options.userns_options == wanted
    made = config.container(api, replace(START, mounts=(Mount(volume="e", path="/e"),)), pod, directory)
    assert made.linux.security_context.namespace_options.userns_options == wanted
    assert [list(mount.uidMappings) for mount in made.mounts] == [list(wanted.uids)] * 2
    assert [list(mount.gidMappings) for mount in made.mounts] == [list(wanted.gids)] * 2


def test_others_are_as_they_were(directory: Path) -> None:
    pod = replace(POD, own_users=False)
    PodUsers(directory.parent, "12345678").give(pod, runtime(can=True))
    told = config.sandbox(api, pod, directory, 0)
    assert not told.linux.security_context.namespace_options.HasField("userns_options")
    made = config.container(api, START, pod, directory)
    assert not made.mounts[0].uidMappings


def test_a_runtime_that_cannot_is_told(directory: Path) -> None:
    with pytest.raises(CallFailed, match='RuntimeClass handler "" of test 1 does not support user namespaces'):
        PodUsers(directory.parent, "12345678").give(POD, runtime(can=False))
    assert not users.first_id(directory)


@pytest.mark.parametrize(
    ("security", "masked"),
    [(Security(), True), (Security(proc_unmasked=True), False), (Security(privileged=True), False)],
    ids=["default", "unmasked", "privileged"],
)
def test_what_of_the_kernel_it_sees(security: Security, masked: bool, directory: Path) -> None:
    made = config.container(api, replace(START, security=security), POD, directory).linux.security_context
    assert ("/proc/kcore" in made.masked_paths, "/proc/sys" in made.readonly_paths) == (masked, masked)


def test_strict_groups_are_passed_on(directory: Path) -> None:
    made = config.container(api, replace(START, security=Security(groups_strict=True)), POD, directory)
    assert made.linux.security_context.supplemental_groups_policy == api.Strict
