"""How often those outside are asked who may change what is asked for: each once, and once more who asks for that where others
have changed the object after him, of whatever sort they are.

Source: the reinvocation contexts of k8s.io/apiserver/pkg/admission and of its webhook and policy plugins.

Tests: tests/engine/policies/test_with_webhooks.py
"""

from typing import Any

from msgspec import Struct

ROUNDS = (0, 1)


class Asked(Struct):
    """Those of one sort who have been asked about one command, by their names."""

    invoked: set[str] = set()  # who is to be asked again when somebody changes the object from now on
    again: set[str] = set()
    left: Any = None  # the object as they have left it
    changed: bool = False

    def begin(self, obj: Any, number: int) -> None:
        """A round begins with an object: others may have changed it since."""
        if number and obj != self.left:
            self._require()

    def is_due(self, name: str, number: int) -> bool:
        return not number or name in self.again

    def has_changed(self) -> None:
        """One of them has changed the object."""
        self.changed = True
        self._require()

    def may_be_asked_again(self, name: str) -> None:
        self.invoked.add(name)

    def _require(self) -> None:
        self.again |= self.invoked
        self.invoked.clear()


class Rounds(Struct):
    """All who are asked about one command. `number`: of the round that runs."""

    number: int = 0
    sorts: dict[str, Asked] = {}

    def of(self, sort: str) -> Asked:
        return self.sorts.setdefault(sort, Asked())

    @property
    def are_over(self) -> bool:
        """Whether nobody has changed anything, so that nobody is asked again."""
        return not any(asked.changed for asked in self.sorts.values())
