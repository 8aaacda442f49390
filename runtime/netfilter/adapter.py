"""The protocol of the packet rules' adapters, and how they fail."""

from collections.abc import Mapping
from typing import Protocol

from shipslog.runtime.commands import Ruleset

Sets = Mapping[str, Mapping[str, str]]  # by set or map: key -> value ("" in a set)


class NetfilterFailed(Exception):
    """The kernel's rules could not be changed; they are as they were. The message is nft's own."""


class NetfilterAdapter(Protocol):
    """One node's packet rules. Calls do not overlap: the dispatcher sends one ruleset at a time."""

    async def apply(self, ruleset: Ruleset) -> None:
        """Make it true, atomically: connections that exist go on. Errors: NetfilterFailed; the rules are as before."""

    async def sets(self) -> Sets:
        """What is in place now, for people and checks; affinity entries, which packets make, are left out."""

    async def close(self, *, remove: bool) -> None:
        """Let go. The rules stay and work on, unless `remove`: then none is left."""
