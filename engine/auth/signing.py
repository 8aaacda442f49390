"""Signs requests for certificates with the cluster's CA.

A certificate has of a request its subject, its key and its alternative names, of its object the usages, and no more. Source:
the signer of Kubernetes' controller manager.

Tests: tests/engine/host/test_certificate_signer.py
"""

import base64
import datetime

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID

from shipslog.store.objects.types.certificates_v1 import CertificateSigningRequest

from . import certificates

LONGEST = datetime.timedelta(days=365)
BACKDATED = datetime.timedelta(minutes=5)
PURPOSES = {"client auth": ExtendedKeyUsageOID.CLIENT_AUTH, "server auth": ExtendedKeyUsageOID.SERVER_AUTH}


def signed(pki: certificates.Pki, request: CertificateSigningRequest, now_ns: int) -> str:
    """The certificate in base64. Errors: ValueError for a key that is not signed; AuthorityBroken, OSError."""
    key, ca = certificates.authority(pki.directory)
    asked = x509.load_pem_x509_csr(base64.b64decode(request.spec.request))
    public = asked.public_key()
    if not isinstance(public, rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey):
        raise ValueError(f"keys of type {type(public).__name__} are not signed")
    now = datetime.datetime.fromtimestamp(now_ns // 1_000_000_000, datetime.UTC)
    seconds = request.spec.expiration_seconds
    lasts = LONGEST if seconds is None else min(LONGEST, datetime.timedelta(seconds=max(seconds, 600)))
    usages = set(request.spec.usages)
    builder = (
        x509.CertificateBuilder()
        .subject_name(asked.subject)
        .issuer_name(ca.subject)
        .public_key(public)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BACKDATED)
        .not_valid_after(min(now + lasts, ca.not_valid_after_utc))
        .add_extension(_key_usage(usages), critical=True)
        .add_extension(x509.ExtendedKeyUsage([oid for name, oid in PURPOSES.items() if name in usages]), critical=False)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()), critical=False)
    )
    try:
        names = asked.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        builder = builder.add_extension(names, critical=False)
    except x509.ExtensionNotFound:
        pass
    return base64.b64encode(certificates.public(builder.sign(key, hashes.SHA256()))).decode()


def _key_usage(usages: set[str]) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature="digital signature" in usages, content_commitment=False,
        key_encipherment="key encipherment" in usages, data_encipherment=False, key_agreement=False, key_cert_sign=False,
        crl_sign=False, encipher_only=False, decipher_only=False,
    )  # fmt: skip
