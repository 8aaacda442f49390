"""Images that the project builds itself from Debian's programs: those of the guestbook, offline, and those of the NFS example.

Tests: tests/runtime/images/test_store.py
"""

import os
import platform
import shutil
import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from msgspec import Struct

from . import closure
from .documents import Image
from .store import ImageStore

BUSYBOX, REDIS, REDIS_CLI = "/bin/busybox", "/usr/bin/redis-server", "/usr/bin/redis-cli"
LIGHTTPD = "/usr/sbin/lighttpd"  # busybox's httpd loses connections where ten clients ask at once
ITS_MODULES = ("/usr/lib/lighttpd/mod_accesslog.so", "/usr/lib/lighttpd/mod_cgi.so")
GANESHA, NGINX = "/usr/bin/ganesha.nfsd", "/usr/sbin/nginx"
_LIBRARIES = f"/usr/lib/{platform.machine()}-linux-gnu"
ITS_STORE, ITS_NAMES = f"{_LIBRARIES}/ganesha/libfsalvfs.so", f"{_LIBRARIES}/libnfsidmap/nsswitch.so"
PACKAGES = {
    BUSYBOX: "busybox-static",
    REDIS: "redis-server",
    REDIS_CLI: "redis-tools",
    **dict.fromkeys((LIGHTTPD, *ITS_MODULES), "lighttpd"),
    GANESHA: "nfs-ganesha",
    ITS_STORE: "nfs-ganesha-vfs",
    ITS_NAMES: "libnfsidmap1",
    NGINX: "nginx",
}
FILES = Path(__file__).parent
APPLETS = ("sh", "cat", "echo", "env", "hostname", "httpd", "ls", "ps", "sed", "sleep", "tar", "tr", "wget")
Say = Callable[[str], None]


class Recipe(Struct, frozen=True, kw_only=True):
    """One image: its programs, its files (from, to), and what it runs."""

    name: str
    programs: tuple[str, ...]
    files: tuple[tuple[str, str], ...] = ()
    command: tuple[str, ...]
    port: int


RECIPES: dict[str, tuple[Recipe, ...]] = {
    "guestbook": (
        Recipe(
            name="kubeguide/redis-master",
            programs=(BUSYBOX, REDIS, REDIS_CLI),
            port=6379,
            command=(REDIS, "--bind", "0.0.0.0", "--protected-mode", "no", "--save", "", "--dir", "/data"),
        ),
        Recipe(
            name="kubeguide/guestbook-redis-slave",
            programs=(BUSYBOX, REDIS, REDIS_CLI),
            port=6379,
            files=(("guestbook/slave.sh", "/slave.sh"),),
            command=("/bin/sh", "/slave.sh"),
        ),
        Recipe(
            name="kubeguide/guestbook-php-frontend",
            programs=(BUSYBOX, REDIS_CLI, LIGHTTPD, *ITS_MODULES),
            port=80,
            files=(
                ("guestbook/index.html", "/www/index.html"),
                ("guestbook/guestbook.php", "/www/guestbook.php"),
                ("guestbook/lighttpd.conf", "/etc/lighttpd.conf"),
                ("guestbook/frontend.sh", "/frontend.sh"),
            ),
            command=("/bin/sh", "/frontend.sh"),
        ),
    ),
    "nfs": (
        Recipe(
            name="jsafrane/nfs-data",
            programs=(BUSYBOX, GANESHA, ITS_STORE, ITS_NAMES),
            port=2049,
            files=(
                ("nfs/server.sh", "/server.sh"),
                ("nfs/ganesha.conf", "/etc/ganesha.conf"),
                ("nfs/idmapd.conf", "/etc/idmapd.conf"),
                ("nfs/netconfig", "/etc/netconfig"),
                ("nfs/index.html", "/srv/index.html"),
            ),
            command=("/bin/sh", "/server.sh"),
        ),
        Recipe(
            name="nginx",
            programs=(BUSYBOX, NGINX),
            port=80,
            files=(("nfs/nginx.conf", "/etc/nginx/nginx.conf"), ("nfs/index.html", "/usr/share/nginx/html/index.html")),
            command=(NGINX,),
        ),
    ),
}


def build(name: str, store: ImageStore, say: Say) -> list[Image]:
    """Build all images of a recipe into the store; `say` hears of each. Errors: ProgramMissing, KeyError."""
    made = []
    recipes = RECIPES[name]
    wanted = {path: PACKAGES[path] for recipe in recipes for path in recipe.programs}
    with closure.programs(wanted) as found:
        for number, recipe in enumerate(recipes, 1):
            say(f"[{number}/{len(recipes)}] {recipe.name}")
            with tempfile.TemporaryDirectory(prefix="shipslog-image-") as directory:
                root = Path(directory)
                root.chmod(0o755)
                _fill(recipe, found, root)
                made.append(store.add(recipe.name, root, _config(recipe)))
    return made


def _fill(recipe: Recipe, found: dict[str, Path], root: Path) -> None:
    for name in ("bin", "data", "etc", "proc", "root", "tmp"):
        (root / name).mkdir()
    (root / "var/tmp").mkdir(parents=True)  # where lighttpd puts what is sent to it
    for name in ("tmp", "var/tmp"):
        (root / name).chmod(0o1777)
    (root / "etc/passwd").write_text("root:x:0:0:root:/root:/bin/sh\n")
    (root / "etc/group").write_text("root:x:0:\n")
    closure.copy([(found[path], path) for path in recipe.programs], root)
    for applet in APPLETS:
        if BUSYBOX in recipe.programs:
            os.symlink("busybox", root / "bin" / applet)
    for source, place in recipe.files:
        target = root / place.lstrip("/")
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(FILES / source, target)
        target.chmod(0o755)


def _config(recipe: Recipe) -> dict[str, Any]:
    return {
        "Cmd": list(recipe.command),
        "ExposedPorts": {f"{recipe.port}/tcp": {}},
        "WorkingDir": "/",
        "Env": ["PATH=/usr/local/bin:/usr/bin:/usr/sbin:/bin"],
    }
