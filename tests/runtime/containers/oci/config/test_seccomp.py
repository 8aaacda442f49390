"""Profiles of system calls: what of one holds for a process, what is refused, and that the kernel keeps to it."""

import json
from pathlib import Path
from typing import Any

import pytest

from shipslog.runtime.commands import Security
from shipslog.runtime.containers.oci.config import seccomp
from shipslog.runtime.containers.oci.config.seccomp import BadProfile, profile
from shipslog.runtime.machine.environment import DEFAULT_CAPABILITIES
from shipslog.store.facts import ContainerExited, ContainerStartFailed
from tests.runtime.containers.test_contract import Bench

PROFILE = {
    "defaultAction": "SCMP_ACT_ALLOW",
    "architectures": ["SCMP_ARCH_X86_64"],
    "archMap": [{"architecture": "SCMP_ARCH_X86_64"}],
    "syscalls": [
        {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "args": [], "comment": "no directories"},
        {"names": ["mount"], "action": "SCMP_ACT_ALLOW", "includes": {"caps": ["CAP_SYS_ADMIN"]}, "excludes": {}},
        {"names": ["umount"], "action": "SCMP_ACT_ERRNO", "excludes": {"caps": ["CAP_SYS_ADMIN"]}, "args": None},
    ],
}


def test_what_holds_goes_by_capabilities(tmp_path: Path) -> None:
    (tmp_path / "p.json").write_text(json.dumps(PROFILE))
    found = profile(tmp_path, "p.json", ["CAP_CHOWN"])
    assert found["defaultAction"] == "SCMP_ACT_ALLOW" and "archMap" not in found
    mkdir = {"names": ["mkdir", "mkdirat"], "action": "SCMP_ACT_ERRNO", "errnoRet": 1, "args": []}
    assert found["syscalls"] == [mkdir, {"names": ["umount"], "action": "SCMP_ACT_ERRNO"}]
    assert [e["names"] for e in profile(tmp_path, "p.json", ["CAP_SYS_ADMIN"])["syscalls"]] == [["mkdir", "mkdirat"], ["mount"]]


@pytest.mark.parametrize(
    ("name", "content", "why"),
    [
        ("gone.json", None, "No such file"),
        ("../p.json", "{}", "outside"),
        ("p.json", "{", "cannot load"),
        ("p.json", "{}", "no defaultAction"),
        ("p.json", '{"defaultAction": "SCMP_ACT_ALLOW", "syscalls": [1]}', "cannot load"),
        ("p.json", " " * (seccomp.LARGEST + 1), "longer"),
    ],
    ids=["gone", "outside", "no JSON", "empty", "odd", "large"],
)
def test_what_cannot_be_used_is_refused(name: str, content: str | None, why: str, tmp_path: Path) -> None:
    directory = tmp_path / "profiles"
    directory.mkdir()
    if content is not None:
        (directory / name).write_text(content)
    with pytest.raises(BadProfile, match=why):
        profile(directory, name, ())


@pytest.mark.root
async def test_the_kernel_keeps_to_it_and_a_missing_one_starts_nothing(bench: Bench) -> None:
    directory = bench.place / "node/seccomp"
    directory.mkdir()
    (directory / "p.json").write_text(json.dumps(PROFILE))
    await bench.pod()
    facts = await bench.run("busybox mkdir /made; echo $?", security=Security(seccomp_profile="p.json"))
    if len(facts) == 1:  # else it has ended already
        await bench.told(ContainerExited)
    said, code = sorted((await bench.log_of(0)).splitlines(), key=len, reverse=True)  # its two streams are read in any order
    assert b"Operation not permitted" in said and code == b"1"
    (failed,) = await bench.run("true", attempt=1, security=Security(seccomp_profile="other.json"))
    assert isinstance(failed, ContainerStartFailed) and "other.json" in failed.message


def calls(profile: dict[str, Any], name: str) -> list[tuple[str, bool]]:
    """(what comes of a call, whether that is so for some arguments only), by each entry that names it."""
    return [(entry["action"], bool(entry.get("args"))) for entry in profile["syscalls"] if name in entry["names"]]


def test_our_own_profile_lets_do_what_a_capability_is_for() -> None:
    plain, trusted = seccomp.default(DEFAULT_CAPABILITIES), seccomp.default(["CAP_SYS_ADMIN"])
    assert plain["defaultAction"] == "SCMP_ACT_ERRNO"
    assert calls(plain, "openat") == calls(plain, "chroot") == [("SCMP_ACT_ALLOW", False)]
    for name in ("mount", "bpf", "reboot", "keyctl", "io_uring_setup", "kexec_load", "userfaultfd"):
        assert calls(plain, name) == [], name
    assert calls(plain, "clone") == [("SCMP_ACT_ALLOW", True)] and calls(trusted, "clone") == [("SCMP_ACT_ALLOW", False)]
    assert calls(plain, "clone3") == [("SCMP_ACT_ERRNO", False)] and calls(trusted, "clone3") == [("SCMP_ACT_ALLOW", False)]
    assert calls(trusted, "mount") == [("SCMP_ACT_ALLOW", False)] and calls(trusted, "chroot") == []


@pytest.mark.root
async def test_the_kernel_keeps_to_our_own_profile_too(bench: Bench) -> None:
    await bench.pod()
    tried = "busybox unshare -n true 2>&1; grep Seccomp: /proc/self/status; (sleep 0; echo in a process of its own)"
    facts = await bench.run(tried, security=Security(seccomp_default=True))
    if len(facts) == 1:  # else it has ended already
        await bench.told(ContainerExited)
    written = (await bench.log_of(0)).decode()
    assert "Operation not permitted" in written and "Seccomp:\t2" in written
    assert "in a process of its own" in written
