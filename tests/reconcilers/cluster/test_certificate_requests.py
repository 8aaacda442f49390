"""Which requests for certificates are approved by themselves, what signers take, and when requests go."""

import base64
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from shipslog.reconcilers.cluster import certificate_requests as requests
from shipslog.reconcilers.cluster.certificate_requests import CLIENT, KUBELET, SERVING, asked, refusal
from shipslog.store.commands import Delete, Update
from shipslog.store.objects.types.certificates_v1 import (
    CertificateSigningRequest,
    CertificateSigningRequestCondition,
    CertificateSigningRequestSpec,
    CertificateSigningRequestStatus,
)
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.objects.values.times import api_time
from tests.reconcilers.views import NOW, view_of

KEY = ec.generate_private_key(ec.SECP256R1())
AUTH = ("digital signature", "client auth")
SERVE = ("digital signature", "key encipherment", "server auth")


def pem(name: str, *groups: str, names: tuple[x509.GeneralName, ...] = ()) -> str:
    parts = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups]
    builder = x509.CertificateSigningRequestBuilder().subject_name(
        x509.Name([*parts, x509.NameAttribute(NameOID.COMMON_NAME, name)])
    )
    if names:
        builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
    return base64.b64encode(builder.sign(KEY, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)).decode()


def request(text: str, signer: str = KUBELET, usages: tuple[str, ...] = AUTH, **more: Any) -> CertificateSigningRequest:
    conditions = tuple(
        CertificateSigningRequestCondition(type=t, status="True", last_update_time=api_time(NOW - ago * 10**9))
        for t, ago in more.pop("said", {}).items()
    )
    created = api_time(NOW - more.pop("age_s", 0) * 10**9)
    status = CertificateSigningRequestStatus(conditions=conditions, certificate=more.pop("certificate", ""))
    spec = CertificateSigningRequestSpec(request=text, signer_name=signer, usages=usages, **more)
    return CertificateSigningRequest(metadata=ObjectMeta(name="r", creation_timestamp=created), spec=spec, status=status)


NODE = pem("system:node:n", "system:nodes")
HOST = (x509.DNSName("n"),)


@pytest.mark.parametrize(
    ("signer", "text", "usages", "why"),
    [
        (CLIENT, pem("jane", "devs"), AUTH, ""),
        (CLIENT, pem("jane"), ("digital signature",), "missing required usage for client certificate: client auth"),
        (CLIENT, pem("jane"), (*AUTH, "server auth"), "invalid usage for client certificate: server auth"),
        (CLIENT, "bm90aGluZw==", AUTH, "cannot be read"),
        (KUBELET, NODE, AUTH, ""),
        (KUBELET, pem("system:node:n", "system:nodes", "system:masters"), AUTH, "organization"),
        (KUBELET, pem("jane", "system:nodes"), AUTH, "common name"),
        (KUBELET, pem("system:node:", "system:nodes"), AUTH, "common name"),
        (KUBELET, pem("system:node:n", "system:nodes", names=HOST), AUTH, "DNS subjectAltNames are not allowed"),
        (SERVING, pem("system:node:n", "system:nodes", names=HOST), SERVE, ""),
        (KUBELET, NODE, ("client auth",), "usages did not match [client auth digital signature key encipherment]"),
        (SERVING, NODE, SERVE, "DNS or IP subjectAltName is required"),
        (
            SERVING,
            pem("system:node:n", "system:nodes", names=(*HOST, x509.RFC822Name("a@b.c"))),
            SERVE,
            "Email subjectAltNames are not allowed",
        ),
        (
            SERVING,
            pem("system:node:n", "system:nodes", names=HOST),
            AUTH,
            "usages did not match [digital signature key encipherment server auth]",
        ),
    ],
)
def test_what_a_signer_takes(signer: str, text: str, usages: tuple[str, ...], why: str) -> None:
    found = refusal(signer, asked(text), usages)
    assert (why in found) if why else not found, found


def test_a_request_that_somebody_has_changed_is_none() -> None:
    raw = base64.b64decode(NODE).replace(b"\n", b"").replace(b"-----", b"\n")
    assert asked(base64.b64encode(raw).decode()) is None


@pytest.mark.parametrize(
    ("asks", "approved"),
    [
        ({"username": "system:node:n", "groups": ("system:nodes",)}, "self kubelet client"),
        ({"username": "system:node:other", "groups": ("system:nodes",)}, ""),
        ({"username": "system:bootstrap:abc", "groups": ("system:bootstrappers",)}, "approving kubelet client"),
        ({"username": "jane", "groups": ("system:authenticated",)}, ""),
    ],
)
def test_whose_are_approved(asks: dict[str, Any], approved: str) -> None:
    decision = requests.approve(view_of(request(NODE, **asks)), "r", now=NOW)
    assert bool(decision.commands) == bool(approved)
    if approved:
        (update,) = decision.commands
        assert isinstance(update, Update) and update.subresource == "approval"
        (told,) = update.object.status.conditions
        assert (told.type, told.reason) == ("Approved", "AutoApproved") and approved in told.message


@pytest.mark.parametrize("more", [{"signer": CLIENT}, {"said": {"Denied": 1}}, {"text": pem("jane", "system:nodes")}])
def test_others_are_left_to_people(more: dict[str, Any]) -> None:
    made = request(more.pop("text", NODE), username="system:node:n", groups=("system:nodes",), **more)
    assert not requests.approve(view_of(made), "r", now=NOW).commands


@pytest.mark.parametrize(
    ("made", "left_s"),
    [
        (request(NODE, age_s=86_000), 400),
        (request(NODE, age_s=86_400), 0),
        (request(NODE, age_s=9_000, said={"Approved": 3000}), 600),
        (request(NODE, age_s=9_000, said={"Denied": 3600}), 0),
        (request(NODE, age_s=9_000, said={"Approved": 3000, "Failed": 3700}), 0),
    ],
)
def test_when_they_go(made: CertificateSigningRequest, left_s: float) -> None:
    decision = requests.clean(view_of(made), "r", now=NOW)
    assert decision.requeue_after == (left_s or None)
    assert [type(command) for command in decision.commands] == ([] if left_s else [Delete])
