"""What every runtime promises, asked of each: simulated, plain processes, real containers."""

import asyncio
import os
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import UNSET
from msgspec.structs import replace

from shipslog.runtime.commands import (
    ApplyNetworkPolicies,
    ApplyRuleset,
    FileContent,
    Hook,
    MakeVolume,
    Mount,
    NetworkPolicyRules,
    PodPolicies,
    ProbeTarget,
    PullImage,
    RefreshVolumes,
    RemovePodSandbox,
    RemoveVolume,
    Ruleset,
    RunPodSandbox,
    SetProbes,
    StartContainer,
    StopContainer,
    UpdateContainerResources,
    VolumeSource,
)
from shipslog.runtime.containers.logs import pod_logs, rotation
from shipslog.runtime.containers.logs.limits import LogLimits
from shipslog.runtime.containers.process import ProcessNode
from shipslog.runtime.containers.simulated import EXIT_CODE, RUNS_FOR, SimulatedNode
from shipslog.runtime.node import LogOptions, NodeRuntime, StreamRefused
from shipslog.runtime.stats import sampler
from shipslog.store.facts import (
    ContainerExited,
    ContainerLimits,
    ContainerResized,
    ContainerStarted,
    ContainerStartFailed,
    ImagePulled,
    ImagePullFailed,
    LifecycleHookFailed,
    NetworkPoliciesApplied,
    NodeObserved,
    ProbeFlipped,
    RulesetApplied,
    SandboxFailed,
    SandboxRemoved,
    SandboxStarted,
    VolumeMade,
    VolumeRemoved,
)
from shipslog.store.state import ContainerRuntime, PodRuntime

UID, IMAGE = "11111111-2222-4333-8444-555555555555", "busybox:contract"
Make = Callable[[], NodeRuntime]


class Bench:
    """One runtime under test, and what it reports. `again` makes another on the same machine, as a daemon that comes back."""

    def __init__(self, kind: str, make: Make, place: Path) -> None:
        self.kind, self._make, self.place = kind, make, place
        self.node = make()
        self.facts: list[Any] = []

    async def start(self, known: tuple[PodRuntime, ...] = ()) -> None:
        await self.node.start(self.facts.append, known)

    async def again(self, *known: PodRuntime) -> None:
        await self.node.close()
        self.facts.clear()
        self.node = self._make()
        await self.start(known)

    async def pod(self, **more: Any) -> SandboxStarted:
        labels = more.pop("labels", {})
        command = RunPodSandbox(node="n", pod_uid=UID, namespace="default", name="p", hostname="p", labels=labels, **more)
        (fact,) = await self.node.execute(command)
        assert isinstance(fact, SandboxStarted), fact
        return fact

    async def run(self, script: str, attempt: int = 0, **more: Any) -> tuple[Any, ...]:
        await self.node.execute(PullImage(node="n", image=IMAGE, policy="IfNotPresent"))
        command = StartContainer(
            node="n", pod_uid=UID, namespace="default", name="p", attempt=attempt, image=IMAGE,
            command=("sh", "-c", script), **{"container": "c", **more},
        )  # fmt: skip
        return await self.node.execute(command)

    async def told(self, kind: type[Any]) -> Any:
        async with asyncio.timeout(10):
            while not (found := [f for f in self.facts if isinstance(f, kind)]):
                await asyncio.sleep(0.01)
        return found[-1]

    async def log_of(self, attempt: int) -> bytes:
        return b"".join([part async for part in self.node.logs(UID, "c", attempt, LogOptions())])

    async def log(self, **options: Any) -> bytes:
        return b"".join([part async for part in self.node.logs(UID, "c", 0, LogOptions(**options))])


def known(started: ContainerStarted, sandbox: SandboxStarted) -> PodRuntime:
    """What the log knows of a pod whose container runs."""
    container = ContainerRuntime(
        name="c", attempt=started.attempt, running=True, container_id=started.container_id, started_at_ns=started.at_ns
    )
    return PodRuntime(pod_uid=UID, node="n", sandbox_id=sandbox.sandbox_id, ip=sandbox.ip, containers={"c": container})


def busybox(root: Path) -> Path:
    (root / "bin").mkdir(parents=True)
    shutil.copy("/bin/busybox", root / "bin/busybox")
    for applet in ("sh", "sleep", "cat", "echo", "env", "hostname", "true", "false", "kill"):
        (root / "bin" / applet).symlink_to("busybox")
    (root / "tmp").mkdir()
    return root


