"""Counters of control groups, as both versions write them; what is not there, or is nonsense, counts as nothing."""

from pathlib import Path

import pytest

from shipslog.runtime.stats.groups import Groups, Separate, Unified, groups_of, pressure, text
from shipslog.runtime.stats.usage import Pressure

UNIFIED = {
    "cpu.stat": "usage_usec 1500\nuser_usec 1000\nsystem_usec 500\nnr_periods 7\nnr_throttled 2\nthrottled_usec 30\n",
    "memory.current": "1000\n",
    "memory.stat": "anon 300\nfile 500\nfile_mapped 40\ninactive_file 200\npgfault 11\npgmajfault 3\n",
    "memory.swap.current": "5\n",
    "memory.max": "4096\n",
    "memory.events": "low 0\nhigh 0\nmax 4\noom 0\n",
    "pids.current": "6\n",
    "io.stat": "8:0 rbytes=10 wbytes=20 rios=1 wios=1\n8:16 rbytes=1 wbytes=2\n",
    "cpu.pressure": "some avg10=1.50 avg60=0.25 avg300=0.00 total=77\nfull avg10=0.00 avg60=0.00 avg300=0.00 total=8\n",
}
SEPARATE = {
    "cpuacct": {"cpuacct.usage": "1500000\n", "cpuacct.stat": "user 3\nsystem 2\n"},
    "cpu": {"cpu.stat": "nr_periods 7\nnr_throttled 2\nthrottled_time 30000\n"},
    "memory": {
        "memory.usage_in_bytes": "1000\n",
        "memory.stat": "cache 1\nhierarchical_memory_limit 4096\ntotal_cache 500\ntotal_rss 300\ntotal_mapped_file 40\n"
        "total_swap 5\ntotal_pgfault 11\ntotal_pgmajfault 3\ntotal_inactive_file 200\n",
        "memory.failcnt": "4\n",
    },
    "pids": {"pids.current": "6\n"},
    "blkio": {"blkio.throttle.io_service_bytes": "8:0 Read 11\n8:0 Write 22\n8:0 Total 33\nTotal 33\n"},
}


def write(directory: Path, files: dict[str, str]) -> None:
    directory.mkdir(parents=True)
    for name, content in files.items():
        (directory / name).write_text(content)


@pytest.fixture(params=[1, 2])
def groups(tmp_path: Path, request: pytest.FixtureRequest) -> Groups:
    if request.param == 2:
        write(tmp_path / "top/pod", UNIFIED)
    else:
        for controller, files in SEPARATE.items():
            write(tmp_path / controller / "top/pod", files)
    return groups_of(tmp_path, request.param)


def test_both_versions_say_the_same(groups: Groups) -> None:
    found = groups.read("/top/pod", 9)
    assert found is not None
    assert (found.at_ns, found.cpu_ns, found.periods, found.throttled_periods, found.throttled_ns) == (
        9,
        1_500_000,
        7,
        2,
        30_000,
    )
    assert (found.memory_bytes, found.working_set_bytes, found.rss_bytes, found.cache_bytes) == (1000, 800, 300, 500)
    assert (found.mapped_bytes, found.swap_bytes, found.memory_limit_bytes, found.memory_failures) == (40, 5, 4096, 4)
    assert (found.page_faults, found.major_page_faults, found.processes) == (11, 3, 6)
    assert (found.read_bytes, found.written_bytes) == (11, 22)


def test_a_group_that_is_gone_has_no_counters(groups: Groups) -> None:
    assert groups.read("/top/other", 9) is None


def test_no_limit_is_none(tmp_path: Path) -> None:
    write(tmp_path / "new", UNIFIED | {"memory.max": "max\n"})
    write(tmp_path / "memory/old", {"memory.stat": "hierarchical_memory_limit 9223372036854771712\n"})
    for groups, name in ((Unified(tmp_path), "new"), (Separate(tmp_path), "old")):
        found = groups.read(name, 0)
        assert found is not None and found.memory_limit_bytes == 0


def test_pressure(tmp_path: Path) -> None:
    write(tmp_path / "pod", UNIFIED)
    found = Unified(tmp_path).read("pod", 0)
    assert found is not None
    assert found.pressure == {"cpu": Pressure(77, 8, (1.5, 0.25, 0.0), (0.0, 0.0, 0.0))}
    assert pressure("what is this\n") == Pressure()


def test_a_file_without_end_is_cut(tmp_path: Path) -> None:
    (tmp_path / "long").write_text("1" * 1_000_000)
    assert len(text(str(tmp_path / "long"))) == 1 << 16
