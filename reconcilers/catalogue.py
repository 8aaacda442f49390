"""Where users import the rules from. They are put together in `reconcilers/every_rule.py`.

Tests: tests/test_users_imports.py
"""

from .every_rule import ALL as ALL
