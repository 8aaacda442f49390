"""Makes a pod's volumes under its directory and finds what a container mounts of them.

Runs in the node's mount namespace. Files of a secret or a config map are replaced as Kubernetes' AtomicWriter does it: a new
directory, then one rename of the link `..data`, so that a reader sees all of the old or all of the new.

Tests: tests/runtime/volumes/test_file_modes.py, tests/runtime/volumes/test_hostile_volumes.py
"""

import contextlib
import errno
import os
import stat
from pathlib import Path

from msgspec import UNSET
from msgspec.structs import replace

from shipslog.runtime.commands import FileContent, Mount, RemoteVolume, VolumeSource
from shipslog.runtime.machine import linux, trees
from shipslog.store.objects.values import quantity

from .failed import SubPathFailed, VolumeFailed
from .remote import filesystem, mounter, tools

DEPTH = 256  # of any path that a pod names in a volume or on the node


HUGE = "HugePages-"


def prepare(directory: Path, volumes: tuple[VolumeSource, ...], fs_group: int | None) -> None:
    """Make each volume, or bring its files up to date. Errors: VolumeFailed."""
    directory.mkdir(parents=True, exist_ok=True)
    for volume in volumes:
        path = directory / volume.name
        try:
            match volume.kind:
                case "emptyDir":
                    _empty_dir(path, volume)
                case "files":
                    _files(path, volume, fs_group)
                    continue
                case "hostPath":
                    _host_path(volume)
                    continue
                case "local":
                    _local(path, volume, fs_group)
                    continue
                case "image":
                    continue
                case "remote":
                    if mounter.mount(directory, volume, fs_group) and fs_group is not None:
                        _give_once(path, volume, fs_group)
                    continue
            if fs_group is not None:
                _give_to_group(path, fs_group)
        except OSError as error:
            raise VolumeFailed(f'MountVolume.SetUp failed for volume "{volume.name}": {error}') from error


def redacted(volumes: tuple[VolumeSource, ...]) -> tuple[VolumeSource, ...]:
    """Without what is in files and secrets: that is kept nowhere but in the volume."""
    return tuple(replace(mounter.without_secrets(volume), files=(), token_requests=()) for volume in volumes)


def source_path(directory: Path, volume: VolumeSource) -> Path:
    """Where the volume is on this node."""
    if volume.kind == "local" and (directory / volume.name).is_dir():
        return directory / volume.name  # a device on which there is a file system, mounted for the pod
    return Path(volume.host_path) if volume.kind in ("hostPath", "local") else directory / volume.name


def _empty_dir(path: Path, volume: VolumeSource) -> None:
    """For everybody, and not sticky: containers of one pod that run as different users remove each other's files."""
    if not path.is_dir():
        draft = path.with_name(f"..{path.name}")  # a crash must not leave one that only its owner may write to
        draft.mkdir(exist_ok=True)
        draft.chmod(0o777)
        draft.rename(path)
    if volume.medium == "Memory":
        _tmpfs(path, "mode=0777", volume.size_limit_bytes)
    elif volume.medium.startswith(HUGE):
        _huge_pages(path, volume.medium.removeprefix(HUGE), volume.size_limit_bytes)


def _huge_pages(path: Path, size: str, limit_bytes: int) -> None:
    """`size`: of a page, as a quantity. Errors: OSError where the machine has none of that size."""
    if os.path.ismount(path):
        return
    options = f"mode=0777,pagesize={quantity.value(size)}"
    linux.mount("hugetlbfs", str(path), "hugetlbfs", data=options + (f",size={limit_bytes}" if limit_bytes else ""))


def _tmpfs(path: Path, options: str, size_bytes: int = 0) -> None:
    if os.path.ismount(path):
        return
    if size_bytes:
        options += f",size={size_bytes}"
    linux.mount("tmpfs", str(path), "tmpfs", linux.MS_NOSUID | linux.MS_NODEV, options)


_CHECKED = {
    "Directory": "directory",
    "DirectoryOrCreate": "directory",
    "File": "file",
    "FileOrCreate": "file",
    "Socket": "socket file",
    "CharDevice": "character device",
    "BlockDevice": "block device",
}


def _not_too_deep(path: str) -> tuple[str, ...]:
    """The parts of a path. Errors: VolumeFailed."""
    parts = Path(path).parts
    if len(parts) > DEPTH:
        raise VolumeFailed(f"the path {path[:60]!r}... is {len(parts)} directories deep; {DEPTH} are allowed, nothing was made")
    return parts


