"""Requests of pods for certificates: made by the node for a pod that projects one, answered once by the signer."""

import base64
import binascii
from datetime import timedelta
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import NAME, Column
from shipslog.engine.kinds.conditions import check_conditions
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import IMMUTABLE, Faults
from shipslog.engine.kinds.metadata import check_annotations
from shipslog.engine.kinds.with_spec import WithSpec
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.certificates_v1 import PodCertificateRequest, PodCertificateRequestStatus
from shipslog.store.objects.values.times import moment_of, parse_time

from .certificate_signing_request import check_signer

ENDS = ("Issued", "Denied", "Failed")
USUAL_S, SHORTEST_S, LONGEST_S, LONGEST_OWN_S = 86_400, 3_600, 91 * 86_400, 86_400
LONGEST_UID, LONGEST_REQUEST, LONGEST_CHAIN = 128, 10 * 1024, 100 * 1024
BEGIN, CERTIFICATE = "-----BEGIN ", "-----BEGIN CERTIFICATE-----"
OMITTED = "<value omitted>"
SLACK = timedelta(minutes=10)
NEAR_NS = 5 * 60 * 10**9
NOT_CERTIFICATES = "issued certificate chain must consist entirely of CERTIFICATE PEM blocks"


class PodCertificateRequestRules(WithSpec):
    about = "A pod's request for a certificate, made by its node and answered once by the signer."
    unconditional_update = False
    counts = False
    columns = (
        NAME,
        Column("PodName", "The pod that it is for."),
        Column("ServiceAccountName", "The account of the pod."),
        Column("NodeName", "The node of the pod."),
        Column("SignerName", "Who is asked for it."),
        Column("State", "Pending, Issued, Denied or Failed."),
    )
    selectable = {
        "spec.signerName": lambda o: o.spec.signer_name,
        "spec.podName": lambda o: o.spec.pod_name,
        "spec.nodeName": lambda o: o.spec.node_name,
    }

    def cells(self, obj: PodCertificateRequest, now_ns: int) -> list[Any]:
        spec = obj.spec
        shown = [obj.metadata.name, spec.pod_name, spec.service_account_name, spec.node_name, spec.signer_name]
        return [*shown, _end(obj.status) or "Pending"]

    def default(self, obj: PodCertificateRequest) -> PodCertificateRequest:
        if obj.spec.max_expiration_seconds is not None:
            return obj
        return replace(obj, spec=replace(obj.spec, max_expiration_seconds=USUAL_S))

    def check(self, faults: Faults, obj: PodCertificateRequest) -> None:
        spec = obj.spec
        check_signer(faults, spec.signer_name, "spec.signerName")
        check_annotations(faults, spec.unverified_user_annotations, "spec.unverifiedUserAnnotations")
        for field, name, uid in (
            ("pod", spec.pod_name, spec.pod_uid),
            ("serviceAccount", spec.service_account_name, spec.service_account_uid),
            ("node", spec.node_name, spec.node_uid),
        ):
            faults.invalid_each(f"spec.{field}Name", name, names.subdomain(name))
            if not uid:
                faults.invalid(f"spec.{field}UID", uid, "must not be empty")
            if len(uid) > LONGEST_UID:
                faults.too_long(f"spec.{field}UID", LONGEST_UID)
        seconds = spec.max_expiration_seconds
        domain = spec.signer_name.partition("/")[0]
        longest = LONGEST_OWN_S if domain == "kubernetes.io" or domain.endswith(".kubernetes.io") else LONGEST_S
        if seconds is None:
            faults.required("spec.maxExpirationSeconds", "must be set")
        elif not SHORTEST_S <= seconds <= longest:
            faults.invalid("spec.maxExpirationSeconds", seconds, f"must be in the range [{SHORTEST_S}, {longest}]")
        _check_request(faults, spec.stub_pkcs10_request, "spec.stubPKCS10Request")

    def check_change(self, faults: Faults, old: PodCertificateRequest, new: PodCertificateRequest) -> None:
        if old.spec != new.spec:
            faults.invalid("spec", new.spec, IMMUTABLE)

    def check_status(self, faults: Faults, old: PodCertificateRequest, new: PodCertificateRequest) -> None:
        ended = 0
        for i, condition in enumerate(new.status.conditions):
            at = f"status.conditions[{i}]"
            if condition.type not in ENDS:
                faults.not_supported(f"{at}.type", condition.type, ENDS)
                continue
            ended += 1
            if ended > 1:
                words = 'There may be at most one condition with type "Issued", "Denied", or "Failed"'
                faults.invalid(f"{at}.type", condition.type, words)
            if condition.status != "True":
                faults.not_supported(f"{at}.status", condition.status, ("True",))
        check_conditions(faults, new.status.conditions, "status.conditions")
        if faults:
            return
        end, words = _end(new.status), ""
        if _end(old.status):
            words = "immutable after PodCertificateRequest is issued, denied, or failed" if new.status != old.status else ""
        elif end in ("Denied", "Failed"):
            if new.status != PodCertificateRequestStatus(conditions=new.status.conditions):
                words = "non-condition status fields must be empty when denying or failing the PodCertificateRequest"
        elif end == "Issued":
            _check_issued(faults, new)
        elif new.status != old.status:
            words = 'status is immutable unless transitioning to "Issued", "Denied", or "Failed"'
        if words:
            faults.invalid("status", new.status, words)

    def allocate(
        self, kind: Kind, old: PodCertificateRequest | None, obj: PodCertificateRequest, ctx: Admission
    ) -> PodCertificateRequest:
        """What was issued just now begins now. Errors: Invalid."""
        is_new = old is not None and _end(obj.status) == "Issued" and not _end(old.status)
        if is_new and abs(parse_time(obj.status.not_before) - ctx.now_ns) > NEAR_NS:
            faults = Faults()
            words = "must be set to within 5 minutes of kube-apiserver's current time"
            faults.invalid("status.notBefore", obj.status.not_before, words)
            faults.refuse(kind, obj.metadata.name)
        return obj


