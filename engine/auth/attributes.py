"""What is asked for, and what the answer is: the words of authorization.

Tests: tests/engine/auth/test_authentication.py, tests/engine/auth/test_node_authority.py
"""

from msgspec import Struct

from shipslog.store.refusals import group_resource


class Attributes(Struct, frozen=True):
    """What is asked for. Either a path, or a resource."""

    verb: str
    path: str = ""  # for what is no resource
    group: str = ""
    version: str = ""
    resource: str = ""
    subresource: str = ""
    namespace: str = ""
    name: str = ""  # for list and watch: the one that a field selector leaves
    fields: tuple[tuple[str, str], ...] = ()  # what the field selector of a list or watch wants, path and value

    @property
    def group_resource(self) -> str:
        """`pods`, `leases.coordination.k8s.io`: the key of the kind in a view."""
        return group_resource(self.resource, self.group)


class Verdict(Struct, frozen=True):
    allowed: bool
    reason: str = ""