def cri_node(tmp_path: Path, socket: str) -> Make:
    from shipslog.runtime.containers.cri.node import CriNode

    return lambda: CriNode("n", tmp_path / "cri", socket)


def real_node(tmp_path: Path) -> Make:
    from shipslog.runtime.containers.oci.node import OciNode
    from shipslog.runtime.images.store import ImageStore

    root = busybox(tmp_path / "root")
    store = ImageStore(tmp_path / "node" / "images")
    store.open()
    store.add(IMAGE, root, {"Cmd": ["sh"]})
    return lambda: OciNode("n", tmp_path / "node", pod_cidr="10.233.7.0/24", cluster_cidr="10.233.0.0/16")


@pytest.fixture(
    params=["simulated", "process", pytest.param("oci", marks=pytest.mark.root), pytest.param("cri", marks=pytest.mark.root)]
)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    make: Make
    if request.param == "simulated":
        kept = SimulatedNode("n", now_ns=time.time_ns)
        make = lambda: kept  # noqa: E731
    elif request.param == "process":
        make = lambda: ProcessNode("n", tmp_path / "processes")  # noqa: E731
    elif os.geteuid() != 0:
        pytest.skip("real containers need root")
    elif request.param == "cri":
        make = cri_node(tmp_path, request.getfixturevalue("containerd"))
    else:
        make = real_node(tmp_path)
    bench = Bench(request.param, make, tmp_path)
    await bench.start()
    try:
        yield bench
    finally:
        await bench.node.close(end_pods=True)


def really(bench: Bench) -> bool:
    """Whether something runs of which one can see more than the facts."""
    return bench.kind != "simulated"


async def test_it_reports_the_node(bench: Bench) -> None:
    observed = await bench.told(NodeObserved)
    assert observed.node == "n"
    assert int(observed.capacity["cpu"]) > 0 and observed.info["operatingSystem"] == "linux"


async def test_a_pod_lives(bench: Bench) -> None:
    sandbox = await bench.pod()
    (started,) = await bench.run("echo hello; echo world >&2; exec sleep 60")
    assert isinstance(started, ContainerStarted) and "://" in started.container_id
    if really(bench):
        async with asyncio.timeout(5):
            while (await bench.log()).count(b"\n") < 2:
                await asyncio.sleep(0.02)
        assert sorted((await bench.log()).splitlines()) == [b"hello", b"world"]
        assert (await bench.log(tail_lines=1)).count(b"\n") == 1
        assert b"Z hello" in await bench.log(timestamps=True)
    again = await bench.pod()
    assert again.sandbox_id == sandbox.sandbox_id, "asked twice, made once"
    (same,) = await bench.run("echo hello; exec sleep 60")
    assert same == started, "asked twice, started once"
    stop = StopContainer(node="n", pod_uid=UID, container="c", attempt=0, grace_period_s=2)
    (ended,) = await bench.node.execute(stop)
    assert isinstance(ended, ContainerExited) and ended.exit_code in (143, 137)
    assert await bench.node.execute(stop) == (ended,), "asked twice, told the same"
    assert await bench.node.execute(RemovePodSandbox(node="n", pod_uid=UID)) == (SandboxRemoved(node="n", pod_uid=UID),)
    assert await bench.node.execute(RemovePodSandbox(node="n", pod_uid=UID)) == (SandboxRemoved(node="n", pod_uid=UID),)


