"""Requests for certificates: those of kubelets are approved, and all of them go when nobody waits for them any more.

Signing is an effect: the engine's (engine/host/certificate_signer.py). What a signer takes is said here for both.
Source: Kubernetes' certificate controllers (approver, cleaner) and the signers' descriptions in its API.
"""

import base64
import binascii
from functools import lru_cache

from msgspec import Struct
from msgspec.structs import replace

from shipslog.reconcilers.rule.decision import Decision, Instant, Reconciler
from shipslog.reconcilers.rule.wakes import rule
from shipslog.store.commands import Delete, Update
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.types.certificates_v1 import CertificateSigningRequest, CertificateSigningRequestCondition
from shipslog.store.objects.values.times import SECOND_NS, parse_time
from shipslog.store.view import View

CLIENT, KUBELET = "kubernetes.io/kube-apiserver-client", "kubernetes.io/kube-apiserver-client-kubelet"
SERVING = "kubernetes.io/kubelet-serving"
LEGACY = "kubernetes.io/legacy-unknown"  # that of requests in v1beta1 which name none and are no kubelet's; nobody signs those
SIGNERS = (CLIENT, KUBELET, SERVING)
NODES, NODE = "system:nodes", "system:node:"
BOOTSTRAPPERS, MASTERS = "system:bootstrappers", "system:masters"
SIGNATURE, ENCIPHERMENT = "digital signature", "key encipherment"
CLIENT_AUTH, SERVER_AUTH = "client auth", "server auth"
HOUR_S = 3600
KEPT_S = {"Approved": HOUR_S, "Denied": HOUR_S, "Failed": HOUR_S, "": 24 * HOUR_S}
SELF_WORDS = "Auto approving self kubelet client certificate after SubjectAccessReview."
OTHER_WORDS = "Auto approving kubelet client certificate after SubjectAccessReview."


class Asked(Struct, frozen=True):
    """What a request wants to be certified."""

    name: str = ""
    organizations: tuple[str, ...] = ()
    kinds: frozenset[str] = frozenset()  # of its alternative names: DNS, Email, IP, URI, Other


@lru_cache(256)
def asked(request: str) -> Asked | None:
    """The request that base64 text holds; None where it is none, or its signature is not its key's."""
    from cryptography import x509
    from cryptography.x509.oid import NameOID

    try:
        found = x509.load_pem_x509_csr(base64.b64decode(request))
        if not found.is_signature_valid:
            return None
        try:
            names = found.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        except x509.ExtensionNotFound:
            names = x509.SubjectAlternativeName([])
        words: dict[type, str] = {
            x509.DNSName: "DNS",
            x509.RFC822Name: "Email",
            x509.IPAddress: "IP",
            x509.UniformResourceIdentifier: "URI",
        }
        kinds = frozenset(words.get(type(name), "Other") for name in names)
        named = [str(a.value) for a in found.subject.get_attributes_for_oid(NameOID.COMMON_NAME)]
        within = tuple(str(a.value) for a in found.subject.get_attributes_for_oid(NameOID.ORGANIZATION_NAME))
    except (ValueError, binascii.Error, x509.InvalidVersion, x509.DuplicateExtension):
        return None
    return Asked(named[0] if named else "", within, kinds)


def refusal(signer: str, wanted: Asked | None, usages: tuple[str, ...]) -> str:
    """Why a signer does not sign a request, in Kubernetes' words; "" when it does."""
    if wanted is None:
        return "the request cannot be read, or its signature is not that of its key"
    if signer == CLIENT:
        return _wrong_client_usages(usages)
    if wanted.organizations != (NODES,):
        return f"subject organization is not {NODES}"
    if signer == SERVING and not wanted.kinds & {"DNS", "IP"}:
        return "DNS or IP subjectAltName is required"
    for kind in ("Email", "URI", "Other") if signer == SERVING else ("DNS", "Email", "IP", "URI", "Other"):
        if kind in wanted.kinds:
            return f"{kind} subjectAltNames are not allowed"
    named = wanted.name.startswith(NODE) and wanted.name != NODE
    allowed = {SIGNATURE, ENCIPHERMENT, SERVER_AUTH if signer == SERVING else CLIENT_AUTH}
    if set(usages) not in (allowed, allowed - {ENCIPHERMENT}) and (named or signer == SERVING):
        return f"usages did not match [{' '.join(sorted(allowed))}]"
    return "" if named else f"subject common name does not begin with {NODE}"


