"""Identities are tested over the wire."""

from tests.engine.api.conftest import admin, api

__all__ = ["admin", "api"]
