"""Removes images that nothing uses, those first that were used longest ago. What a person put here stays: no registry has it.

When an image was used last is known for as long as the node runs; before that counts as long ago.
"""

import time
from collections.abc import Callable, Iterable
from typing import NamedTuple

from .documents import Image
from .reference import InvalidImageName, parse
from .store import ImageStore


class Collected(NamedTuple):
    images: tuple[str, ...]
    image_ids: tuple[str, ...]
    freed_bytes: int


class Collector:
    """Of one store. `used`: the complete names, and the ids, of the images that containers are of."""

    def __init__(
        self, store: ImageStore, used: Callable[[], Iterable[tuple[str, str]]], now_ns: Callable[[], int] = time.time_ns
    ) -> None:
        self._store, self._used, self._now_ns = store, used, now_ns
        self._came: dict[str, int] = {}  # by complete name
        self._last: dict[str, int] = {}

    def note(self, images: Iterable[str]) -> None:
        """These are used now, by the names that pods have for them."""
        now = self._now_ns()
        for image in images:
            try:
                self._last[str(parse(image))] = now
            except InvalidImageName:  # an id, or what an older version let through: it is known by its containers
                continue

    def came(self, image: str) -> None:
        """It was pulled now, or asked for. Errors: InvalidImageName."""
        self._came[str(parse(image))] = self._now_ns()

    def collect(self, wanted_bytes: int, min_age_s: float) -> Collected:
        """Remove so much, or all for 0. It blocks: in a thread."""
        names, ids = set[str](), set[str]()
        for name, image_id in self._used():
            names.add(name)
            ids.add(image_id)
        now, gone, freed = self._now_ns(), list[Image](), 0
        for image in sorted(self._store.list(), key=lambda one: (self._last.get(one.name, 0), self._came.get(one.name, 0))):
            if wanted_bytes and freed >= wanted_bytes:
                break
            young = now - self._came.get(image.name, 0) < min_age_s * 1e9
            if image.local or young or image.name in names or image.image_id in ids:
                continue
            if self._store.remove(image.name):
                gone.append(image)
                freed += image.size_bytes
        there = {image.name for image in self._store.list()}
        for known in (self._came, self._last):
            for name in known.keys() - there:
                del known[name]
        return Collected(tuple(i.name for i in gone), tuple(sorted({i.image_id for i in gone})), freed)
