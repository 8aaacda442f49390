"""The cluster's certificates: a CA made on first start, and what it signs for the server and for the administrator.

Everything is P-256 and lies in one directory, readable by its owner only. The CA and the key that signs service account
tokens are made once; the serving and the admin certificate are made anew when they run out or the addresses change.
"""

import datetime
import ipaddress
import os
import ssl
from collections.abc import Iterable
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_DAYS = 3650
LEAF_DAYS = 365
RENEW_DAYS = 30  # a certificate that ends sooner is replaced at start
SERVICE_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")


class Pki(msgspec.Struct, frozen=True):
    """Where the keys and certificates are, and the texts that a kubeconfig embeds."""

    directory: Path
    ca_certificate: str
    admin_certificate: str
    admin_key: str

    @property
    def account_key(self) -> Path:
        """The key that signs service account tokens."""
        return self.directory / "service-accounts.key"

    def server_context(self) -> ssl.SSLContext:
        """TLS for the server: asks for a client certificate of our CA and does without if there is none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.load_cert_chain(self.directory / "server.crt", self.directory / "server.key")
        context.load_verify_locations(self.directory / "ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["http/1.1"])
        return context


def ensure(directory: Path, addresses: Iterable[str] = (), *, service_ip: str = "10.96.0.1") -> Pki:
    """The certificates in `directory`, made where they are missing. `addresses`: of the server, besides loopback."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = sorted(
        {"localhost", *SERVICE_NAMES, "127.0.0.1", service_ip, *(a for a in addresses if a not in ("", "0.0.0.0", "::"))}
    )
    ca_key, ca = _authority(directory)
    serving = _leaf(directory, "server", ca_key, ca, common_name="shipslog", names=names)
    admin = _leaf(directory, "admin", ca_key, ca, common_name="system:admin", organization="system:masters")
    accounts = directory / "service-accounts.key"
    if not accounts.exists():
        _write(accounts, _private(ec.generate_private_key(ec.SECP256R1())))
    assert serving
    return Pki(directory, _public(ca).decode(), _public(admin).decode(), (directory / "admin.key").read_text())


def _authority(directory: Path) -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    key_file, certificate_file = directory / "ca.key", directory / "ca.crt"
    if key_file.exists() and certificate_file.exists():
        return _load_key(key_file), x509.load_pem_x509_certificate(certificate_file.read_bytes())
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "shipslog-ca")])
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    certificate = (
        _builder(name, name, key.public_key(), CA_DAYS)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    _write(key_file, _private(key))
    _write(certificate_file, _public(certificate))
    return key, certificate


def _leaf(
    directory: Path, stem: str, ca_key: ec.EllipticCurvePrivateKey, ca: x509.Certificate, *, common_name: str,
    organization: str = "", names: Iterable[str] = (),
) -> x509.Certificate:  # fmt: skip
    """A certificate signed by the CA: for the server when it has `names`, else for a client."""
    key_file, certificate_file, wanted = directory / f"{stem}.key", directory / f"{stem}.crt", set(names)
    if key_file.exists() and certificate_file.exists():
        present = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        if wanted <= _names_of(present) and present.issuer == ca.subject and _days_left(present) > RENEW_DAYS:
            return present
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if wanted else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        _builder(subject, ca.subject, key.public_key(), LEAF_DAYS)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    if wanted:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(n) for n in sorted(wanted)]), critical=False)
    certificate = builder.sign(ca_key, hashes.SHA256())
    _write(key_file, _private(key))
    _write(certificate_file, _public(certificate))
    return certificate


def _builder(subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))  # clocks of clients differ
        .not_valid_after(now + datetime.timedelta(days=days))
    )


def _general(name: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(name))
    except ValueError:
        return x509.DNSName(name)


def _names_of(certificate: x509.Certificate) -> set[str]:
    try:
        names = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    return {str(n.value) for n in names}


def _days_left(certificate: x509.Certificate) -> float:
    return (certificate.not_valid_after_utc - datetime.datetime.now(datetime.UTC)).total_seconds() / 86400


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), f"{path} holds no P-256 key"
    return key


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def _public(certificate: x509.Certificate) -> bytes:
    return certificate.public_bytes(serialization.Encoding.PEM)


def _write(path: Path, data: bytes) -> None:
    """Write a file that only its owner can read, all or nothing."""
    draft = path.with_name(path.name + ".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
