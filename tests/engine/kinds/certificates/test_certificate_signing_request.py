"""Requests for certificates: who asked, what stays, and who may say what of them."""

import base64
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shipslog.engine.kinds.catalogue import strategy_of
from tests.engine.kinds.conftest import NOW_NS
from tests.runtime.certificates import self_signed

PLURAL = "certificatesigningrequests"
KEY = ec.generate_private_key(ec.SECP256R1())


def request(name: str, organization: str = "") -> str:
    """A request for somebody's certificate, as a body holds it."""
    parts = [x509.NameAttribute(NameOID.COMMON_NAME, name)]
    if organization:
        parts.append(x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name(parts)).sign(KEY, hashes.SHA256())
    return base64.b64encode(made.public_bytes(serialization.Encoding.PEM)).decode()


REQUEST = request("bosun")


def body(**spec: Any) -> dict[str, Any]:
    usual = {"request": REQUEST, "signerName": "fleet.example/bridge", "usages": ["client auth"]}
    return {"metadata": {"name": "x"}, "spec": {**usual, **spec}}


def test_who_asks_is_who_asks_the_api(world: Any) -> None:
    made = world.create(PLURAL, body(username="admiral", groups=["all"]))
    assert (made.spec.username, made.spec.groups) == ("alice", ())
    changed = world.change(made, spec={"signerName": "fleet.example/other"}, metadata={"labels": {"a": "b"}})
    assert changed.spec == made.spec and changed.metadata.labels == {"a": "b"}


@pytest.mark.parametrize(
    ("spec", "cause"),
    [
        ({"request": "eA=="}, "Invalid spec.request"),
        ({"signerName": "bridge"}, "Invalid spec.signerName"),
        ({"signerName": "kubernetes.io/legacy-unknown"}, "Invalid spec.signerName"),
        ({"usages": ["tea"]}, "NotSupported spec.usages[0]"),
        ({"usages": []}, "Required spec.usages"),
        ({"expirationSeconds": 599}, "Invalid spec.expirationSeconds"),
    ],
)
def test_what_may_not_be_asked_for(world: Any, refused: Any, spec: dict[str, Any], cause: str) -> None:
    assert refused(world.create, PLURAL, body(**spec)) == {f"FieldValue{cause}"}


def test_approval_and_status_have_doors_of_their_own(world: Any, refused: Any, tmp_path: Path) -> None:
    signed = base64.b64encode(self_signed(tmp_path)[0].read_bytes()).decode()
    made = world.create(PLURAL, body())
    yes = {"type": "Approved", "status": "True", "reason": "Known"}
    assert world.change(made, "status", status={"conditions": [yes]}).status.conditions == ()
    approved = world.change(made, "approval", status={"conditions": [yes], "certificate": "eA=="})
    (condition,) = approved.status.conditions
    assert condition.last_update_time and condition.last_transition_time and not approved.status.certificate
    assert refused(world.change, approved, "approval", status={"conditions": []}) == {"FieldValueForbidden status.conditions"}
    both = {"conditions": [yes, {"type": "Denied", "status": "True"}]}
    assert refused(world.change, approved, "approval", status=both) == {"FieldValueInvalid status.conditions[1].type"}
    issued = world.change(approved, "status", status={"certificate": signed})
    assert issued.status.conditions == approved.status.conditions
    assert strategy_of("certificatesigningrequests.certificates.k8s.io").cells(issued, NOW_NS)[-1] == "Approved,Issued"
    assert refused(world.change, issued, "status", status={"certificate": "eQ=="}) == {"FieldValueInvalid status.certificate"}


@pytest.mark.parametrize(
    "text",
    [
        b"x",
        b"-----BEGIN KEY-----\neA==\n-----END KEY-----\n",
        b"-----BEGIN CERTIFICATE-----\neA==\n-----END CERTIFICATE-----\n",
    ],
)
def test_what_is_signed_is_a_certificate(world: Any, refused: Any, text: bytes) -> None:
    made = world.create(PLURAL, body())
    signed = {"certificate": base64.b64encode(text).decode()}
    assert refused(world.change, made, "status", status=signed) == {"FieldValueInvalid status.certificate"}
