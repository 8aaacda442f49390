from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.engine.api.conftest import admin, api, rules

from .harbour import Harbour, harbour

__all__ = ["admin", "api", "rules"]


@pytest.fixture
async def hooks(tmp_path: Path) -> AsyncIterator[Harbour]:
    async with harbour(tmp_path / "harbour") as made:
        yield made