async def test_a_container_that_runs_gets_more_and_less(bench: Bench) -> None:
    await bench.pod()
    resources = {"cpu_request_milli": 100, "cpu_limit_milli": 200, "memory_limit_bytes": 64 << 20}
    (started,) = await bench.run("exec sleep 60", **resources)
    more = ContainerLimits(cpu_request_milli=200, cpu_limit_milli=500, memory_limit_bytes=128 << 20)
    less = ContainerLimits(cpu_request_milli=50, cpu_limit_milli=100, memory_limit_bytes=32 << 20)
    assert started.limits == ContainerLimits(**resources)
    for limits in (more, less):
        command = UpdateContainerResources(
            node="n", pod_uid=UID, container="c", attempt=0, limits=limits, pod_cpu_limit_milli=limits.cpu_limit_milli,
            pod_memory_limit_bytes=limits.memory_limit_bytes,
        )  # fmt: skip
        (told,) = await bench.node.execute(command)
        assert isinstance(told, ContainerResized) and not told.failure, told.failure
        assert told.limits == limits
        if bench.kind == "oci" and limited(bench):
            held = group_of(bench)
            assert held == {"memory": limits.memory_limit_bytes, "quota": limits.cpu_limit_milli * 100}
    if bench.kind == "oci" and limited(bench):
        (told,) = await bench.node.execute(replace(command, limits=replace(less, memory_limit_bytes=4096)))
        assert "attempting to set container memory limit (4096) below current usage" in told.failure
        assert group_of(bench)["memory"] == less.memory_limit_bytes
        await bench.again(known(started, await bench.pod()))
        (again,) = await bench.run("exec sleep 60")
        assert again.limits == less, "kept over a restart of the daemon"
    assert await bench.node.execute(replace(command, attempt=7)) == ()


def limited(bench: Bench) -> bool:
    """Whether there are control groups to hold containers to their limits: not without root."""
    managed: bool = getattr(bench.node, "settings").cgroup_manager != "disabled"  # noqa: B009
    return managed


def group_of(bench: Bench) -> dict[str, int]:
    """What the kernel holds the container to."""
    root = Path("/sys/fs/cgroup")

    def read(controller: str, name: str, name_2: str) -> int:
        pattern = f"{controller}/shipslog-*/{UID}/*/{name}" if not (root / "cgroup.controllers").exists() else ""
        found = list(root.glob(pattern or f"shipslog-*/{UID}/*/{name_2}"))
        return int(found[0].read_text().split()[0])

    return {
        "memory": read("memory", "memory.limit_in_bytes", "memory.max"),
        "quota": read("cpu", "cpu.cfs_quota_us", "cpu.max"),
    }


async def test_it_measures_what_pods_use(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sampler, "EVERY_S", 0.2)
    await bench.again()
    await bench.pod()
    await bench.run("while :; do :; done")
    async with asyncio.timeout(30):
        while (pod := bench.node.stats().pods.get(UID)) is None or not pod.containers or not pod.measured.cpu_nanocores:
            await asyncio.sleep(0.05)
    assert [one.name for one in pod.containers] == ["c"]
    assert pod.containers[0].measured.latest.cpu_ns > 0
    assert pod.measured.latest.memory_bytes > 0 and pod.measured.cpu_nanocores < 64e9
    stats = bench.node.stats()
    assert stats.measured.latest.memory_bytes < stats.memory_capacity_bytes
    await bench.node.execute(RemovePodSandbox(node="n", pod_uid=UID))
    async with asyncio.timeout(30):
        while UID in bench.node.stats().pods:
            await asyncio.sleep(0.05)


async def test_an_end_is_reported_with_its_code_once(bench: Bench) -> None:
    await bench.pod(labels={RUNS_FOR: "0.1", EXIT_CODE: "7"})
    facts = await bench.run("sleep 0.1; exit 7")
    ended = await bench.told(ContainerExited) if len(facts) == 1 else facts[1]
    assert (ended.exit_code, ended.reason, ended.attempt) == (7, "Error", 0)
    await asyncio.sleep(0.1)
    assert sum(isinstance(f, ContainerExited) for f in bench.facts) + len(facts) - 1 == 1
    (second, *_) = await bench.run("exec sleep 60", attempt=1)
    assert isinstance(second, ContainerStarted) and second.attempt == 1


async def test_what_ignores_the_signal_is_killed_after_the_grace_period(bench: Bench) -> None:
    await bench.pod()
    await bench.run("trap '' TERM; echo deaf; while true; do sleep 0.1; done")
    if really(bench):
        await _until(lambda: _has(bench, b"deaf\n"))
    begun = time.monotonic()
    (ended,) = await bench.node.execute(StopContainer(node="n", pod_uid=UID, container="c", attempt=0, grace_period_s=1))
    assert ended.exit_code in (137, 143)
    if really(bench):
        assert ended.exit_code == 137 and time.monotonic() - begun >= 0.9


async def test_what_runs_is_adopted(bench: Bench) -> None:
    sandbox = await bench.pod()
    (started,) = await bench.run("exec sleep 60")
    await bench.again(known(started, sandbox))
    assert [type(f).__name__ for f in bench.facts] == ["NodeObserved"], "nothing has changed"
    (same,) = await bench.run("exec sleep 60")
    assert same.container_id == started.container_id


