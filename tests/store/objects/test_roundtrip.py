"""Samples with every field filled in: JSON in, protobuf out and back, equal byte for byte.

Both forms of a sample are the same object, so each is decoded and written as the other. Some samples of our own are in the
tree; those of every kind of Kubernetes are read where the folder with its facts stands beside the checkout.
"""

import importlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shipslog.store.objects import codec, protobuf, protobuf_encoding

HERE = Path(__file__).parent / "samples"
SHARED = Path(__file__).resolve().parents[4] / "shared" / "reference" / "roundtrip"
OWN = sorted(HERE.glob("*.json"))
ALL = sorted(SHARED.glob("*.json"))
OPEN = "core.v1.WatchEvent"  # its object is an envelope in protobuf, and JSON in JSON


def struct_of(name: str) -> type[Any] | None:
    """The type of `apps.v1.Deployment`; None where we have none."""
    group, version, kind = name.split(".", 1)[0], *name.rsplit(".", 2)[1:]
    for module in (f"{group}_{version}", "meta_v1") if group == "core" else (f"{group}_{version}",):
        try:
            found = getattr(importlib.import_module(f"shipslog.store.objects.{module}"), kind, None)
        except ModuleNotFoundError:
            continue
        if found is not None:
            return found
    return None


def check(path: Path, struct: type[Any]) -> None:
    sent, message = path.read_bytes(), path.with_suffix(".pb").read_bytes()
    compact = msgspec.json.encode(msgspec.json.decode(sent))  # in the order in which it stands
    obj, warnings = codec.decode(struct, sent, validation="Strict")
    assert not warnings
    api_version, kind, raw = protobuf.unwrap(message)
    assert (obj.api_version, obj.kind) == (api_version, kind)
    assert protobuf_encoding.whole(obj) == message, "JSON in, protobuf out"
    head = {"kind": kind, "api_version": api_version}
    back = msgspec.structs.replace(protobuf.decode(struct, raw), **head)
    assert back == obj, "and back"
    assert codec.encode(back) == compact, "JSON again"
    assert codec.restore(struct, compact) == obj


@pytest.mark.parametrize("path", OWN, ids=lambda p: p.stem)
def test_a_sample_of_ours_comes_back(path: Path) -> None:
    struct = struct_of(path.stem)
    assert struct is not None
    check(path, struct)


@pytest.mark.parametrize("path", [p for p in ALL if struct_of(p.stem) is not None and p.stem != OPEN], ids=lambda p: p.stem)
def test_a_sample_of_kubernetes_comes_back(path: Path) -> None:
    struct = struct_of(path.stem)
    assert struct is not None
    check(path, struct)


def test_every_kind_of_this_release_has_its_samples() -> None:
    if not ALL:
        pytest.skip("the folder with the samples of Kubernetes is not beside the checkout")
    found = {path.stem for path in ALL if struct_of(path.stem) is not None}
    assert len(found) >= 109 and {"core.v1.Pod", "apps.v1.Deployment", "resource.k8s.io.v1.ResourceSlice"} <= found