def _host_path(volume: VolumeSource) -> None:
    _not_too_deep(volume.host_path)
    path, wanted = Path(volume.host_path), volume.host_path_type
    try:
        if wanted == "DirectoryOrCreate" and not path.exists():
            path.mkdir(parents=True, mode=0o755)
        elif wanted == "FileOrCreate" and not path.exists():
            path.touch(mode=0o644)
        elif wanted == "" and not path.exists():
            path.mkdir(parents=True, mode=0o755)  # what the container runtimes of Kubernetes do with a missing source
        if not path.exists():
            what = _CHECKED.get(wanted, "file")
            message = f"hostPath type check failed: {path} is not a {what}"
            raise VolumeFailed(f'MountVolume.SetUp failed for volume "{volume.name}" : {message}')
        mode = path.stat().st_mode
    except OSError as error:
        raise VolumeFailed(f'MountVolume.SetUp failed for volume "{volume.name}": {error}') from error
    checks = {
        "Directory": stat.S_ISDIR,
        "DirectoryOrCreate": stat.S_ISDIR,
        "File": stat.S_ISREG,
        "FileOrCreate": stat.S_ISREG,
        "Socket": stat.S_ISSOCK,
        "CharDevice": stat.S_ISCHR,
        "BlockDevice": stat.S_ISBLK,
    }
    if wanted in checks and not checks[wanted](mode):
        message = f"hostPath type check failed: {path} is not a {_CHECKED[wanted]}"
        raise VolumeFailed(f'MountVolume.SetUp failed for volume "{volume.name}" : {message}')


def _local(mounted: Path, volume: VolumeSource, fs_group: int | None) -> None:
    """It is there already, and is never made here: an empty one in its place would hide that what was kept in it is gone. A
    device is mounted for the pod, or seen as it is."""
    _not_too_deep(volume.host_path)
    path, why = Path(volume.host_path), ""
    device = path.is_block_device()
    if not path.exists():
        why = f'path "{volume.host_path}" does not exist'
    elif volume.block is True:
        why = "" if device else f'path "{volume.host_path}" is no block device'
    elif device:
        if not tools.mounted(mounted):
            mounted.mkdir(exist_ok=True)
            _mount_local(path, mounted, volume)
        path = mounted
    elif not path.is_dir():
        why = f'path "{volume.host_path}" is no directory'
    if why:
        raise VolumeFailed(f'MountVolume.SetUp failed for volume "{volume.name}" : {why}')
    if volume.block is True:
        return
    if fs_group is not None:
        _give_once(path, volume, fs_group)


def _mount_local(device: Path, target: Path, volume: VolumeSource) -> None:
    remote = volume.remote
    kind, options = (str(remote.source.get("fsType")), remote.mount_options) if isinstance(remote, RemoteVolume) else ("", ())
    filesystem.format_and_mount(str(device), target, kind, (*options, *(("ro",) if volume.read_only else ())))


def _give_once(path: Path, volume: VolumeSource, group: int) -> None:
    if not (volume.group_once and _belongs(path, group)):
        _give_to_group(path, group)


def _belongs(path: Path, group: int) -> bool:
    """Whether its top is as `_give_to_group` leaves it; then so is what is in it."""
    held = path.stat()
    return held.st_gid == group and held.st_mode & 0o2770 == 0o2770


def _files(path: Path, volume: VolumeSource, group: int | None) -> None:
    path.mkdir(exist_ok=True)
    if volume.in_memory:
        _tmpfs(path, "mode=0755")
    files = volume.files
    if group is not None:  # such files are read only, so the group may read them and no more
        files = tuple(replace(file, mode=file.mode | 0o440) for file in files)
        os.chown(path, -1, group)
        path.chmod(path.stat().st_mode & 0o7777 | stat.S_ISGID)  # what is made in it belongs to the group too
    write_files(path, files)


def write_files(path: Path, files: tuple[FileContent, ...]) -> None:
    """Have exactly these files in the volume; nothing is touched if they are there. Errors: VolumeFailed, OSError."""
    if not _same(path, files):
        write_atomically(path, files)


def _same(path: Path, files: tuple[FileContent, ...]) -> bool:
    data = path / "..data"
    if not data.is_dir():
        return False
    try:
        if not all(_holds(data / file.path, file) for file in files):
            return False
    except OSError:
        return False
    top = os.path.realpath(data)
    present = sum(not stat.S_ISDIR(os.lstat(name, dir_fd=at).st_mode) for at, name in trees.walk(Path(top)))
    return present == len({file.path for file in files})


def _holds(path: Path, file: FileContent) -> bool:
    return path.read_bytes() == file.data and path.stat().st_mode & 0o777 == file.mode & 0o777