async def test_what_ended_meanwhile_is_told_with_its_real_code(bench: Bench) -> None:
    sandbox = await bench.pod(labels={RUNS_FOR: "0.2", EXIT_CODE: "5"})
    (started,) = await bench.run("sleep 0.2; exit 5")
    if bench.kind == "simulated":
        await asyncio.sleep(0.3)
    else:
        await bench.node.close()
        await asyncio.sleep(1.0)
    await bench.again(known(started, sandbox))
    ended = await bench.told(ContainerExited)
    assert (ended.exit_code, ended.attempt) == (5, 0)


async def test_what_the_log_does_not_know_is_told(bench: Bench) -> None:
    await bench.pod()
    await bench.run("exec sleep 60")
    await bench.again()
    assert (await bench.told(SandboxStarted)).pod_uid == UID
    assert (await bench.told(ContainerStarted)).attempt == 0


async def test_what_cannot_be_started_says_why(bench: Bench) -> None:
    (fact,) = await bench.run("true")
    assert isinstance(fact, ContainerStartFailed) and "no sandbox" in fact.message
    if bench.kind != "process":
        (failed,) = await bench.node.execute(PullImage(node="n", image="missing.invalid/nothing:1", policy="Never"))
        assert isinstance(failed, ImagePullFailed) and failed.reason == "ErrImageNeverPull"
    (pulled,) = await bench.node.execute(PullImage(node="n", image=IMAGE, policy="IfNotPresent"))
    assert isinstance(pulled, ImagePulled)


@pytest.mark.parametrize("tty", [False, True])
@pytest.mark.parametrize(("program", "code"), [("no-such-program", 127), ("/no/such/program", 127), ("/", 126)])
async def test_where_there_is_no_program_to_run_it_ends_as_a_shell_does(
    bench: Bench, program: str, code: int, tty: bool
) -> None:
    if bench.kind in ("simulated", "cri"):  # nothing runs there; and what a runtime behind a socket answers is its own
        return
    await bench.pod()
    await bench.run("exec sleep 60")
    process = await bench.node.exec(UID, "c", (program,), stdin=False, tty=tty)
    try:
        said = b"".join([data async for _, data in process.output()])
        assert (await process.wait(), bool(said.strip())) == (code, True), said
    finally:
        await process.close()
    process = await bench.node.exec(UID, "c", ("sh", "-c", "echo there; exit 255"), stdin=False, tty=tty)
    try:
        assert [data.strip() async for _, data in process.output()] == [b"there"]
        assert await process.wait() == 255
    finally:
        await process.close()


async def test_probes_report_what_flips(bench: Bench) -> None:
    await bench.pod()
    await bench.run("exec sleep 60")
    target = ProbeTarget(pod_uid=UID, container="c", attempt=0, probe="readiness", action=Hook(exec=("true",)), period_s=1)
    await bench.node.execute(SetProbes(node="n", targets=(target,)))
    flip = await bench.told(ProbeFlipped)
    assert (flip.probe, flip.healthy) == ("readiness", True)
    if really(bench):
        bench.facts.clear()
        bad = ProbeTarget(
            pod_uid=UID,
            container="c",
            attempt=0,
            probe="liveness",
            action=Hook(exec=("false",)),
            period_s=1,
            failure_threshold=1,
        )
        await bench.node.execute(SetProbes(node="n", targets=(bad,)))
        flip = await bench.told(ProbeFlipped)
        assert (flip.probe, flip.healthy) == ("liveness", False)