def _end(status: PodCertificateRequestStatus) -> str:
    """Issued, Denied or Failed; "" for what is pending."""
    return next((c.type for c in status.conditions if c.type in ENDS and c.status == "True"), "")


def _check_request(faults: Faults, text: str, path: str) -> None:
    """A request that says nothing but whose key it is, and is signed with it."""
    if len(text) > LONGEST_REQUEST * 4 // 3:
        faults.too_long(path, LONGEST_REQUEST)
        return
    try:
        request = x509.load_der_x509_csr(base64.b64decode(text, validate=True))
        key, signed = request.public_key(), request.is_signature_valid
    except (ValueError, TypeError, binascii.Error, InvalidSignature):
        faults.invalid(path, OMITTED, "must be a valid PKCS#10 certificate signing request")
        return
    if not signed:
        faults.invalid(path, OMITTED, "could not verify the signature of the request")
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size not in (3072, 4096):
            faults.invalid(path, f"{key.key_size}-bit modulus", "RSA keys must have modulus size 3072 or 4096")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, ec.SECP256R1 | ec.SECP384R1 | ec.SECP521R1):
            faults.invalid(path, f"curve {key.curve.name}", "elliptic public keys must use curve P256, P384 or P521")
    elif not isinstance(key, ed25519.Ed25519PublicKey):
        faults.invalid(path, OMITTED, "unknown public key type; supported types are Ed25519, ECDSA, and RSA")


def _public(key: Any) -> bytes:
    return bytes(key.public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo))


def _check_issued(faults: Faults, new: PodCertificateRequest) -> None:
    """A chain whose first certificate is for the key of the request, and times that are its own."""
    chain, path = new.status.certificate_chain, "status.certificateChain"
    if len(chain) > LONGEST_CHAIN:
        faults.too_long(path, LONGEST_CHAIN)
        return
    blocks = [BEGIN + block for block in chain.split(BEGIN)[1:]]
    if not blocks:
        faults.invalid(path, chain, "issued certificate chain must contain at least one certificate")
        return
    if not all(block.startswith(CERTIFICATE) for block in blocks):
        faults.invalid(path, chain, NOT_CERTIFICATES)
        return
    found = []
    for i, block in enumerate(blocks):
        try:
            found.append(x509.load_pem_x509_certificate(block.encode()))
        except ValueError:
            which = "leaf" if i == 0 else "intermediate"
            faults.invalid(path, chain, f"{which} certificate does not parse as valid X.509")
            return
    request = x509.load_der_x509_csr(base64.b64decode(new.spec.stub_pkcs10_request))
    if _public(found[0].public_key()) != _public(request.public_key()):
        faults.invalid(path, chain, "leaf certificate was not issued to the requested public key")
        return
    _check_times(faults, new, found[0])


def _check_times(faults: Faults, new: PodCertificateRequest, leaf: x509.Certificate) -> None:
    status = new.status
    for field, time in (("notBefore", status.not_before), ("notAfter", status.not_after)):
        if not time:
            faults.required(f"status.{field}", "must be present and consistent with the issued certificate")
    if not status.begin_refresh_at:
        words = "must be present and in the range [notbefore+10min, notafter-10min]"
        faults.required("status.beginRefreshAt", words)
    if faults:
        return
    begins, ends = leaf.not_valid_before_utc, leaf.not_valid_after_utc
    refreshed = moment_of(status.begin_refresh_at)
    lifetime, longest = ends - begins, new.spec.max_expiration_seconds or 0
    if moment_of(status.not_before) != begins:
        words = "must be set to the NotBefore time encoded in the leaf certificate"
        faults.invalid("status.notBefore", status.not_before, words)
    elif moment_of(status.not_after) != ends:
        words = "must be set to the NotAfter time encoded in the leaf certificate"
        faults.invalid("status.notAfter", status.not_after, words)
    elif lifetime < timedelta(hours=1):
        faults.invalid("status.certificateChain", str(lifetime), "leaf certificate lifetime must be >= 1 hour")
    elif lifetime > timedelta(seconds=longest):
        words = f"leaf certificate lifetime must be <= spec.maxExpirationSeconds ({longest})"
        faults.invalid("status.certificateChain", str(lifetime), words)
    elif refreshed < begins + SLACK:
        words = "must be at least 10 minutes after status.notBefore"
        faults.invalid("status.beginRefreshAt", status.begin_refresh_at, words)
    elif refreshed > ends - SLACK:
        words = "must be at least 10 minutes before status.notAfter"
        faults.invalid("status.beginRefreshAt", status.begin_refresh_at, words)


STRATEGY = PodCertificateRequestRules()
