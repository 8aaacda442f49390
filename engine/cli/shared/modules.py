"""What a command is given by name from modules of the user's own: `my_rules:ALL`.

Tests: tests/engine/cli/test_reading.py
"""

import importlib
import os
import sys
from typing import Any

from .options import fail


def load(name: str, default: str, wanted: str) -> Any:
    """The attribute that `MODULE:ATTRIBUTE` names (`default`, if it names none); modules are looked for from where one is, too.
    Exits with a line that says what is not there, and what is `wanted`."""
    module, _, attribute = name.partition(":")
    if os.getcwd() not in sys.path:
        sys.path.insert(0, os.getcwd())
    try:
        return getattr(importlib.import_module(module), attribute or default)
    except (ImportError, AttributeError, ValueError) as error:
        raise fail(f"cannot load {name!r}: {error}. Name a module and {wanted} in it: my_rules:{default}", 2) from error
