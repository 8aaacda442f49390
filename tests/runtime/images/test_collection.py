"""Images that nothing uses go, those used longest ago first; what is used, young, or of this node alone stays."""

from pathlib import Path

import pytest

from shipslog.runtime.images.collection import Collector
from shipslog.runtime.images.store import ImageStore

NAMES = [f"registry.example/{name}:1" for name in ("a", "b", "c")]


@pytest.fixture
def store(tmp_path: Path) -> ImageStore:
    made = ImageStore(tmp_path / "images")
    made.open()
    for name in NAMES:
        root = tmp_path / name.partition("/")[2]
        root.mkdir()
        (root / "file").write_text(name)
        made.add(name, root, {})
    index = made.directory / "index.json"
    index.write_text(index.read_text().replace('"shipslog.local":"true"', '"shipslog.local":"false"'))  # as if pulled
    return made


class World:
    """What is used, and what time it is."""

    def __init__(self, store: ImageStore) -> None:
        self.used: list[tuple[str, str]] = []
        self.now_ns = 1_000 * 10**9
        self.store = store
        self.collector = Collector(store, lambda: self.used, lambda: self.now_ns)

    def names(self) -> list[str]:
        return [image.name for image in self.store.list()]


@pytest.fixture
def world(store: ImageStore) -> World:
    return World(store)


def test_all_that_nothing_uses_goes_from_the_disk(world: World) -> None:
    a, b, c = world.store.list()
    world.used = [("another name", b.image_id), (c.name, "sha256:before")]
    found = world.collector.collect(0, 0.0)
    assert (found.images, found.image_ids, found.freed_bytes) == ((a.name,), (a.image_id,), a.size_bytes)
    assert world.names() == NAMES[1:]
    held = {path.name for path in (world.store.directory / "blobs/sha256").iterdir()}
    assert a.image_id.partition(":")[2] not in held and b.image_id.partition(":")[2] in held


def test_no_more_goes_than_is_wanted_and_what_was_used_last_goes_last(world: World) -> None:
    world.collector.note([NAMES[0], "what: is no name"])
    world.now_ns += 1
    world.collector.note([NAMES[1]])
    assert world.collector.collect(1, 0.0).images == (NAMES[2],)
    assert world.collector.collect(1, 0.0).images == (NAMES[0],)


def test_what_came_lately_stays(world: World) -> None:
    for name in NAMES[1:]:
        world.collector.came(name)
    world.now_ns += 60 * 10**9
    assert world.collector.collect(0, 120.0).images == (NAMES[0],)
    world.now_ns += 60 * 10**9
    assert world.collector.collect(0, 120.0).images == tuple(NAMES[1:])


def test_what_a_person_put_here_stays(world: World, tmp_path: Path) -> None:
    world.store.add("mine", tmp_path / "a:1", {})
    assert world.collector.collect(0, 0.0).images == tuple(NAMES)
    assert world.names() == ["docker.io/library/mine:latest"]
