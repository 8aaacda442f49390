"""Requests of pods for certificates: what they must say, and that a signer answers once and rightly."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from shipslog.engine.kinds.catalogue import strategy_of
from tests.engine.kinds.conftest import NOW_NS

KEY = ec.generate_private_key(ec.SECP256R1())
NOW = datetime.fromtimestamp(NOW_NS // 10**9, UTC)
WHO = {
    "podName": "p",
    "podUID": "u",
    "serviceAccountName": "default",
    "serviceAccountUID": "v",
    "nodeName": "n",
    "nodeUID": "w",
}


def stub(key: Any) -> str:
    algorithm = None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256()
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, algorithm)
    return base64.b64encode(made.public_bytes(Encoding.DER)).decode()


def body(**parts: Any) -> dict[str, Any]:
    usual = {"signerName": "a.example/b", "stubPKCS10Request": stub(KEY), **WHO}
    return {"metadata": {"name": "r"}, "spec": {**usual, **parts}}


def issued(key: Any = KEY, hours: float = 24, **parts: Any) -> dict[str, Any]:
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "p")])
    begins, ends = NOW, NOW + timedelta(hours=hours)
    built = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    built = built.serial_number(1).not_valid_before(begins).not_valid_after(ends)
    condition = {"type": "Issued", "status": "True", "reason": "Done", "message": "", "lastTransitionTime": shown(NOW)}
    usual = {
        "conditions": [condition],
        "certificateChain": built.sign(KEY, hashes.SHA256()).public_bytes(Encoding.PEM).decode(),
        "notBefore": shown(begins),
        "notAfter": shown(ends),
        "beginRefreshAt": shown(ends - timedelta(hours=hours / 2)),
    }
    return {**usual, **parts}


def shown(moment: datetime) -> str:
    return moment.strftime("%Y-%m-%dT%H:%M:%SZ")


def test_a_request_is_completed_shown_and_answered_once(world: Any, refused: Any) -> None:
    made = world.create("podcertificaterequests", body())
    assert made.spec.max_expiration_seconds == 86400
    rules = strategy_of("podcertificaterequests.certificates.k8s.io")
    assert rules.cells(made, NOW_NS) == ["r", "p", "default", "n", "a.example/b", "Pending"]
    assert refused(world.change, made, spec={"podName": "q"}) == {"FieldValueInvalid spec"}
    assert refused(world.change, made, "status", status={"certificateChain": "x"}) == {"FieldValueInvalid status"}
    done = world.change(made, "status", status=issued())
    assert rules.cells(done, NOW_NS)[-1] == "Issued"
    assert refused(world.change, done, "status", status={"beginRefreshAt": None}) == {"FieldValueInvalid status"}


@pytest.mark.parametrize(
    ("parts", "cause"),
    [
        ({"signerName": ""}, "Required spec.signerName"),
        ({"podUID": ""}, "Invalid spec.podUID"),
        ({"nodeName": "A"}, "Invalid spec.nodeName"),
        ({"nodeUID": "u" * 129}, "TooLong spec.nodeUID"),
        ({"maxExpirationSeconds": 60}, "Invalid spec.maxExpirationSeconds"),
        ({"signerName": "kubernetes.io/x", "maxExpirationSeconds": 86401}, "Invalid spec.maxExpirationSeconds"),
        ({"stubPKCS10Request": "eA=="}, "Invalid spec.stubPKCS10Request"),
        ({"stubPKCS10Request": stub(rsa.generate_private_key(65537, 2048))}, "Invalid spec.stubPKCS10Request"),
        ({"stubPKCS10Request": "eHh4" * 4000}, "TooLong spec.stubPKCS10Request"),
    ],
)
def test_what_a_request_may_not_say(world: Any, refused: Any, parts: dict[str, Any], cause: str) -> None:
    assert refused(world.create, "podcertificaterequests", body(**parts)) == {f"FieldValue{cause}"}


@pytest.mark.parametrize(
    "key", [ed25519.Ed25519PrivateKey.generate(), ec.generate_private_key(ec.SECP521R1())], ids=["Ed25519", "P-521"]
)
def test_keys_that_are_taken(world: Any, key: Any) -> None:
    world.create("podcertificaterequests", body(stubPKCS10Request=stub(key)))


@pytest.mark.parametrize(
    ("status", "cause"),
    [
        (issued(certificateChain=""), "Invalid status.certificateChain"),
        (issued(ec.generate_private_key(ec.SECP256R1())), "Invalid status.certificateChain"),
        (issued(hours=0.5), "Invalid status.certificateChain"),
        (issued(hours=25), "Invalid status.certificateChain"),
        (issued(notBefore="2020-01-01T00:00:00Z"), "Invalid status.notBefore"),
        (issued(notAfter=None), "Required status.notAfter"),
        (issued(beginRefreshAt=shown(NOW)), "Invalid status.beginRefreshAt"),
        (issued(conditions=[{**issued()["conditions"][0], "status": "False"}]), "NotSupported status.conditions[0].status"),
        (issued(conditions=[{**issued()["conditions"][0], "type": "Done"}]), "NotSupported status.conditions[0].type"),
        (issued(conditions=[{**issued()["conditions"][0], "type": "Denied"}]), "Invalid status"),
    ],
)
def test_what_a_signer_may_not_answer(world: Any, refused: Any, status: dict[str, Any], cause: str) -> None:
    made = world.create("podcertificaterequests", body())
    assert refused(world.change, made, "status", status=status) == {f"FieldValue{cause}"}
