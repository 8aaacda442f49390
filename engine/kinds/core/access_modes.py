"""How a volume can be mounted: by how many nodes, and whether it can be written.

Tests: tests/engine/kinds/storage/test_storage.py
"""

from collections.abc import Sequence

from shipslog.engine.kinds.faults import Faults

SHORT = {"ReadWriteOnce": "RWO", "ReadOnlyMany": "ROX", "ReadWriteMany": "RWX", "ReadWriteOncePod": "RWOP"}
ALONE = "may not use ReadWriteOncePod with other access modes"


def shown_modes(modes: Sequence[str]) -> str:
    """RWO,ROX"""
    return ",".join(short for mode, short in SHORT.items() if mode in modes)


def check_access_modes(faults: Faults, modes: Sequence[str], path: str) -> None:
    if not modes:
        faults.required(path, "at least 1 access mode is required")
    for mode in modes:
        if mode not in SHORT:
            faults.not_supported(path, mode, sorted(SHORT))
    if "ReadWriteOncePod" in modes and len(set(modes)) > 1:
        faults.forbidden(path, ALONE)
