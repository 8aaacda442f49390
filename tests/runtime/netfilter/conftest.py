import os
from collections.abc import AsyncIterator, Iterator

import pytest

from shipslog.runtime.netfilter.nftables import NftablesAdapter

from .laboratory import Laboratory, laboratory


@pytest.fixture(scope="package")
def lab() -> Iterator[Laboratory]:
    if os.geteuid() != 0:
        pytest.skip("network namespaces and packet rules need root")
    with laboratory() as made:
        for n in range(1, made.pods + 1):
            made.serve_tcp(f"pod{n}", 8080)
            made.serve_udp(f"pod{n}", 5353)
        yield made


@pytest.fixture
async def nft(lab: Laboratory) -> AsyncIterator[NftablesAdapter]:
    adapter = NftablesAdapter(lab.mark, netns=lab.ns("node"))
    yield adapter
    await adapter.close(remove=True)
