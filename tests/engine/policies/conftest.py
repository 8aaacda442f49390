from tests.engine.api.conftest import admin, api, rules

__all__ = ["admin", "api", "rules"]
