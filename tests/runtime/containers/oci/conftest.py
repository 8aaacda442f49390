import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.runtime.containers.test_contract import Bench, real_node


@pytest.fixture
async def bench(tmp_path: Path) -> AsyncIterator[Bench]:
    """A node of real containers."""
    if os.geteuid() != 0:
        pytest.skip("real containers need root")
    bench = Bench("oci", real_node(tmp_path), tmp_path)
    await bench.start()
    try:
        yield bench
    finally:
        await bench.node.close(end_pods=True)