def _wrong_client_usages(usages: tuple[str, ...]) -> str:
    for usage in usages:
        if usage not in (SIGNATURE, ENCIPHERMENT, CLIENT_AUTH):
            return f"invalid usage for client certificate: {usage}"
    return "" if CLIENT_AUTH in usages else f"missing required usage for client certificate: {CLIENT_AUTH}"


def default_signer(request: str, usages: tuple[str, ...]) -> str:
    """Who is to sign a request of v1beta1 that does not say."""
    return next((signer for signer in (SERVING, KUBELET) if not refusal(signer, asked(request), usages)), LEGACY)


# --- approving ---


def approve(view: View, key: str, *, now: Instant) -> Decision:
    """Approve a kubelet's request for its own client certificate, and that of one who may bring nodes in."""
    request = view.get(CertificateSigningRequest, key)
    if request is None:
        return Decision(reason="there is no such request")
    spec, status = request.spec, request.status
    if status.certificate or _answered(request, "Approved") or _answered(request, "Denied"):
        return Decision(reason="it is decided")
    if spec.signer_name != KUBELET:
        return Decision(reason="people approve it")
    wanted = asked(spec.request)
    if why := refusal(KUBELET, wanted, spec.usages):
        return Decision(reason=f"not recognized: {why}")
    assert wanted is not None
    itself = NODES in spec.groups and spec.username == wanted.name
    if not itself and not {BOOTSTRAPPERS, MASTERS} & set(spec.groups):
        return Decision(reason="whoever asked may not have it approved by itself")
    condition = CertificateSigningRequestCondition(
        type="Approved", status="True", reason="AutoApproved", message=SELF_WORDS if itself else OTHER_WORDS
    )
    approved = replace(request, status=replace(status, conditions=(*status.conditions, condition)))
    return Decision(reason=condition.message, commands=(Update(object=approved, subresource="approval"),))


def _answered(request: CertificateSigningRequest, type_: str) -> bool:
    return find_condition(request.status.conditions, type_) is not None


# --- cleaning ---


def clean(view: View, key: str, *, now: Instant) -> Decision:
    """Delete what is an hour past its answer, what nobody answered in a day, and what has run out."""
    request = view.get(CertificateSigningRequest, key)
    if request is None:
        return Decision(reason="there is no such request")
    conditions = request.status.conditions
    due_s = [_at_s(c.last_update_time) + KEPT_S[c.type] for c in conditions if c.type in KEPT_S]
    if not due_s:
        due_s = [_at_s(request.metadata.creation_timestamp) + KEPT_S[""]]
    if request.status.certificate:
        due_s.append(_ends_s(request.status.certificate))
    left_s = min(due_s) - now / SECOND_NS
    if left_s > 0:
        return Decision(reason="somebody may still want it", requeue_after=left_s)
    gone = Delete(resource="certificatesigningrequests.certificates.k8s.io", name=key, uid=request.metadata.uid)
    return Decision(reason="nobody waits for it any more", commands=(gone,))


def _at_s(stamp: str | None) -> float:
    return parse_time(stamp) / SECOND_NS if stamp else 0.0


@lru_cache(256)
def _ends_s(certificate: str) -> float:
    """When a certificate runs out; for what is none, never."""
    from cryptography import x509

    try:
        return x509.load_pem_x509_certificate(base64.b64decode(certificate)).not_valid_after_utc.timestamp()
    except (ValueError, binascii.Error):
        return float("inf")


WAKES = rule(CertificateSigningRequest)
APPROVER = Reconciler(
    name="certificate-approver", actor="system:controller:certificate-controller", wakes=WAKES, decide=approve, version=2
)
CLEANER = Reconciler(name="certificate-cleaner", actor="system:controller:certificate-controller", wakes=WAKES, decide=clean)
