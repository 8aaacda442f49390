"""One attempt of a container, from its root file system to its exit: made by crun, watched over by conmon.

Runs in the node's mount namespace, in its threads.

Tests: tests/runtime/containers/oci/test_exits.py, tests/runtime/containers/test_contract.py
"""

import contextlib
import json
import os
import signal
import stat
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from shipslog.runtime.commands import Mount, StartContainer
from shipslog.runtime.containers import env_files, lost
from shipslog.runtime.containers.id_ranges import ID_COUNT
from shipslog.runtime.containers.logs.kept import KeptLogs
from shipslog.runtime.containers.logs.reading import tail_text
from shipslog.runtime.containers.oci.recovery.records import ContainerRecord, SandboxRecord
from shipslog.runtime.images.bounds import ImageBroken
from shipslog.runtime.images.documents import Image
from shipslog.runtime.images.store import ImageStore
from shipslog.runtime.machine import linux, trees
from shipslog.runtime.machine.environment import OciSettings
from shipslog.runtime.volumes.failed import SubPathFailed, VolumeFailed
from shipslog.runtime.volumes.pod_volumes import pin_sub_path, remove_tree, source_path
from shipslog.store.facts import CONTAINER_STATUS_UNKNOWN

from . import image_volumes, programs, user_namespaces
from .cgroups import Cgroups
from .config import config_json, image_user, seccomp
from .layout import Layout, container_id
from .recovery import records

RECORD_FILE = "container.json"
_LAYERS = "layers"  # in a bundle: those of all images, with the ids of a pod that has its own
_MESSAGE_BYTES = 4096
_NO_SUCH_ID = (
    "the container's user {} or group {} is beyond the {} ids of this rootless node: give the daemon's user subordinate ids "
    "(/etc/subuid, /etc/subgid, newuidmap) and start the daemon again after `shipslog down --all`"
)
_BEYOND = "hostUsers: false: the container's users and groups are 0 to {1}, and it is to run as {0}"
_FALLBACK_BYTES, _FALLBACK_LINES = 2048, 80


class StartFailed(Exception):
    """`reason` is the one of a waiting container: CreateContainerConfigError, CreateContainerError, RunContainerError."""

    def __init__(self, reason: str, message: str) -> None:
        self.reason = reason
        super().__init__(message)


class Exit(Struct, frozen=True, kw_only=True):
    """How a container ended."""

    code: int
    signal: int
    reason: str
    message: str
    at_ns: int


def lost_exit(at_ns: int, message: str = lost.MESSAGE) -> Exit:
    """The end of a container that nobody saw."""
    return Exit(code=lost.CODE, signal=0, reason=CONTAINER_STATUS_UNKNOWN, message=message, at_ns=at_ns)


class ContainerPlace(Struct, frozen=True, kw_only=True):
    """What all containers of a node share."""

    layout: Layout
    settings: OciSettings
    images: ImageStore
    cgroups: Cgroups
    logs: KeptLogs


