"""gitRepo: a repository is cloned into an empty directory of the pod, once.

Source: Kubernetes' plugin of that name. What is cloned is a stranger's: no hook of it runs, no file of the node is reached
(only https, http, git and ssh are spoken), and nobody is asked for a password.
"""

import os
from pathlib import Path

from shipslog.runtime.machine import trees
from shipslog.runtime.volumes.failed import VolumeFailed
from shipslog.store.objects.types import core_v1

from . import tools
from .plugin import Plugin, Work
from .tools import plain

DONE = ".cloned"
SAFE = (
    "-c",
    "core.hooksPath=/dev/null",
    "-c",
    "core.fsmonitor=false",
    "-c",
    "core.symlinks=true",
    "-c",
    "protocol.ext.allow=never",
    "-c",
    "protocol.file.allow=never",
    "-c",
    "submodule.recurse=false",
)
ENVIRONMENT = {
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "HOME": "/nonexistent",
    "GIT_ALLOW_PROTOCOL": "https:http:git:ssh",
    "GIT_LFS_SKIP_SMUDGE": "1",
}
TIMEOUT_S = 600.0


class GitRepository(Plugin):
    """Nothing is mounted: `work.beside` remembers that it was cloned, for what the pod has changed since is the pod's."""

    def gives_to_group(self, work: Work) -> bool:
        return True

    def mount(self, work: Work, device: str) -> None:
        if (work.beside / DONE).exists():
            return
        source = work.source(core_v1.GitRepoVolumeSource)
        repository = plain("repository", source.repository)
        directory = source.directory or ""
        if ".." in Path(directory).parts or directory.startswith(("/", "-")) or "\0" in directory:
            raise VolumeFailed(f"the directory {directory[:80]!r} leaves its volume; nothing was cloned")
        fresh = work.target.with_name(f"..git-{work.target.name}")
        trees.remove(fresh)
        fresh.mkdir(mode=0o755)
        _git(fresh, "clone", "--", repository, *((directory,) if directory else ()))
        made = [entry.name for entry in os.scandir(fresh)]
        place = fresh / (directory or made[0] if made else "")
        if source.revision:
            _git(place, "checkout", plain("revision", source.revision))
            _git(place, "reset", "--hard")
        trees.remove(work.target)
        fresh.rename(work.target)
        work.target.chmod(0o777)
        (work.beside / DONE).touch()

    def unmount(self, work: Work) -> None:
        trees.remove(work.target.with_name(f"..git-{work.target.name}"))


def _git(at: Path, *arguments: str) -> None:
    tools.run("git", *SAFE, "-C", str(at), *arguments, timeout_s=TIMEOUT_S, environment=ENVIRONMENT)
