"""What Endpoints and EndpointSlices share: protocols, and how tables show addresses.

Tests: tests/engine/kinds/test_tables.py, tests/engine/kinds/core/service/test_strategy.py
"""

PROTOCOLS = ("SCTP", "TCP", "UDP")


SHOWN = 3  # endpoints and ports that are listed; the others are counted


def host(address: str) -> str:
    """An address as it stands before a port."""
    return f"[{address}]" if ":" in address else address


def first(found: list[str], none: str) -> str:
    """The first few, and how many more there are; `none` for none."""
    if len(found) > SHOWN:
        return f"{','.join(found[:SHOWN])} + {len(found) - SHOWN} more..."
    return ",".join(found) or none