def create(place: ContainerPlace, sandbox: SandboxRecord, request: StartContainer, seen: int = 0) -> ContainerRecord:
    """Make it and start it; `seen`: a process whose pid namespace it is to share. Errors: StartFailed; nothing but the log and
    the record is left then."""
    bundle = place.layout.container(request.pod_uid, request.container, request.attempt)
    image = _image(place, request.image)
    mounted = {name: _image(place, reference) for name, reference in image_volumes.wanted(sandbox.request, request)}
    record = ContainerRecord(
        container_id=container_id(request.pod_uid, request.container, request.attempt),
        pod_uid=request.pod_uid,
        container=request.container,
        attempt=request.attempt,
        image_id=image.image_id,
        image=image.name,
        program=programs.check(place.settings, sandbox.request.handler or ""),
        volume_images=tuple((one.image_id, one.name) for one in mounted.values()),
        stop_signal=_signal_number(request.stop_signal or image.config.stop_signal),
        tty=request.tty,
        stdin=request.stdin,
        termination_message_path=request.termination_message_path,
        termination_message_fallback_to_logs=request.termination_message_fallback_to_logs,
        limits=request.limits,
    )
    bundle.mkdir(parents=True, exist_ok=True)
    (place.layout.exits / record.container_id).unlink(missing_ok=True)  # of a try that a crash cut off: its id is the same
    records.write(bundle / RECORD_FILE, record)
    try:
        image_volumes.mount(place.images, mounted, bundle, lambda: _mount_layers(place, sandbox, bundle))
        user = _write_config(place, sandbox, request, image, bundle, seen)
        record = msgspec.structs.replace(record, user=(user.uid, user.gid, *sorted({user.gid, *user.groups})))
        _run_conmon(place, request, record, bundle)
        _crun_start(place, record)
        started = msgspec.structs.replace(record, phase="started", **_processes(bundle), started_at_ns=time.time_ns())
    except (
        OSError,
        VolumeFailed,
        ImageBroken,
        image_user.UserUnknown,
        seccomp.BadProfile,
        config_json.NoCommand,
        StartFailed,
    ) as error:
        delete(place, record)
        records.write(bundle / RECORD_FILE, msgspec.structs.replace(record, phase="failed"))
        raise _translated(error) from error
    records.write(bundle / RECORD_FILE, started)
    _forget_older(place, request)
    return started


def _image(place: ContainerPlace, name: str) -> Image:
    try:
        found = place.images.get(name)
    except ValueError as error:
        raise StartFailed("InvalidImageName", str(error)) from error
    if found is None:
        raise StartFailed("CreateContainerError", f'image "{name}" is not present')
    return found


def _translated(error: Exception) -> StartFailed:
    match error:
        case StartFailed():
            return error
        case env_files.EnvFileUnusable() | SubPathFailed():
            return StartFailed("CreateContainerConfigError", str(error))
        case image_user.UserUnknown() if "non-root" in str(error) or "runAsNonRoot" in str(error):
            return StartFailed("CreateContainerConfigError", str(error))
        case _:
            return StartFailed("CreateContainerError", str(error))


