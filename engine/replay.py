"""Where users import these from. They are written in `engine/past/replay.py`.

Tests: tests/test_users_imports.py
"""

from .past.replay import Recording as Recording
from .past.replay import verify as verify
