"""The rule of docs/how-to-add-a-rule.md is kept, block by block, as the page makes it."""

import ast
import asyncio
import re
from pathlib import Path
from typing import Any

from shipslog.reconcilers.rule.wakes import Wakes

PAGE = Path(__file__).parents[2] / "docs" / "how-to-add-a-rule.md"


async def test_every_block_runs() -> None:
    text = PAGE.read_text()
    blocks = re.findall(r"```python\n(.*?)```", text, re.DOTALL)
    assert len(blocks) == 6
    names: dict[str, Any] = {}
    async with asyncio.timeout(20):
        for block in blocks:
            running = eval(compile(block, PAGE.name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT), names)
            if running is not None:
                await running
    await asyncio.to_thread(names["test_it_lives_through_faults"])


def test_the_page_names_all_that_can_be_declared() -> None:
    text = PAGE.read_text()
    asking = {"looks_at", "sources_of", "keys_for", "all_keys", "declares"}
    declaring = {name for name in vars(Wakes) if not name.startswith("_") and callable(getattr(Wakes, name))} - asking
    assert declaring == {"owns", "watches", "watches_every_kind", "hears", "reads"}
    assert not [name for name in declaring if f"`.{name}(" not in text]
