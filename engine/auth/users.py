"""Somebody, whoever found out that it is him.

Tests: tests/engine/auth/test_authentication.py
"""

import msgspec


class User(msgspec.Struct, frozen=True):
    """Somebody, as Kubernetes names users and groups."""

    name: str
    groups: tuple[str, ...] = ()
    uid: str = ""
    extra: dict[str, tuple[str, ...]] = {}
