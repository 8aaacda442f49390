"""Samples with every field filled in: JSON in, protobuf out and back, equal byte for byte.

Both forms of a sample are the same object, so each is decoded and written as the other. Some samples of our own are in the
tree; those of every kind of Kubernetes are read where the folder with its facts stands beside the checkout.
"""

import importlib
from pathlib import Path
from typing import Any

import msgspec
import pytest

from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.scheme import type_at
from shipslog.store.objects.wire import codec, protobuf, protobuf_encoding

HERE = Path(__file__).parents[1] / "samples"
SHARED = Path(__file__).resolve().parents[5] / "shared" / "reference" / "roundtrip"
OWN = sorted(HERE.glob("*.json"))
ALL = sorted(SHARED.glob("*.json"))
# What no path of ours takes or gives.
NOT_OURS = (
    "core.v1.RangeAllocation",
    "core.v1.SerializedReference",
)
# What is no kind that is stored, in versions that have the type of another.
PLACES = {
    "admission.k8s.io.v1beta1.AdmissionReview": "admission_v1:AdmissionReview",
    "apidiscovery.k8s.io.v2beta1.APIGroupDiscovery": "apidiscovery_v2:APIGroupDiscovery",
    "apps.v1beta1.Scale": "apps_v1beta1:Scale",
    "apps.v1beta2.Scale": "apps_v1beta1:Scale",
    "authentication.k8s.io.v1beta1.SelfSubjectReview": "authentication_v1:SelfSubjectReview",
    "authentication.k8s.io.v1beta1.TokenReview": "authentication_v1:TokenReview",
    "authorization.k8s.io.v1beta1.SelfSubjectAccessReview": "authorization_v1:SelfSubjectAccessReview",
    "authorization.k8s.io.v1beta1.SelfSubjectRulesReview": "authorization_v1:SelfSubjectRulesReview",
    "certificates.k8s.io.v1beta1.CertificateSigningRequest": "certificates_v1:CertificateSigningRequest",
    "extensions.v1beta1.DeploymentRollback": "apps_v1beta1:DeploymentRollback",
    "extensions.v1beta1.Scale": "apps_v1beta1:Scale",
    "policy.v1beta1.Eviction": "policy_v1:Eviction",
}
OPEN = "core.v1.WatchEvent"  # its object is an envelope in protobuf, and JSON in JSON


def struct_of(name: str) -> type[Any] | None:
    """The type of `apps.v1.Deployment`; None where we have none. Some versions have that of another."""
    group_name, version_name, kind_name = name.rsplit(".", 2)
    served = BUILTIN.by_gvk(f"{group_name}/{version_name}", kind_name)
    if served is not None:
        return served.type
    if name in PLACES:
        return type_at(PLACES[name])
    group, version, kind = name.split(".", 1)[0], *name.rsplit(".", 2)[1:]
    for module in (f"{group}_{version}", "meta_v1") if group == "core" else (f"{group}_{version}",):
        try:
            found = getattr(importlib.import_module(f"shipslog.store.objects.types.{module}"), kind, None)
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
    assert {"core.v1.Pod", "apps.v1.Deployment", "resource.k8s.io.v1.ResourceSlice", "extensions.v1beta1.Ingress"} <= found
    assert {path.stem for path in ALL} - found == set(NOT_OURS)
