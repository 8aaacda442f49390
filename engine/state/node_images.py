"""The last word about each image on each node.

Tests: tests/engine/state/test_view.py
"""

from shipslog.store.facts import ImagePulled, ImagePullFailed, ImagesCollected
from shipslog.store.state import ImageState

from .runtime import evolve_image, heard_ns

IMAGES = 10_000  # of all nodes, whose state is known; beyond that a tenth is forgotten, what was heard of longest ago


class NodeImages(dict[tuple[str, str], ImageState]):
    """By node and image, as pods name it. What is forgotten here a node is asked again for, and answers at once."""

    def evolve(self, fact: ImagePulled | ImagePullFailed | ImagesCollected) -> None:
        if isinstance(fact, ImagesCollected):
            gone = set(fact.image_ids)
            for key in [k for k, s in self.items() if k[0] == fact.node and s.pulled is not None and s.pulled.image_id in gone]:
                del self[key]
            return
        key = (fact.node, fact.image)
        state = evolve_image(self.pop(key, None), fact)
        if len(self) >= IMAGES:
            for forgotten in sorted(self, key=lambda known: (heard_ns(self[known]), known))[: IMAGES // 10 + 1]:
                del self[forgotten]
        self[key] = state