def _write_config(
    place: ContainerPlace, sandbox: SandboxRecord, request: StartContainer, image: Image, bundle: Path, seen: int
) -> image_user.User:
    rootfs = bundle / "rootfs"
    _mount_root(place, sandbox, image, bundle)
    (bundle / "termination-log").touch()
    (bundle / "termination-log").chmod(0o666)
    pod = place.layout.pod(request.pod_uid)
    fs_group = sandbox.request.fs_group
    user = image_user.resolve(rootfs, image.config.user, request.security, image=request.image, fs_group=fs_group)
    _check_ids(place, sandbox, user)
    if request.env_files:
        more = env_files.values(request.env_files, pod / "volumes")
        request = msgspec.structs.replace(request, env=(*request.env, *more))
    situation = config_json.Situation(
        pod=sandbox.request,
        image=image.config,
        user=user,
        rootfs=rootfs,
        pod_directory=pod,
        bundle=bundle,
        pause_pid=sandbox.pause.pid if sandbox.pause is not None else 0,
        seen_pid=seen,
        cgroups_path=place.cgroups.path(request.pod_uid, container_id(request.pod_uid, request.container, request.attempt)),
        mounts=_mount_sources(sandbox, request, pod, bundle),
        devices=tuple(_devices(sandbox, request, pod / "volumes")),
    )
    config = config_json.build(request, situation, place.settings)
    allowed = config["process"]["capabilities"]["bounding"]
    if request.security.seccomp_profile:
        config["linux"]["seccomp"] = seccomp.profile(place.layout.data / "seccomp", request.security.seccomp_profile, allowed)
    elif request.security.seccomp_default is True:
        config["linux"]["seccomp"] = seccomp.default(allowed)
    if sandbox.first_id:
        name = container_id(request.pod_uid, request.container, request.attempt)
        mounts = user_namespaces.MappedMounts(place.layout.mapped(name), sandbox.user_namespace)
        plain = (bundle / image_volumes.DIRECTORY, pod / "shm")
        user_namespaces.remap(config, rootfs, mounts, sandbox.first_id, plain)
    descriptor = os.open(bundle / "config.json", os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w") as file:
        json.dump(config, file)
    return user


def _check_ids(place: ContainerPlace, sandbox: SandboxRecord, user: image_user.User) -> None:
    """Errors: StartFailed for a user or a group that is none of those that there are."""
    if sandbox.first_id and max(user.uid, user.gid, *user.groups, 0) >= ID_COUNT:
        asked = ", ".join(str(one) for one in (user.uid, user.gid, *user.groups) if one >= ID_COUNT)
        raise StartFailed("CreateContainerError", _BEYOND.format(asked, ID_COUNT - 1))
    if max(user.uid, user.gid) >= place.settings.ids:
        raise StartFailed("CreateContainerError", _NO_SUCH_ID.format(user.uid, user.gid, place.settings.ids))


def _mount_sources(
    sandbox: SandboxRecord, request: StartContainer, pod: Path, bundle: Path
) -> tuple[tuple[Mount, Path, tuple[str, ...]], ...]:
    volumes = {volume.name: volume for volume in sandbox.request.volumes}
    found = []
    for number, mount in enumerate(request.mounts):
        if mount.volume not in volumes:
            raise VolumeFailed(
                f'container "{request.container}" mounts the volume "{mount.volume}", which its pod does not have'
            )
        volume = volumes[mount.volume]
        of_image = volume.kind == "image"
        source = image_volumes.place(bundle, volume.name) if of_image else source_path(pod / "volumes", volume)
        if mount.sub_path:
            pinned = bundle / image_volumes.DIRECTORY / f".{number}" if of_image else bundle / "subpaths" / str(number)
            pin_sub_path(source, mount, request.container, pinned)
            source = pinned
        read_only = mount.read_only or volume.read_only  # an image always is
        options = image_volumes.OPTIONS if of_image else ()
        found.append((msgspec.structs.replace(mount, read_only=read_only), source, options))
    return tuple(found)


def _devices(sandbox: SandboxRecord, request: StartContainer, volumes: Path) -> Iterator[config_json.BlockDevice]:
    """Errors: VolumeFailed for a volume that is none."""
    known = {volume.name: volume for volume in sandbox.request.volumes}
    for device in request.devices or ():
        volume = known.get(device.volume)
        status = os.stat(source_path(volumes, volume)) if volume is not None else None
        if volume is None or status is None or not stat.S_ISBLK(status.st_mode):
            raise VolumeFailed(f'the volume "{device.volume}" of container "{request.container}" is no block device')
        major, minor = os.major(status.st_rdev), os.minor(status.st_rdev)
        yield config_json.BlockDevice(
            path=device.path, major=major, minor=minor, mode=status.st_mode & 0o777, uid=status.st_uid, gid=status.st_gid,
            read_only=volume.read_only,
        )  # fmt: skip


def _mount_layers(place: ContainerPlace, sandbox: SandboxRecord, bundle: Path) -> Path:
    """Where the layers of all images are seen; with the pod's own ids, if it has some. Errors: OSError."""
    directory = place.images.layers.directory
    if not sandbox.first_id:
        return directory
    seen = bundle / _LAYERS
    seen.mkdir(exist_ok=True)
    if not os.path.ismount(seen):
        user_namespaces.bind(directory, seen, sandbox.user_namespace)
    return seen


def _mount_root(place: ContainerPlace, sandbox: SandboxRecord, image: Image, bundle: Path) -> None:
    names = place.images.lower_directories(image)
    for name in ("upper", "work", "rootfs"):
        (bundle / name).mkdir(exist_ok=True)
    (bundle / "upper").chmod(0o755)
    os.chown(bundle / "upper", sandbox.first_id, sandbox.first_id)
    if os.path.ismount(bundle / "rootfs"):
        return
    # relative to the layers: the options of all layers of an image must fit into one page
    os.chdir(_mount_layers(place, sandbox, bundle))
    options = [f"lowerdir={':'.join(names)}", f"upperdir={bundle / 'upper'}", f"workdir={bundle / 'work'}"]
    options += [place.settings.overlay_options] if place.settings.overlay_options else []
    linux.mount("overlay", str(bundle / "rootfs"), "overlay", data=",".join(options))


def crun(place: ContainerPlace, record: ContainerRecord, *arguments: str) -> list[str]:
    """How what made it is called from the node's mount namespace."""
    return [*programs.command(place.settings, place.layout, record.program), *arguments]


def _run_conmon(place: ContainerPlace, request: StartContainer, record: ContainerRecord, bundle: Path) -> None:
    name = record.container_id
    program, *options = programs.command(place.settings, place.layout, record.program)
    command = [
        place.settings.conmon,
        "-c",
        name,
        "-u",
        name,
        "-n",
        f"{request.namespace}_{request.name}_{request.container}",
        "-r",
        program,
        "-b",
        str(bundle),
        "-p",
        str(bundle / "pid"),
        "-P",
        str(bundle / "conmon.pid"),
        "-l",
        f"k8s-file:{bundle / 'log'}",
        "--exit-dir",
        str(place.layout.exits),
        "--persist-dir",
        str(bundle),
        "--socket-dir-path",
        str(place.layout.run / "sockets"),
        "--full-attach",
        "--no-sync-log",
        *(word for option in options for word in ("--runtime-arg", option)),
    ]
    if request.tty:
        command.append("-t")
    if request.stdin:
        command.append("-i")
        if not request.stdin_once:
            command.append("--leave-stdin-open")
    reader, writer = os.pipe2(os.O_CLOEXEC)
    try:
        environment = {"PATH": config_json.DEFAULT_PATH, "_OCI_SYNCPIPE": str(writer)}
        if "XDG_RUNTIME_DIR" in os.environ:
            environment["XDG_RUNTIME_DIR"] = os.environ["XDG_RUNTIME_DIR"]
        try:
            done = subprocess.run(
                command,
                stdin=subprocess.DEVNULL,
                capture_output=True,
                env=environment,
                pass_fds=(writer,),
                cwd=bundle,
                check=False,
            )
        finally:
            os.close(writer)
        answer = _read_all(reader)
    finally:
        os.close(reader)
    reply: dict[str, Any] = (
        json.loads(answer) if answer.strip() else {"pid": -1, "message": done.stderr.decode(errors="replace")}
    )
    if reply.get("pid", -1) <= 0:
        raise StartFailed("RunContainerError", oci_message(str(reply.get("message", ""))))


def _read_all(descriptor: int) -> bytes:
    """conmon writes one line; the pipe stays open in it, so its end is not to be waited for."""
    data = b""
    while not data.endswith(b"\n"):
        chunk = os.read(descriptor, 65536)
        if not chunk:
            break
        data += chunk
    return data


def _crun_start(place: ContainerPlace, record: ContainerRecord) -> None:
    """What crun made waits at a pipe in its directory. `crun start` writes a byte into it and no more, and to start it takes as
    long as all else that is done for a container: so that is left to it only where there is no such pipe."""
    pipe = programs.state(place.layout, record.program) / record.container_id / "exec.fifo"
    with contextlib.suppress(OSError):  # ENXIO: nobody waits at it
        descriptor = os.open(pipe, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
        try:
            pipe.unlink()
            os.write(descriptor, b"\0")
        finally:
            os.close(descriptor)
        return
    done = subprocess.run(
        crun(place, record, "start", record.container_id), stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode:
        raise StartFailed("RunContainerError", oci_message(done.stderr.decode(errors="replace")))


def oci_message(text: str, what: str = "create") -> str:
    """crun's words without its time stamps and log frame."""
    words = []
    for line in text.strip().splitlines():
        entry = line
        if " msg=" in line:
            entry = line[line.index(" msg=") + 5 :].strip().strip('"')
        elif line[:4].isdigit() and ": " in line:
            entry = line.split(": ", 1)[1]
        words.append(entry.strip())
    lead = "failed to create containerd task: failed to create shim task: " if what == "create" else ""
    return f"{lead}OCI runtime {what} failed: " + ("; ".join(word for word in words if word) or "crun gave no reason")


def _processes(bundle: Path) -> dict[str, records.Process]:
    return {
        "process": records.process(int((bundle / "pid").read_text())),
        "conmon": records.process(int((bundle / "conmon.pid").read_text())),
    }


def _signal_number(name: str) -> int:
    if name.isascii() and name.isdigit():
        number = int(name[:4])
        return number if 0 < number < signal.NSIG else int(signal.SIGTERM)
    found = signal.Signals.__members__.get(name.upper() if name.upper().startswith("SIG") else f"SIG{name.upper()}")
    return int(found) if found is not None else int(signal.SIGTERM)


def _forget_older(place: ContainerPlace, request: StartContainer) -> None:
    """Keep this attempt and the one before it: `logs --previous`. Of older ones the logs stay."""
    directory = place.layout.container(request.pod_uid, request.container, 0).parent
    for entry in list(os.scandir(directory)):
        if entry.name.isdigit() and int(entry.name) < request.attempt - 1:
            with contextlib.suppress(OSError):  # a full disk: the container runs all the same
                place.logs.keep(request.pod_uid, request.container, int(entry.name))
            remove_tree(Path(entry.path))


def read_exit(place: ContainerPlace, record: ContainerRecord) -> Exit | None:
    """None while it runs."""
    file = place.layout.exits / record.container_id
    try:
        code, at_ns = int(file.read_text()), file.stat().st_mtime_ns
    except (FileNotFoundError, ValueError):
        return None
    bundle = place.layout.container(record.pod_uid, record.container, record.attempt)
    oom = (bundle / "oom").exists()
    number = int(signal.SIGKILL) if code == 137 and (oom or record.killed) else 0
    reason = "OOMKilled" if oom and code == 137 else "Completed" if code == 0 else "Error"
    return Exit(code=code, signal=number, reason=reason, message=termination_message(record, bundle, code), at_ns=at_ns)


def termination_message(record: ContainerRecord, bundle: Path, code: int) -> str:
    with contextlib.suppress(OSError), (bundle / "termination-log").open("rb") as file:
        text = file.read(_MESSAGE_BYTES).decode(errors="replace")
        if text:
            return text
    if code and record.termination_message_fallback_to_logs:
        return tail_text(bundle / "log", _FALLBACK_LINES)[-_FALLBACK_BYTES:]
    return ""


def delete(place: ContainerPlace, record: ContainerRecord) -> None:
    """End it if it runs, and take away all but its log and its record. Idempotent."""
    bundle = place.layout.container(record.pod_uid, record.container, record.attempt)
    held = programs.state(place.layout, record.program) / record.container_id
    ended = place.layout.exits / record.container_id
    if held.exists():
        if ended.exists() and place.cgroups.remove(record.pod_uid, record.container_id):
            trees.remove(held)  # as crun would, without starting it
        else:
            command = crun(place, record, "delete", "--force", record.container_id)
            subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    remove_tree(place.layout.mapped(record.container_id))
    for name in ("rootfs", "subpaths", image_volumes.DIRECTORY, _LAYERS, "upper", "work"):
        remove_tree(bundle / name)
    (bundle / "config.json").unlink(missing_ok=True)
