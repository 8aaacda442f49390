"""Pods with users of their own (hostUsers: false): root inside is nobody outside, and files are theirs on either side."""

import asyncio
import os
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.runtime.commands import FileContent, Mount, RemovePodSandbox, RunPodSandbox, Security, VolumeSource
from shipslog.runtime.containers.oci.layout import Layout, instance_of
from shipslog.runtime.containers.oci.naming import NOT_ROOTLESS, Naming
from shipslog.runtime.machine import linux
from shipslog.runtime.machine.environment import OciSettings
from shipslog.runtime.network.addresses import Addresses
from shipslog.store.facts import ContainerExited, ContainerStartFailed, SandboxFailed
from tests.runtime.containers.oci.test_image_volumes import give, written
from tests.runtime.containers.test_contract import UID, Bench, known

pytestmark = pytest.mark.root
POD = RunPodSandbox(node="n", pod_uid=UID, namespace="default", name="p", hostname="p", own_users=True)


async def ended(bench: Bench, script: str, attempt: int = 0, **more: Any) -> tuple[int, str]:
    """(exit code, what it wrote) of a container that ends by itself."""
    outcome = await bench.run(script, attempt, **more)
    assert not isinstance(outcome[0], ContainerStartFailed), outcome
    async with asyncio.timeout(30):
        while not (found := [f for f in (*outcome, *bench.facts) if isinstance(f, ContainerExited) and f.attempt == attempt]):
            await asyncio.sleep(0.01)
    return found[0].exit_code, (await bench.log_of(attempt)).decode()


def first_id(bench: Bench) -> int:
    pod = bench.node._life.pods.get(UID)  # type: ignore[attr-defined]
    return int(pod.sandbox.first_id)


async def test_root_inside_is_nobody_outside(bench: Bench) -> None:
    await bench.pod(own_users=True, sysctls={"net.ipv4.ip_local_port_range": "2000 3000", "kernel.shm_rmid_forced": "1"})
    script = (
        "id -u; cat /proc/self/uid_map /proc/self/gid_map; cd /proc/sys;"
        "cat net/ipv4/ip_local_port_range kernel/shm_rmid_forced;"
        "hostname; stat -c %u:%g / /bin/sh /etc/hosts /dev/termination-log;"
        "echo 10.0.0.1 x >>/etc/hosts && touch /new /dev/shm/a && echo all; sleep 1000"
    )
    await bench.run(script)
    first = first_id(bench)
    await written(bench, 0, b"all\n")
    lines = (await bench.log_of(0)).decode().split("\n")
    assert lines[0] == "0" and lines[1].split() == lines[2].split() == ["0", str(first), "65536"]
    assert lines[3].split() == ["2000", "3000"] and lines[4:6] == ["1", "p"] and lines[6:10] == ["0:0"] * 4
    (one,) = bench.node._life.pods.get(UID).containers.values()  # type: ignore[attr-defined]
    assert os.stat(f"/proc/{one.record.process.pid}").st_uid == first
    upper = bench.place / f"node/pods/{UID}/containers/c/0/upper"
    assert (upper / "new").stat().st_uid == first
    code, said = await bench.node.exec_output(UID, "c", ("sh", "-c", "id -u; touch /of-exec"), 10)  # type: ignore[attr-defined]
    assert (code, said) == (0, b"0\n") and (upper / "of-exec").stat().st_uid == first
    await bench.node.execute(RemovePodSandbox(node="n", pod_uid=UID))
    assert not list(
        Layout(bench.place / "node", Path("/run/shipslog") / instance_of(bench.place / "node")).mapped("x").parent.iterdir()
    )


