"""An operator in kopf that `test_kopf.py` runs in a process of its own: it says in their status what became of ships."""

from typing import Any

import kopf

SHIPS = ("fleet.example.com", "v1", "ships")


@kopf.on.create(*SHIPS)
async def created(spec: Any, patch: Any, **_: Any) -> dict[str, Any]:
    patch.status["phase"] = f"launched with {spec['replicas']}"
    return {"name": spec["name"]}


@kopf.on.update(*SHIPS, field="spec.replicas")
async def resized(old: Any, new: Any, patch: Any, **_: Any) -> None:
    patch.status["phase"] = f"from {old} to {new}"


@kopf.timer(*SHIPS, interval=0.2)
async def ticked(status: Any, patch: Any, **_: Any) -> None:
    patch.status["ticks"] = status.get("ticks", 0) + 1


@kopf.on.delete(*SHIPS)
async def deleted(name: str, **_: Any) -> None:
    print(f"sunk {name}", flush=True)
