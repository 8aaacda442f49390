"""Requests of pods for certificates in v1beta1: two more fields could say whose key it is; now a stub of a request does.

Source: the API reference of both versions. A request that has only the two fields is refused, as it has no stub.

Tests: tests/store/objects/conversions/test_older.py
"""

from shipslog.store.objects.types import certificates_v1 as v1
from shipslog.store.objects.types import certificates_v1beta1 as old

from .copies import copied

FIELDS = {f"spec.{name}": f"spec.{name}" for name in ("signerName", "podName", "nodeName")}


def to_hub(request: old.PodCertificateRequest) -> v1.PodCertificateRequest:
    """As it is stored."""
    spec = copied(request.spec, v1.PodCertificateRequestSpec)
    status = copied(request.status, v1.PodCertificateRequestStatus)
    made: v1.PodCertificateRequest = copied(request, v1.PodCertificateRequest, spec=spec, status=status)
    return made


def from_hub(request: v1.PodCertificateRequest) -> old.PodCertificateRequest:
    """As v1beta1 shows it."""
    spec = copied(request.spec, old.PodCertificateRequestSpec)
    status = copied(request.status, old.PodCertificateRequestStatus)
    made: old.PodCertificateRequest = copied(request, old.PodCertificateRequest, spec=spec, status=status)
    return made