async def test_what_hangs_keeps_nobody_waiting(bench: Bench) -> None:
    """More probes, handlers and commands that hang than any pool has threads; then a container is started, asked and ended."""
    if not really(bench):
        return
    await bench.pod()
    with socket.socket() as mute:
        mute.bind(("127.0.0.1", 0))
        mute.listen(128)
        hook = Hook(http_url=f"http://127.0.0.1:{mute.getsockname()[1]}/")
        await bench.run("exec sleep 60")
        wanted = [
            ProbeTarget(pod_uid=str(n), container="c", attempt=0, probe="liveness", action=hook, timeout_s=600)
            for n in range(60)
        ]
        await bench.node.execute(SetProbes(node="n", targets=tuple(wanted)))
        stop = StopContainer(node="n", pod_uid=UID, container="c", attempt=0, grace_period_s=600, pre_stop=hook)
        stopping = asyncio.ensure_future(bench.node.execute(stop))
        commands = [asyncio.ensure_future(_exec(bench, UID, "sleep", "60")) for _ in range(10)]
        await asyncio.sleep(0.3)
        other = "22222222-2222-4333-8444-555555555555"
        async with asyncio.timeout(30):
            await bench.node.execute(RunPodSandbox(node="n", pod_uid=other, namespace="default", name="q", hostname="q"))
            start = StartContainer(
                node="n", pod_uid=other, namespace="default", name="q", container="c", attempt=0, image=IMAGE,
                command=("sh", "-c", "exec sleep 60"),
            )  # fmt: skip
            assert isinstance((await bench.node.execute(start))[0], ContainerStarted)
            assert (await _exec(bench, other, "echo", "ahoy")) == (0, b"ahoy\n")
            await bench.node.execute(msgspec.structs.replace(stop, pod_uid=other, grace_period_s=0, pre_stop=None))
            await bench.node.execute(RemovePodSandbox(node="n", pod_uid=other))
        for task in (stopping, *commands):
            task.cancel()
        await asyncio.gather(stopping, *commands, return_exceptions=True)


async def _exec(bench: Bench, uid: str, *argv: str) -> object:
    return await bench.node.exec_output(uid, "c", argv, 60.0)  # type: ignore[attr-defined]


async def test_rules_are_applied(bench: Bench) -> None:
    (fact,) = await bench.node.execute(ApplyRuleset(node="n", ruleset=Ruleset(services={}, digest="d")))
    assert fact == RulesetApplied(node="n", digest="d", services=0)


async def test_network_policies_are_applied(bench: Bench) -> None:
    judged = PodPolicies(pod_uid="u", ingress=("default/closed:ingress",))
    policies = NetworkPolicyRules(pods={"10.244.0.2": judged}, rules={"default/closed:ingress": ()}, digest="d")
    for wanted, addresses in ((policies, {"u": "10.244.0.2"}), (NetworkPolicyRules(digest="none"), {})):
        (fact,) = await bench.node.execute(ApplyNetworkPolicies(node="n", policies=wanted))
        assert fact == NetworkPoliciesApplied(node="n", digest=wanted.digest, pods=addresses)


async def test_people_talk_to_processes(bench: Bench) -> None:
    await bench.pod()
    await bench.run("exec sleep 60", env=(("WORD", "ahoy"),))
    if not really(bench):
        with pytest.raises(StreamRefused):
            await bench.node.exec(UID, "c", ("true",), stdin=False, tty=False)
        return
    script = "echo $WORD; cat; echo end >&2; exit 3"
    process = await bench.node.exec(UID, "c", ("sh", "-c", script), stdin=True, tty=False)
    await process.write(b"typed\n")
    await process.close_stdin()
    said = [(stream, data) async for stream, data in process.output()]
    assert b"".join(data for stream, data in said if stream == 1) == b"ahoy\ntyped\n"
    assert b"".join(data for stream, data in said if stream == 2) == b"end\n"
    assert await process.wait() == 3
    await process.close()
    with pytest.raises(StreamRefused):
        await bench.node.exec(UID, "nobody", ("true",), stdin=False, tty=False)


async def test_much_is_said_both_ways(bench: Bench) -> None:
    if not really(bench):
        return
    await bench.pod()
    await bench.run("exec sleep 60")
    process = await bench.node.exec(UID, "c", ("cat",), stdin=True, tty=False)
    sent = bytes(range(256)) * 8_000  # 2 MB: more than any buffer on the way

    async def say() -> None:
        await process.write(sent)
        await process.close_stdin()

    saying = asyncio.ensure_future(say())
    async with asyncio.timeout(20):
        heard = b"".join([data async for _, data in process.output()])
    await saying
    assert (heard, await process.wait()) == (sent, 0)
    await process.close()


