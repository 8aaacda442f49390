"""Requests for certificates: who asks a signer for one, whether it is approved, and what was signed."""

import base64
import binascii
import re
from typing import Any

from cryptography import x509
from msgspec.structs import replace

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import AGE, NAME, Column, age, duration
from shipslog.engine.kinds.context import Admission
from shipslog.engine.kinds.faults import Faults, forbidden
from shipslog.engine.kinds.strategy import Strategy
from shipslog.engine.kinds.subresources import Part
from shipslog.engine.kinds.workloads import check_same
from shipslog.reconcilers.cluster.certificate_requests import CLIENT, LEGACY, MASTERS, asked, default_signer
from shipslog.store.objects.scheme import Kind
from shipslog.store.objects.types.certificates_v1 import (
    CertificateSigningRequest,
    CertificateSigningRequestCondition,
    CertificateSigningRequestStatus,
)
from shipslog.store.objects.values.times import api_time

PEM_BLOCK = re.compile(rb"-----BEGIN ([A-Z0-9 ]+)-----(.*?)-----END \1-----", re.DOTALL)
SHORTEST_S = 600
USAGES = (
    "any",
    "cert sign",
    "client auth",
    "code signing",
    "content commitment",
    "crl sign",
    "data encipherment",
    "decipher only",
    "digital signature",
    "email protection",
    "encipher only",
    "ipsec end system",
    "ipsec tunnel",
    "ipsec user",
    "key agreement",
    "key encipherment",
    "microsoft sgc",
    "netscape sgc",
    "ocsp signing",
    "s/mime",
    "server auth",
    "signing",
    "timestamping",
)
LASTING = ("Approved", "Denied", "Failed")
STATUSES = ("False", "True", "Unknown")
NOT_LEGACY = 'signerName must be a fully qualified domain and path of the form "example.com/signer-name"'


class CertificateSigningRequestRules(Strategy):
    about = "Somebody's request to a signer for a certificate."
    subresources = {"approval": Part()}
    columns = (
        NAME,
        AGE,
        Column("SignerName", "Who is asked to sign."),
        Column("Requestor", "Who asked."),
        Column("RequestedDuration", "For how long the certificate is to be good."),
        Column("Condition", "What has become of it."),
    )
    selectable = {"spec.signerName": lambda o: o.spec.signer_name}

    def cells(self, obj: CertificateSigningRequest, now_ns: int) -> list[Any]:
        spec, created = obj.spec, age(obj.metadata.creation_timestamp, now_ns)
        wanted = "<none>" if spec.expiration_seconds is None else duration(spec.expiration_seconds)
        return [obj.metadata.name, created, spec.signer_name or "<none>", spec.username, wanted, _state(obj.status)]

    def name(self, value: str) -> names.Messages:
        return names.path_segment(value)

    def create(self, kind: Kind, obj: CertificateSigningRequest, ctx: Admission) -> CertificateSigningRequest:
        """Who asks is who asks the API, not who is named. Errors: Forbidden for a certificate that may do everything; Invalid
        for the legacy signer, whom v1beta1 alone knows."""
        if ctx.version is None:
            self._check_legacy(kind, obj)
        elif not obj.spec.signer_name:
            obj = replace(obj, spec=replace(obj.spec, signer_name=default_signer(obj.spec.request, obj.spec.usages)))
        wanted = asked(obj.spec.request) if obj.spec.signer_name == CLIENT else None
        if wanted is not None and MASTERS in wanted.organizations:
            why = f"use of {CLIENT} signer with {MASTERS} group is not allowed"
            raise forbidden(kind, obj.metadata.name, why)
        spec = replace(obj.spec, username=ctx.actor, uid="", groups=tuple(ctx.groups), extra={})
        return replace(obj, spec=spec, status=CertificateSigningRequestStatus())

    def update(
        self, kind: Kind, old: CertificateSigningRequest, new: CertificateSigningRequest, subresource: str, ctx: Admission
    ) -> CertificateSigningRequest:
        """What is asked for stays. The status takes the certificate and what went wrong, the approval all else."""
        conditions = _timed(old.status.conditions, new.status.conditions, api_time(ctx.now_ns))
        if subresource == "status":
            kept = tuple(c for c in old.status.conditions if c.type in ("Approved", "Denied"))
            others = tuple(c for c in conditions if c.type not in ("Approved", "Denied"))
            return replace(old, metadata=new.metadata, status=replace(new.status, conditions=kept + others))
        if subresource == "approval":
            return replace(old, metadata=new.metadata, status=replace(old.status, conditions=conditions))
        return replace(new, spec=old.spec, status=old.status)

    def check(self, faults: Faults, obj: CertificateSigningRequest) -> None:
        spec = obj.spec
        if why := _unreadable(spec.request):
            faults.invalid("spec.request", spec.request, why)
        if not spec.usages:
            faults.required("spec.usages")
        for i, usage in enumerate(spec.usages):
            if usage not in USAGES:
                faults.not_supported(f"spec.usages[{i}]", usage, USAGES)
            elif usage in spec.usages[:i]:
                faults.duplicate(f"spec.usages[{i}]", usage)
        check_signer(faults, spec.signer_name, "spec.signerName")
        if spec.expiration_seconds is not None and spec.expiration_seconds < SHORTEST_S:
            faults.invalid(
                "spec.expirationSeconds",
                spec.expiration_seconds,
                "may not specify a duration less than 600 seconds (10 minutes)",
            )

    def _check_legacy(self, kind: Kind, obj: CertificateSigningRequest) -> None:
        if obj.spec.signer_name == LEGACY:
            faults = Faults()
            self.check(faults, obj)
            faults.invalid("spec.signerName", LEGACY, "the legacy signerName is not allowed via this API version")
            faults.refuse(kind, obj.metadata.name)

    def check_update(
        self, faults: Faults, old: CertificateSigningRequest, new: CertificateSigningRequest, subresource: str
    ) -> None:
        _check_conditions(faults, new.status.conditions, "status.conditions")
        for kind in LASTING:
            had = [c for c in old.status.conditions if c.type == kind]
            has = [c for c in new.status.conditions if c.type == kind]
            if subresource == "approval" and kind != "Failed" and had and not has:
                faults.forbidden("status.conditions", f"updates may not remove a condition of type {kind!r}".replace("'", '"'))
        if old.status.certificate:
            check_same(faults, "status.certificate", old.status.certificate, new.status.certificate)
        elif why := _no_certificates(new.status.certificate):
            faults.invalid("status.certificate", new.status.certificate, why)


