"""The ends that nobody writes down: conmon killed, conmon that does not answer; and commands that outlive their deadline."""

import asyncio
import os
import signal
import subprocess
from pathlib import Path
from typing import Any

import pytest

from shipslog.runtime.commands import RemovePodSandbox
from shipslog.runtime.containers.oci import container, exits
from shipslog.runtime.containers.oci.node import OciNode
from shipslog.runtime.containers.oci.recovery.records import ContainerRecord
from shipslog.store.facts import ContainerExited, ContainerStarted
from tests.logs import capture_logs
from tests.runtime.containers.test_contract import UID, Bench

pytestmark = pytest.mark.root


def record(bench: Bench) -> ContainerRecord:
    assert isinstance(bench.node, OciNode)
    return bench.node._life.running(UID, "c").record


def pid_of(process: Any) -> int:
    assert process is not None
    return int(process.pid)


async def test_conmon_is_killed(bench: Bench) -> None:
    """Its container cannot go on unheard: it is ended, told of, and can be started again."""
    await bench.pod()
    await bench.run("exec sleep 60")
    made = record(bench)
    os.kill(pid_of(made.conmon), signal.SIGKILL)
    ended: ContainerExited = await bench.told(ContainerExited)
    assert (ended.container, ended.attempt, ended.exit_code, ended.reason) == ("c", 0, 137, "ContainerStatusUnknown")
    assert "conmon" in ended.message
    assert made.process is not None and not made.process.alive
    (started, *_) = await bench.run("exec sleep 60", attempt=1)
    assert isinstance(started, ContainerStarted)
    assert sum(isinstance(fact, ContainerExited) for fact in bench.facts) == 1


async def test_conmon_of_an_adopted_container_is_killed(bench: Bench) -> None:
    await bench.pod()
    await bench.run("exec sleep 60")
    await bench.again()
    os.kill(pid_of(record(bench).conmon), signal.SIGKILL)
    assert (await bench.told(ContainerExited)).reason == "ContainerStatusUnknown"


async def test_conmon_and_the_container_are_killed_at_once(bench: Bench) -> None:
    await bench.pod()
    await bench.run("exec sleep 60")
    made = record(bench)
    os.kill(pid_of(made.conmon), signal.SIGSTOP)
    os.kill(pid_of(made.process), signal.SIGKILL)
    os.kill(pid_of(made.conmon), signal.SIGKILL)
    assert (await bench.told(ContainerExited)).exit_code == 137


async def test_conmon_does_not_answer(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exits, "EXIT_FILE_S", 0.3)
    await bench.pod()
    await bench.run("exec sleep 60")
    made = record(bench)
    os.kill(pid_of(made.conmon), signal.SIGSTOP)
    os.kill(pid_of(made.process), signal.SIGKILL)
    assert "does not answer" in (await bench.told(ContainerExited)).message
    async with asyncio.timeout(10):  # it was sent KILL, and takes a moment to go
        while made.conmon is not None and made.conmon.alive:
            await asyncio.sleep(0.01)
    await bench.node.execute(RemovePodSandbox(node="n", pod_uid=UID))


async def test_a_command_that_is_out_of_time_is_gone(bench: Bench, tmp_path: Path) -> None:
    """crun is not all of it: what it began in the container would go on."""
    await bench.pod()
    await bench.run("exec sleep 60")
    assert isinstance(bench.node, OciNode)
    with pytest.raises(TimeoutError):
        await bench.node.exec_output(UID, "c", ("sh", "-c", "trap '' TERM; sleep 4243; sleep 4243"), 0.5)
    assert await bench.node.exec_output(UID, "c", ("echo", "x" * 20_000), 20) == (0, b"x" * 10_240)
    async with asyncio.timeout(10):
        while (await _run("pgrep", "-f", "trap '' TERM; sleep 4243")).stdout:
            await asyncio.sleep(0.05)
    waiting = asyncio.ensure_future(bench.node.exec_output(UID, "c", ("sleep", "4244"), 60))
    await asyncio.sleep(0.5)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    async with asyncio.timeout(10):
        while (await _run("pgrep", "-f", "^sleep 4244")).stdout:
            await asyncio.sleep(0.05)


async def _run(*argv: str) -> "subprocess.CompletedProcess[bytes]":
    return await asyncio.to_thread(subprocess.run, argv, capture_output=True, check=False)


async def test_an_exit_that_could_not_be_read_at_once_is_read_later(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(exits, "EXIT_FILE_S", 0.3)
    await bench.pod()
    read, failures = container.read_exit, iter([OSError(24, "Too many open files")] * 2)

    def fail_first(*arguments: Any) -> container.Exit | None:
        for error in failures:
            raise error
        return read(*arguments)

    await bench.run("sleep 0.5; exit 7")
    with capture_logs() as logs:
        monkeypatch.setattr(container, "read_exit", fail_first)
        assert (await bench.told(ContainerExited)).exit_code == 7
    assert [entry["event"] for entry in logs] == ["exit_not_read"] * 2


async def test_what_a_clean_up_left_is_taken_away_with_the_pod(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    await bench.pod()
    delete, failures = container.delete, iter([OSError(16, "Device or resource busy")])

    def fail_once(*arguments: Any) -> None:
        for error in failures:
            raise error
        delete(*arguments)

    monkeypatch.setattr(container, "delete", fail_once)
    with capture_logs() as logs:
        await bench.run("sleep 0.5")
        await bench.told(ContainerExited)
        await bench.node.execute(RemovePodSandbox(node="n", pod_uid=UID))
    assert [entry["event"] for entry in logs] == ["task_failed"]
    assert isinstance(bench.node, OciNode) and not bench.node._life.layout.pod(UID).exists()