async def test_volumes_show_the_same_ids_on_either_side(bench: Bench, tmp_path: Path) -> None:
    host = tmp_path / "host"
    host.mkdir()
    (host / "of-1000").touch()
    os.chown(host / "of-1000", 1000, 2000)
    give(bench, tmp_path, {"sub/file": b"image\n"}, {"other": b""})
    volumes = (
        VolumeSource(name="e", kind="emptyDir"),
        VolumeSource(name="m", kind="emptyDir", medium="Memory"),
        VolumeSource(name="h", kind="hostPath", host_path=str(host)),
        VolumeSource(name="f", kind="files", files=(FileContent(path="key", data=b"value", mode=0o440),), in_memory=True),
        VolumeSource(name="i", kind="image", image="data:1", read_only=True),
    )
    await bench.pod(own_users=True, volumes=volumes, fs_group=3000)
    mounts = (
        *(Mount(volume=name, path=f"/{name}") for name in "emhfi"),
        Mount(volume="e", path="/s", sub_path="below"),
        Mount(volume="i", path="/is", sub_path="sub"),
    )
    script = (
        "touch /e/a /m/a /s/a; stat -c %u:%g /e/a /m/a /s/a /h/of-1000 /i/sub/file; stat -L -c %u:%g:%a /f/key;"
        "cat /f/key /is/file; touch /h/b && chown 5:6 /h/b"
    )
    code, said = await ended(bench, script, mounts=mounts)
    assert (code, said.split("\n")[:5]) == (0, ["0:3000", "0:3000", "0:3000", "1000:2000", "0:0"]), said
    assert said.split("\n")[5].split(":")[1:] == ["3000", "440"] and said.endswith("valueimage\n")
    found = (host / "b").stat()
    assert (found.st_uid, found.st_gid) == (5, 6)
    volume = bench.place / f"node/pods/{UID}/volumes/e"
    assert ((volume / "a").stat().st_uid, (volume / "below/a").stat().st_uid) == (0, 0)


async def test_no_two_pods_have_the_same_and_a_restart_keeps_them(bench: Bench) -> None:
    sandbox = await bench.pod(own_users=True, share_process_namespace=True)
    started, *_ = await bench.run("sleep 1000")
    first = first_id(bench)
    await bench.again(known(started, sandbox))
    assert first_id(bench) == first and not bench.facts[1:], bench.facts
    other = "22222222-2222-4333-8444-555555555555"
    await bench.node.execute(replace(POD, pod_uid=other, name="q"))
    pods = bench.node._life.pods  # type: ignore[attr-defined]
    assert pods.get(other).sandbox.first_id not in (0, first)
    assert await bench.node.exec_output(UID, "c", ("sh", "-c", "id -u"), 10) == (0, b"0\n")  # type: ignore[attr-defined]


async def test_a_process_with_all_rights_inside_has_none_outside(bench: Bench) -> None:
    security = Security(privileged=True, proc_unmasked=True)
    await bench.pod(own_users=True)
    script = "echo 1 >/proc/sys/vm/drop_caches; mount -t tmpfs none /mnt && echo mounted; date -s 2001-01-01"
    _, said = await ended(bench, f"mkdir -p /mnt; ({script}) 2>&1", security=security)
    assert "mounted" in said and "drop_caches: Permission denied" in said and "date: Operation not permitted" in said, said


async def test_unmasked_shows_all_of_proc(bench: Bench) -> None:
    await bench.pod(own_users=True)
    script = "grep -c ' /proc/' /proc/mounts; exit 0"
    _, masked = await ended(bench, script)
    _, bare = await ended(bench, script, 1, security=Security(proc_unmasked=True))
    assert int(masked) > 3 and int(bare) == 0


async def test_users_beyond_its_own_are_told(bench: Bench) -> None:
    await bench.pod(own_users=True)
    (failed,) = await bench.run("true", security=Security(run_as_user=65536))
    assert isinstance(failed, ContainerStartFailed) and "0 to 65535, and it is to run as 65536" in failed.message


async def test_a_file_system_that_cannot_is_told(bench: Bench) -> None:
    await bench.pod(own_users=True, volumes=(VolumeSource(name="h", kind="hostPath", host_path="/sys"),))
    (failed,) = await bench.run("true", mounts=(Mount(volume="h", path="/h"),))
    assert isinstance(failed, ContainerStartFailed) and "'sys' cannot be mounted with mapped ids" in failed.message
    assert not [point for point in linux.mounts_below(Path("/run/shipslog")) if "mapped" in str(point)]


async def test_what_fails_gives_back_what_it_had(bench: Bench) -> None:
    wrong = replace(POD, sysctls={"net.no.such": "1"})
    (failed,) = await bench.node.execute(wrong)
    assert isinstance(failed, SandboxFailed) and "no/such" in failed.message, failed
    await bench.pod(own_users=True)
    naming = bench.node._life._naming  # type: ignore[attr-defined]
    assert len(naming._ids._used) == 1


def test_without_root_it_is_refused_in_words(tmp_path: Path) -> None:
    naming = Naming("00d11580", Addresses("10.244.0.0/24", tmp_path / "next"), OciSettings(ids=65536))
    with pytest.raises(OSError, match=r"^hostUsers: false needs") as refused:
        naming.name(POD, 0)
    assert str(refused.value) == NOT_ROOTLESS
