"""The quickstart runs, block by block, as a reader would run it."""

import ast
import re
from pathlib import Path
from typing import Any

DOCS = Path(__file__).parents[2] / "docs"


async def test_every_block_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", (DOCS / "quickstart.md").read_text(), re.DOTALL)
    assert len(blocks) >= 5
    names: dict[str, Any] = {"PATH": str(tmp_path / "cluster.db")}
    for block in blocks:
        code = compile(block, "quickstart.md", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
        running = eval(code, names)
        if running is not None:
            await running