async def test_a_terminal_has_a_size(bench: Bench) -> None:
    if not really(bench):
        return
    await bench.pod()
    await bench.run("exec sleep 60")
    script = "while read go; do busybox stty size; done"
    process = await bench.node.exec(UID, "c", ("sh", "-c", script), stdin=True, tty=True)
    output, heard = process.output(), b""
    async with asyncio.timeout(20):
        for columns, rows in ((71, 23), (99, 31), (44, 12)):
            await process.resize(columns, rows)
            await asyncio.sleep(0.3)
            await process.write(b"go\n")
            while b"%d %d" % (rows, columns) not in heard:
                heard += (await anext(output))[1]
    await process.close_stdin()
    await output.aclose()  # type: ignore[attr-defined]
    await process.close()


async def test_a_debugger_sees_the_processes_of_its_target(bench: Bench) -> None:
    if bench.kind not in ("oci", "cri"):
        return
    await bench.pod()
    await bench.run("exec sleep 4242")
    look = ("sh", "-c", "for p in /proc/[0-9]*/cmdline; do cat $p; echo; done; exec sleep 60")
    debugger = StartContainer(
        node="n", pod_uid=UID, namespace="default", name="p", container="debugger", attempt=0, image=IMAGE, command=look,
        target="c",
    )  # fmt: skip
    assert isinstance((await bench.node.execute(debugger))[0], ContainerStarted)

    async def seen() -> bool:
        return b"sleep\x004242" in b"".join([part async for part in bench.node.logs(UID, "debugger", 0, LogOptions())])

    await _until(seen)
    nobody = msgspec.structs.replace(debugger, container="other", target="nobody")
    (refused,) = await bench.node.execute(nobody)
    assert isinstance(refused, ContainerStartFailed) and '"nobody" does not run' in refused.message


async def test_ports_are_reached(bench: Bench) -> None:
    if not really(bench):
        return
    await bench.pod()
    await bench.run("echo listening; while true; do echo ahoy | busybox nc -l -p 34917; done")
    await _until(lambda: _has(bench, b"listening\n"))
    await asyncio.sleep(0.2)
    port = await bench.node.port_forward(UID, 34917)
    await port.write(b"hello\n")
    heard = b""
    async with asyncio.timeout(10):
        while b"\n" not in heard and (data := await port.read()):
            heard += data
    assert heard == b"ahoy\n"
    await port.close()


async def test_volumes_hold_what_they_should(bench: Bench) -> None:
    if bench.kind not in ("oci", "cri"):
        return
    secret = VolumeSource(name="s", kind="files", files=(FileContent(path="key", data=b"v1"),), in_memory=True)
    shared = VolumeSource(name="e", kind="emptyDir")
    await bench.pod(volumes=(secret, shared))
    mounts = (Mount(volume="s", path="/secret"), Mount(volume="e", path="/shared"))
    await bench.run("cat /secret/key; echo x > /shared/file; hostname; exec sleep 60", mounts=mounts)
    await _until(lambda: _has(bench, b"v1p\n"))


async def test_files_change_under_a_running_container(bench: Bench) -> None:
    if not really(bench):
        return
    await bench.pod(volumes=(VolumeSource(name="s", kind="files", files=(FileContent(path="key", data=b"old\n"),)),))
    where = "/secret" if bench.kind != "process" else "../../../volumes/s"
    script = f"cat {where}/key; until cat {where}/fresh 2>/dev/null; do sleep 0.02; done; exec sleep 60"
    await bench.run(script, mounts=(Mount(volume="s", path="/secret"),))
    await _until(lambda: _has(bench, b"old\n"))
    files = (FileContent(path="fresh", data=b"new\n"),)
    fresh = RefreshVolumes(node="n", pod_uid=UID, volumes=(VolumeSource(name="s", kind="files", files=files),))
    assert await bench.node.execute(fresh) == ()
    await _until(lambda: _has(bench, b"old\nnew\n"))


async def test_less_patience_overtakes(bench: Bench) -> None:
    if not really(bench):
        return
    await bench.pod()
    await bench.run("trap '' TERM; echo deaf; while true; do sleep 0.1; done")
    await _until(lambda: _has(bench, b"deaf\n"))
    patient = StopContainer(node="n", pod_uid=UID, container="c", attempt=0, grace_period_s=60)
    first = asyncio.ensure_future(bench.node.execute(patient))
    await asyncio.sleep(0.3)
    async with asyncio.timeout(20):
        (ended,) = await bench.node.execute(msgspec.structs.replace(patient, grace_period_s=1))
        (same,) = await first
    assert (ended.exit_code, same.exit_code) == (137, 137)


