"""What is no object: health tells the truth."""

from shipslog.store.log.memory import MemoryLog

from .conftest import Api


async def test_readyz_says_when_the_log_takes_no_writes(api: Api) -> None:
    anybody = api.client()
    assert await anybody.call("GET", "/readyz") == (200, "ok")
    assert isinstance(api.cluster.log, MemoryLog)
    api.cluster.log.trouble = "/data/cluster.db: the disk is full"
    code, said = await anybody.call("GET", "/readyz")
    assert code == 500 and "[-]log failed: it takes no writes" in said and "[+]ping ok" in said and "/data" not in said
    assert (await anybody.call("GET", "/readyz/log"))[0] == 500
    assert (await anybody.call("GET", "/readyz/ping"))[0] == 200
    assert (await anybody.call("GET", "/livez"))[0] == 200, "a restart frees no disk"
    api.cluster.log.trouble = ""
    assert await anybody.call("GET", "/readyz") == (200, "ok")
