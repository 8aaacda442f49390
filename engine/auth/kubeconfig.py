"""The kubeconfig of the administrator, with everything embedded: one file that can be copied elsewhere.

Tests: tests/engine/test_library.py, tests/engine/cli/test_up.py
"""

import base64
import os
from pathlib import Path

from .certificates import Pki

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


def _embed(text: str) -> str:
    return base64.b64encode(text.encode()).decode()