def check_signer(faults: Faults, name: str, path: str) -> None:
    """A domain, a slash and a path behind it."""
    if not name:
        faults.required(path)
        return
    domain, slash, rest = name.partition("/")
    if not slash or "/" in rest or not rest:
        faults.invalid(path, name, NOT_LEGACY)
        return
    if "." not in domain:
        faults.invalid(path, name, "should be a domain with at least two segments separated by dots")
    faults.invalid_each(path, name, (*names.subdomain(domain), *names.subdomain(rest)))


def _state(status: CertificateSigningRequestStatus) -> str:
    types = [c.type for c in status.conditions if c.type in ("Denied", "Approved", "Failed")]
    shown = next((t for t in ("Denied", "Approved") if t in types), "Pending")
    return ",".join([shown, *(t for t in ("Failed",) if t in types), *(("Issued",) if status.certificate else ())])


def _timed(
    old: tuple[CertificateSigningRequestCondition, ...], new: tuple[CertificateSigningRequestCondition, ...], now: str
) -> tuple[CertificateSigningRequestCondition, ...]:
    """Conditions with the times that they do not say: of the change, and of the last update."""
    before = {c.type: c for c in old}
    out = []
    for condition in new:
        held = before.get(condition.type)
        since = condition.last_transition_time
        if not since:
            since = held.last_transition_time if held is not None and held.status == condition.status else now
        out.append(replace(condition, last_update_time=condition.last_update_time or now, last_transition_time=since))
    return tuple(out)


def _unreadable(request: str) -> str:
    """What keeps bytes from being a request for a certificate; "" for one."""
    try:
        text = base64.b64decode(request, validate=True)
    except binascii.Error:
        text = b""
    if b"-----BEGIN CERTIFICATE REQUEST-----" not in text:
        return "PEM block type must be CERTIFICATE REQUEST"
    try:
        x509.load_pem_x509_csr(text)
    except ValueError as error:
        return str(error)
    return ""


def _no_certificates(signed: str) -> str:
    """What keeps bytes from being certificates as PEM has them, one after the other; "" for those, and for none at all."""
    if not signed:
        return ""
    try:
        text = base64.b64decode(signed, validate=True)
    except binascii.Error:
        text = b""
    blocks = PEM_BLOCK.findall(text)
    for label, inner in blocks:
        if label != b"CERTIFICATE":
            return f'only CERTIFICATE PEM blocks are allowed, found "{label.decode(errors="replace")[:64]}"'
        if b":" in inner:
            return "no PEM block headers are permitted"
    if not blocks:
        return "must contain at least one CERTIFICATE PEM block"
    try:
        x509.load_pem_x509_certificates(text)
    except ValueError as error:
        return str(error)
    return ""


def _check_conditions(faults: Faults, conditions: tuple[CertificateSigningRequestCondition, ...], path: str) -> None:
    seen: set[str] = set()
    for i, condition in enumerate(conditions):
        at = f"{path}[{i}]"
        if not condition.type:
            faults.required(f"{at}.type")
        elif condition.type in seen:
            faults.duplicate(f"{at}.type", condition.type)
        if condition.type in LASTING:
            if condition.status != "True":
                faults.not_supported(f"{at}.status", condition.status, ("True",))
        elif condition.status not in STATUSES:
            faults.not_supported(f"{at}.status", condition.status, STATUSES)
        other = {"Approved": "Denied", "Denied": "Approved"}.get(condition.type)
        if other in seen:
            faults.invalid(f"{at}.type", condition.type, "Approved and Denied conditions are mutually exclusive")
        seen.add(condition.type)


STRATEGY = CertificateSigningRequestRules()
