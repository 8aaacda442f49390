"""What a daemon runs with: its options, where they come from, what of them a data directory keeps, and what cannot be.

Nothing here starts or makes anything.
"""

from .asked import Asked, BadSettings, gather
from .resolved import FIXED, KEPT_IN, Kept, Settings, claim_of, keep, kept_in, resolve

__all__ = ["FIXED", "KEPT_IN", "Asked", "BadSettings", "Kept", "Settings", "claim_of", "gather", "keep", "kept_in", "resolve"]
