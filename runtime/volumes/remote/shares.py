"""File systems that servers hold: glusterfs, cephfs, azureFile, and nfs (nfs.py). One command of mount(8) each.

Source: Kubernetes' plugins of these names. Keys and passwords stand in files that only root reads, not on command lines.
"""

from collections.abc import Callable, Mapping

from msgspec import Struct

from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.store.objects.types import core_v1

from .nfs import Nfs
from .plugin import Plugin, Work
from .tools import bracketed, mount, option


class Line(Struct, frozen=True):
    """What mount(8) gets."""

    source: str
    kind: str
    options: tuple[str, ...] = ()


class Share(Plugin):
    def __init__(self, line: Callable[[Work], Line]) -> None:
        self._line = line

    def mount(self, work: Work, device: str) -> None:
        line = self._line(work)
        mount(line.source, work.target, line.kind, work.options(*line.options))


def _glusterfs(work: Work) -> Line:
    path, hosts = work.source(core_v1.GlusterfsVolumeSource).path, work.remote.hosts
    if not hosts:
        raise VolumeFailed("the Endpoints of the glusterfs volume have no address")
    log = f"log-file={work.beside / 'glusterfs.log'}"
    others = (f"backup-volfile-servers={':'.join(option('address', host) for host in hosts)}",)
    return Line(
        f"{bracketed(hosts[0])}:{path.removeprefix('/')}", "glusterfs", ("auto_unmount", *others, log, "log-level=ERROR")
    )


def _cephfs(work: Work) -> Line:
    source = work.source(core_v1.CephFSVolumeSource)
    monitors = ",".join(option("monitor", monitor) for monitor in source.monitors or ())
    name = (f"name={option('user', source.user or 'admin')}",)
    if work.remote.secret:
        held = f"secretfile={work.secret_file('key', work.secret('key'))}"
    else:
        held = f"secretfile={option('secretFile', source.secret_file or '/etc/ceph/user.secret')}"
    return Line(f"{monitors}:{source.path or '/'}", "ceph", (*name, held))


def _azure_file(work: Work) -> Line:
    account, key = work.secret("azurestorageaccountname"), work.secret("azurestorageaccountkey")
    share = work.source(core_v1.AzureFileVolumeSource).share_name
    held = work.secret_file("credentials", f"username={account}\npassword={key}\n")
    modes = () if work.remote.mount_options else ("file_mode=0777", "dir_mode=0777")
    server = f"//{option('account', account)}.file.core.windows.net/{share}"
    return Line(server, "cifs", (f"credentials={held}", *modes, "vers=3.0", "actimeo=30", "mfsymlinks"))


SHARES: Mapping[str, Plugin] = {
    "nfs": Nfs(),
    "glusterfs": Share(_glusterfs),
    "cephfs": Share(_cephfs),
    "azureFile": Share(_azure_file),
}
