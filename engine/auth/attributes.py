"""What is asked for, and what the answer is: the words of authorization."""

from msgspec import Struct


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


class Verdict(Struct, frozen=True):
    allowed: bool
    reason: str = ""