def write_atomically(path: Path, files: tuple[FileContent, ...]) -> None:
    """Replace the volume's content in one rename; links that are no longer wanted go afterwards."""
    data = path / "..data"
    old = os.readlink(data) if data.is_symlink() else ""
    generation = int(old.removeprefix("..v") or 0) + 1 if old.removeprefix("..v").isdigit() or not old else 1
    fresh = path / f"..v{generation}"
    trees.remove(fresh)
    fresh.mkdir(mode=0o755)
    for file in files:
        parts = _not_too_deep(file.path)
        if not parts or parts[0] == "/" or ".." in parts:
            raise VolumeFailed(f"the file path {file.path!r} leaves its volume; nothing was written")
        target = fresh / file.path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(file.data)
        if file.user is not UNSET:
            os.chown(target, file.user, -1)
        target.chmod(file.mode)
    link = path / "..data_tmp"
    link.unlink(missing_ok=True)
    link.symlink_to(fresh.name)
    link.rename(data)
    tops = {Path(file.path).parts[0] for file in files}
    for top in tops:
        if not (path / top).is_symlink():
            (path / top).symlink_to(Path("..data") / top)
    for entry in list(os.scandir(path)):
        if entry.name.startswith("..v") and entry.name != fresh.name:
            trees.remove(Path(entry.path))
        elif entry.is_symlink() and not entry.name.startswith("..") and entry.name not in tops:
            os.unlink(entry.path)


def _give_to_group(path: Path, group: int) -> None:
    """Containers may be at work in it: each file is opened once, and what was opened is changed, whatever its name is now.

    The top is last: where it belongs to the group, all that is in it does."""
    for directory, name in trees.walk(path):
        with contextlib.suppress(FileNotFoundError):
            _give_one(directory, name, group)
    parent = os.open(path.parent, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        _give_one(parent, path.name, group)
    finally:
        os.close(parent)


def _give_one(directory: int, name: str, group: int) -> None:
    descriptor = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
    try:
        mode, itself = os.fstat(descriptor).st_mode, f"/proc/self/fd/{descriptor}"
        if stat.S_ISLNK(mode):
            os.chown(name, -1, group, dir_fd=directory, follow_symlinks=False)
            return
        os.chown(itself, -1, group)
        added = 0o2770 if stat.S_ISDIR(mode) else 0o660 if mode & 0o200 else 0o440
        os.chmod(itself, mode & 0o7777 | added)
    finally:
        os.close(descriptor)


def pin_sub_path(volume_path: Path, mount: Mount, container: str, target: Path) -> None:
    """Bind what the mount's `sub_path` names inside the volume to `target`, without following a link out of it. A missing one
    is made as a directory. Errors: SubPathFailed, in the kubelet's words; VolumeFailed."""
    sub_path = mount.sub_path
    parts = _not_too_deep(sub_path)
    root = os.open(volume_path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    inside = linux.RESOLVE_BENEATH | linux.RESOLVE_NO_MAGICLINKS
    try:
        try:
            fd = linux.open_inside(root, sub_path, os.O_PATH, inside)
        except FileNotFoundError:
            _make_inside(root, parts)
            fd = linux.open_inside(root, sub_path, os.O_PATH, inside)
        try:
            target.parent.mkdir(parents=True, exist_ok=True)
            if stat.S_ISDIR(os.fstat(fd).st_mode):
                target.mkdir(exist_ok=True)
            else:
                target.touch()
            linux.mount(f"/proc/self/fd/{fd}", str(target), flags=linux.MS_BIND | linux.MS_REC)
        finally:
            os.close(fd)
    except OSError as error:
        what = f'failed to prepare subPath for volumeMount "{mount.volume}" of container "{container}"'
        raise SubPathFailed(f"{what}: {sub_path}: {error.strerror or error}") from error
    finally:
        os.close(root)


def _make_inside(root: int, parts: tuple[str, ...]) -> None:
    flags = linux.RESOLVE_BENEATH | linux.RESOLVE_NO_MAGICLINKS
    at = os.dup(root)
    try:
        for part in parts:
            with contextlib.suppress(FileExistsError):
                os.mkdir(part, 0o755, dir_fd=at)
            deeper = linux.open_inside(at, part, os.O_PATH | os.O_DIRECTORY, flags)
            os.close(at)
            at = deeper
    finally:
        os.close(at)


def remove(directory: Path) -> None:
    """All volumes of a pod. Errors: VolumeFailed, OSError; what could not be taken back is found again the next time."""
    mounter.unmount_all(directory)
    remove_tree(directory)


def remove_tree(path: Path) -> None:
    """Unmount what is mounted below, then delete. Never crosses a mount: what cannot be unmounted is left and raises."""
    for point in linux.mounts_below(path):
        try:
            linux.unmount(point)
        except OSError as error:  # EINVAL: somebody else has just done it, or it is not to be had
            if error.errno != errno.EINVAL or point in linux.mounts_below(path):
                raise
    trees.remove(path)