async def test_handlers_run_around_a_life(bench: Bench) -> None:
    if not really(bench):
        return
    await bench.pod()
    facts = await bench.run("exec sleep 60", post_start=Hook(exec=("sh", "-c", "echo began > began")))
    assert [type(f).__name__ for f in facts] == ["ContainerStarted"]
    process = await bench.node.exec(UID, "c", ("cat", "began"), stdin=False, tty=False)
    assert [data async for _, data in process.output()] == [b"began\n"]
    await process.close()
    slow = Hook(exec=("sh", "-c", "sleep 0.3"))
    begun = time.monotonic()
    stop = StopContainer(node="n", pod_uid=UID, container="c", attempt=0, grace_period_s=1, pre_stop=slow)
    await bench.node.execute(stop)
    assert time.monotonic() - begun >= 0.3
    bad = await bench.run("exec sleep 60", attempt=1, post_start=Hook(exec=("false",)))
    assert isinstance(bad[-1], ContainerExited) and "FailedPostStartHook" in bad[-1].message


async def test_a_container_waits_for_its_turn_to_end_and_its_hook_does_not(bench: Bench) -> None:
    """Sidecars: whoever comes before it ends first; the hook runs meanwhile, and one that fails is told."""
    if not really(bench):
        return
    await bench.pod()
    await bench.run("trap 'echo main; exit 0' TERM; while true; do sleep 0.05; done")
    await bench.run("trap 'echo side; exit 0' TERM; while true; do sleep 0.05; done", container="side")
    hook = Hook(exec=("sh", "-c", "echo oh; exit 3"))
    stop = StopContainer(
        node="n", pod_uid=UID, container="side", attempt=0, grace_period_s=20, pre_stop=hook, after=("c", "none")
    )
    side = asyncio.ensure_future(bench.node.execute(stop))
    failed = await bench.told(LifecycleHookFailed)
    assert (failed.container, failed.hook, "oh" in failed.message) == ("side", "PreStop", True)
    assert not side.done(), "the other runs"
    async with asyncio.timeout(30):
        (main,) = await bench.node.execute(msgspec.structs.replace(stop, container="c", pre_stop=None, after=UNSET))
        (ended,) = await side
    assert (main.exit_code, ended.exit_code) == (0, 0) and main.at_ns <= ended.at_ns


async def test_whoever_had_no_time_left_gets_two_seconds(bench: Bench) -> None:
    """The hook took it all: there is a moment between signal and KILL."""
    if not really(bench):
        return
    await bench.pod()
    await bench.run("trap 'sleep 0.3; exit 7' TERM; while true; do sleep 0.05; done")
    slow = Hook(exec=("sleep", "60"))
    async with asyncio.timeout(30):
        stop = StopContainer(node="n", pod_uid=UID, container="c", attempt=0, grace_period_s=1, pre_stop=slow)
        (ended,) = await bench.node.execute(stop)
    assert ended.exit_code == 7
    assert "did not end within 1 s" in (await bench.told(LifecycleHookFailed)).message or bench.kind == "cri"


async def test_a_post_start_hook_lasts_as_long_as_its_container(bench: Bench) -> None:
    """Nothing else limits it; and when the container ends, nobody waits for it."""
    if bench.kind not in ("process", "oci"):
        return
    await bench.pod()
    async with asyncio.timeout(30):
        facts = await bench.run("sleep 0.5; exit 4", post_start=Hook(exec=("sleep", "600")))
    assert isinstance(facts[0], ContainerStarted)
    assert [f.exit_code for f in facts[1:] if isinstance(f, ContainerExited)] in ([4], [])


async def _has(bench: Bench, wanted: bytes) -> bool:
    return (await bench.log()).replace(b"v1\n", b"v1") == wanted


