"""The quickstart runs, block by block, as a reader would run it."""

import ast
import os
import re
import sys
from pathlib import Path
from typing import Any

import pytest

DOCS = Path(__file__).parents[2] / "docs"


@pytest.mark.filterwarnings("ignore:Kubernetes version .* is not supported", "ignore::DeprecationWarning")  # of the clients
async def test_every_block_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kubectl = Path(sys.prefix) / "kubectl" / "kubectl-debian"
    if not kubectl.exists():
        pytest.skip("kubectl is not installed, and only root can install it")
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").symlink_to(kubectl)
    monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}{os.pathsep}{os.environ['PATH']}")
    monkeypatch.setenv("KUBECONFIG", "")
    from kr8s._api import Api

    monkeypatch.setattr(Api, "_instances", {})  # else kr8s gives out the client of an earlier test, whose server is gone
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "quickstart.md").read_text(), re.DOTALL)
    assert len(blocks) >= 5
    names: dict[str, Any] = {"PATH": str(tmp_path / "cluster.db")}
    for block in blocks:
        code = compile(block, "quickstart.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(code, names)
        if running is not None:
            await running
