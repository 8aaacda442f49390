"""emptyDirs on huge pages: a pod's process has memory of such pages there, of the machine's and of no other size."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from shipslog.runtime.commands import VolumeSource
from shipslog.runtime.machine import linux, node_facts
from shipslog.runtime.volumes import pod_volumes
from shipslog.runtime.volumes.failed import VolumeFailed

PAGES = Path("/sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages")
pytestmark = pytest.mark.root


@pytest.fixture
def two_pages() -> Iterator[int]:
    """Bytes that the machine has set apart, if it finds them."""
    if not PAGES.exists():
        pytest.skip("the kernel has no huge pages of 2 MiB")
    before = int(PAGES.read_text())
    PAGES.write_text(str(before + 2))
    try:
        yield int(PAGES.read_text()) << 21
    finally:
        PAGES.write_text(str(before))


def volume(medium: str) -> tuple[VolumeSource, ...]:
    return (VolumeSource(name="v", kind="emptyDir", medium=medium, size_limit_bytes=4 << 20),)


def test_they_are_mounted_and_gone_with_the_pod(two_pages: int, tmp_path: Path) -> None:
    pod_volumes.prepare(tmp_path / "volumes", volume("HugePages-2Mi"), None)
    pod_volumes.prepare(tmp_path / "volumes", volume("HugePages-2Mi"), 4711)  # once more, as after a crash
    mounted = next(line for line in Path("/proc/mounts").read_text().splitlines() if str(tmp_path) in line)
    assert mounted.split()[2] == "hugetlbfs" and "pagesize=2M" in mounted and "size=4194304" in mounted
    assert (tmp_path / "volumes/v").stat().st_gid == 4711
    pod_volumes.remove(tmp_path / "volumes")
    assert not linux.mounts_below(tmp_path)


def test_pages_of_a_size_that_there_is_not_are_refused(tmp_path: Path) -> None:
    with pytest.raises(VolumeFailed, match='SetUp failed for volume "v"'):
        pod_volumes.prepare(tmp_path / "volumes", volume("HugePages-3Mi"), None)
    assert not linux.mounts_below(tmp_path)


def test_a_node_tells_how_many_there_are_and_sets_them_apart(two_pages: int, tmp_path: Path) -> None:
    found = node_facts.observe("n", tmp_path, pod_cidr="", crun="crun", address="192.0.2.1")
    assert pod_volumes.quantity.value(found.capacity["hugepages-2Mi"]) == two_pages
    memory = [pod_volumes.quantity.value(of["memory"]) for of in (found.capacity, found.allocatable)]
    assert memory[0] - memory[1] >= two_pages
