"""The kubeconfig of the administrator, with everything embedded: one file that can be copied elsewhere.

Tests: tests/engine/test_library.py, tests/engine/cli/test_up.py
"""

import base64
import os
from pathlib import Path

from .certificates import Pki

LARGEST = 1 << 20  # characters of a file that is looked at
TEMPLATE = """\
apiVersion: v1
kind: Config
clusters:
- name: {name}
  cluster:
    server: {server}
    certificate-authority-data: {ca}
users:
- name: {name}-admin
  user:
    client-certificate-data: {certificate}
    client-key-data: {key}
contexts:
- name: {name}
  context:
    cluster: {name}
    user: {name}-admin
current-context: {name}
"""


def render(pki: Pki, server: str, *, name: str = "shipslog") -> str:
    """The text of a kubeconfig for `server` (https://HOST:PORT)."""
    return TEMPLATE.format(
        name=name,
        server=server,
        ca=_embed(pki.ca_certificate),
        certificate=_embed(pki.admin_certificate),
        key=_embed(pki.admin_key),
    )


def write(path: Path, pki: Pki, server: str, *, name: str = "shipslog", mode: int = 0o600) -> None:
    """Write the kubeconfig. `mode`: readable by its owner only, unless somebody wants it otherwise."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as file:
        file.write(render(pki, server, name=name))
    draft.chmod(mode)
    draft.replace(path)


def in_the_way(path: Path, *, name: str = "shipslog") -> str:
    """What stands at a path that `write` would take the place of, and is nothing that it has written; "" for nothing."""
    if not path.exists():
        return ""
    if not path.is_file():
        return "what is there is no file"
    import yaml

    try:
        with path.open(encoding="utf-8") as file:
            config = yaml.safe_load(file.read(LARGEST))
    except (OSError, UnicodeDecodeError, yaml.YAMLError, RecursionError):
        config = "unreadable"
    if config is None:
        return ""
    if not isinstance(config, dict) or config.get("kind") != "Config":
        return "the file that is there is no kubeconfig"
    found = {
        str(item.get("name"))
        for member in ("clusters", "contexts", "users")
        for item in config.get(member) or ()
        if isinstance(item, dict)
    }
    others = sorted(found - {name, f"{name}-admin"})
    return f"the kubeconfig that is there has {', '.join(others[:3])}{' and more' * (len(others) > 3)} too" if others else ""


def _embed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
