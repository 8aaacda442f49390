"""Signing requests of certificates.k8s.io/v1beta1: usages and a condition's status may be left out. Source: Kubernetes 1.21.

Who is to sign may be left out there as well; who that is then depends on what is asked for: the kind's room says it.

Tests: tests/store/objects/conversions/test_older.py
"""

from msgspec.structs import replace

from shipslog.store.objects.types.certificates_v1 import CertificateSigningRequest

FIELDS: dict[str, str] = {}
USAGES = ("digital signature", "key encipherment")


def to_hub(request: CertificateSigningRequest) -> CertificateSigningRequest:
    """As it is stored."""
    conditions = tuple(replace(c, status=c.status or "True") for c in request.status.conditions)
    return replace(
        request,
        spec=replace(request.spec, usages=request.spec.usages or USAGES),
        status=replace(request.status, conditions=conditions),
    )


def from_hub(request: CertificateSigningRequest) -> CertificateSigningRequest:
    return request