async def _until(condition: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(40):
        while not await condition():
            await asyncio.sleep(0.02)


async def test_nothing_is_left(bench: Bench) -> None:
    await bench.pod()
    await bench.run("exec sleep 4242")
    await bench.node.execute(RemovePodSandbox(node="n", pod_uid=UID))
    if really(bench):
        pgrep = ["pgrep", "-f", "^sleep 4242"]
        found = await asyncio.to_thread(subprocess.run, pgrep, capture_output=True, text=True, check=False)
        assert not found.stdout


async def test_what_it_wrote_stays_when_its_pod_is_gone(bench: Bench) -> None:
    if bench.kind == "simulated":  # nothing is written there
        return
    await bench.pod()
    for attempt in range(3):
        outcome = await bench.run(f"echo start {attempt}", attempt=attempt)
        async with asyncio.timeout(10):  # the next one starts only when this one has ended
            while not any(isinstance(f, ContainerExited) and f.attempt == attempt for f in (*outcome, *bench.facts)):
                await asyncio.sleep(0.01)
    await bench.node.execute(RemovePodSandbox(node="n", pod_uid=UID))
    for _ in range(2):
        written = bench.node.written("default", "p")
        assert [(w.container, w.attempt, w.gone) for w in written] == [("c", attempt, True) for attempt in range(3)]
        assert [await bench.log_of(attempt) for attempt in range(3)] == [f"start {n}\n".encode() for n in range(3)]
        await bench.again()


async def test_a_log_that_grows_is_turned_over_and_read_whole(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    if bench.kind == "simulated":
        return
    monkeypatch.setattr(pod_logs, "LOOK_EVERY_S", 0.1)
    monkeypatch.setattr(rotation, "rotate", partial(rotated, rotation.rotate))
    monkeypatch.setattr(pod_logs, "rotate", rotation.rotate)
    await bench.again()
    await bench.pod()
    await bench.run("i=0; while [ $i -lt 60 ]; do echo line $i; i=$((i+1)); sleep 0.03; done; sleep 60")
    followed = b""
    async for part in bench.node.logs(UID, "c", 0, LogOptions(follow=True)):
        followed += part
        if b"line 59\n" in followed:
            break
    every, seen = [f"line {i}" for i in range(60)], followed.decode().splitlines()
    assert seen == ([line for line in every if line in seen] if bench.kind == "process" else every)
    assert len(seen) > 50  # who copies the file loses what is written meanwhile
    files = {path.name for path in bench.place.rglob("log*") if path.is_file()}
    assert {"log", "log.1"} <= files
    whole = (await bench.log()).decode().splitlines()
    assert whole == ([line for line in every if line in whole] if bench.kind == "process" else every[-len(whole) :])
    assert await bench.log(tail_lines=1) == b"line 59\n"


def rotated(rotate: Callable[..., bool], directory: Path, limits: LogLimits, reopen: Callable[[Path], bool]) -> bool:
    return rotate(directory, LogLimits(max_bytes=600, max_files=50), reopen)


async def test_a_volume_is_made_kept_and_removed(bench: Bench) -> None:
    name = "pvc-0a1b2c3d-0000-4000-8000-00000000000a"
    for _ in range(2):
        (made,) = await bench.node.execute(MakeVolume(node="n", volume=name))
        assert isinstance(made, VolumeMade) and made.path.endswith(name)
    if bench.kind in ("oci", "cri"):
        volume = VolumeSource(name="v", kind="local", host_path=made.path)
        await bench.pod(volumes=(volume,))
        await bench.run("echo kept > /data/file; sleep 60", mounts=(Mount(volume="v", path="/data"),))
        file = Path(made.path) / "file"
        async with asyncio.timeout(10):
            while not (file.exists() and file.read_text()):
                await asyncio.sleep(0.02)
        await bench.node.execute(RemovePodSandbox(node="n", pod_uid=UID))
        assert file.read_text() == "kept\n", "what is in it outlives the pod"
    for _ in range(2):
        (gone,) = await bench.node.execute(RemoveVolume(node="n", volume=name))
        assert gone == VolumeRemoved(node="n", volume=name)
    assert not Path(made.path).exists()


async def test_a_pod_does_not_start_on_a_volume_that_is_not_there(bench: Bench) -> None:
    if bench.kind == "process":
        pytest.skip("plain processes mount nothing")
    above = "/nonexistent" if really(bench) else "/var/lib/shipslog"  # not below a directory that a user may not look into
    where = f"{above}/volumes/pvc-gone"
    command = RunPodSandbox(
        node="n", pod_uid=UID, namespace="default", name="p", hostname="p",
        volumes=(VolumeSource(name="v", kind="local", host_path=where),),
    )  # fmt: skip
    (fact,) = await bench.node.execute(command)
    assert isinstance(fact, SandboxFailed) and fact.reason == "FailedMount" and "does not exist" in fact.message
    assert not Path(where).exists()
