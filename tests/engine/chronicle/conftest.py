"""The log that docs/reading-a-log.md reads."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from shipslog.engine.chronicle.reader import Reader
from shipslog.store.log.sqlite import SqliteLog
from tests.docs import shop


@pytest.fixture
async def reader(tmp_path: Path) -> AsyncIterator[Reader]:
    async with await SqliteLog.open(shop.unpacked(tmp_path), read_only=True) as log:
        yield Reader(log)
