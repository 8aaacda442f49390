"""The cluster's certificates: a CA made on first start, and what it signs for the server and for the administrator.

Everything is P-256 and lies in one directory, readable by its owner only. The CA and the key that signs service account
tokens are made once; the serving and the admin certificate are made anew when they are due, when the addresses change, or when
they are not what the CA signed.
"""

import datetime
import ipaddress
import os
import ssl
import time
from collections.abc import Callable, Iterable
from pathlib import Path

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

CA_DAYS = 3650
LEAF_DAYS = 365
RENEW_DAYS = 30  # before its end a certificate is replaced, and after DUE of its life
DUE = 2 / 3
FRONT_PROXY = "front-proxy-client"
SERVICE_NAMES = ("kubernetes", "kubernetes.default", "kubernetes.default.svc", "kubernetes.default.svc.cluster.local")


class AuthorityBroken(OSError):
    """The files of the CA cannot be used; the message names them. Nothing was written."""


class FrontProxy(msgspec.Struct, frozen=True):
    """What this server shows to those behind it: files of a certificate and its key, and who signed that."""

    certificate: Path
    key: Path
    authority: str


class Pki(msgspec.Struct, frozen=True):
    """Where the keys and certificates are, and the texts that a kubeconfig embeds. `said`: for people, when the CA is a new one
    where another was."""

    directory: Path
    ca_certificate: str
    admin_certificate: str
    admin_key: str
    server_certificate: str
    names: tuple[str, ...]  # of the server
    notice: str = ""

    @property
    def account_key(self) -> Path:
        """The key that signs service account tokens."""
        return self.directory / "service-accounts.key"

    def server_context(self) -> ssl.SSLContext:
        """TLS for the server: asks for a client certificate of our CA and does without if there is none."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.refresh(context)
        context.load_verify_locations(self.directory / "ca.crt")
        context.verify_mode = ssl.CERT_OPTIONAL
        context.set_alpn_protocols(["http/1.1"])
        return context

    def refresh(self, context: ssl.SSLContext) -> None:
        """Show the certificate that lies here to who connects from now on."""
        context.load_cert_chain(self.directory / "server.crt", self.directory / "server.key")


def ensure(
    directory: Path,
    addresses: Iterable[str] = (),
    *,
    service_ips: Iterable[str] = ("10.96.0.1",),
    now_ns: Callable[[], int] = time.time_ns,
) -> Pki:
    """The certificates in `directory`, made where they are missing. `addresses`: of the server, besides loopback.

    Errors: AuthorityBroken, OSError."""
    directory.mkdir(parents=True, exist_ok=True, mode=0o700)
    names = {"localhost", *SERVICE_NAMES, "127.0.0.1", *service_ips, *(a for a in addresses if a not in ("", "0.0.0.0", "::"))}
    now = _time(now_ns())
    notice = ""
    if not any((directory / name).exists() for name in authority_files("ca")):
        if (directory / "server.crt").exists():
            notice = (
                f"{directory / 'ca.key'} and ca.crt were gone: a new authority was made, with new certificates and a new "
                "kubeconfig. Copies of the old kubeconfig, and pods that run, cannot connect any more."
            )
        _make_authority(directory, now)
    accounts = directory / "service-accounts.key"
    if not accounts.exists():
        _write(accounts, _private(ec.generate_private_key(ec.SECP256R1())))
    return _signed(directory, *authority(directory), tuple(sorted(names)), now, notice)


def renewed(pki: Pki, now_ns: Callable[[], int] = time.time_ns) -> Pki:
    """The same, with new certificates where they are due. Errors: AuthorityBroken, also when the CA is another; OSError."""
    key, ca = authority(pki.directory)
    if public(ca).decode() != pki.ca_certificate:
        raise AuthorityBroken(f"{pki.directory / 'ca.crt'} was replaced; it counts from the next start on")
    return _signed(pki.directory, key, ca, pki.names, _time(now_ns()), "")


def _signed(
    directory: Path,
    key: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate,
    names: tuple[str, ...],
    now: datetime.datetime,
    notice: str,
) -> Pki:
    serving = _leaf(directory, "server", key, ca, now, common_name="shipslog", names=names)
    admin = _leaf(directory, "admin", key, ca, now, common_name="system:admin", organization="system:masters")
    return Pki(
        directory, public(ca).decode(), public(admin).decode(), (directory / "admin.key").read_text(),
        public(serving).decode(), names, notice,
    )  # fmt: skip


def front_proxy(directory: Path, *, now_ns: Callable[[], int] = time.time_ns) -> FrontProxy:
    """By whom this server says to others behind it who asks: an authority that signs nothing else, since they believe whom it
    names. Made where it is missing. Errors: AuthorityBroken, OSError."""
    now, stem = _time(now_ns()), "front-proxy-ca"
    if not any((directory / name).exists() for name in authority_files(stem)):
        _make_authority(directory, now, stem)
    key, ca = authority(directory, stem)
    _leaf(directory, FRONT_PROXY, key, ca, now, common_name=FRONT_PROXY)
    return FrontProxy(directory / f"{FRONT_PROXY}.crt", directory / f"{FRONT_PROXY}.key", public(ca).decode())


def authority_files(stem: str) -> tuple[str, str]:
    return f"{stem}.key", f"{stem}.crt"


def authority(directory: Path, stem: str = "ca") -> tuple[ec.EllipticCurvePrivateKey, x509.Certificate]:
    """The CA's key and certificate. Errors: AuthorityBroken."""
    key_file, certificate_file = (directory / name for name in authority_files(stem))
    mend = "Put back the one that belongs to it, or remove both: then a new authority is made, with new certificates."
    for path, other in ((key_file, certificate_file), (certificate_file, key_file)):
        if not path.exists():
            raise AuthorityBroken(f"{path} is missing beside {other.name}. {mend}")
    try:
        key, certificate = _load_key(key_file), x509.load_pem_x509_certificate(certificate_file.read_bytes())
    except ValueError as error:
        raise AuthorityBroken(f"{key_file} or {certificate_file.name} beside it cannot be read: {error}. {mend}") from error
    if certificate.public_key() != key.public_key():
        raise AuthorityBroken(f"{key_file} and {certificate_file.name} beside it do not belong together. {mend}")
    return key, certificate


def _make_authority(directory: Path, now: datetime.datetime, stem: str = "ca") -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, f"shipslog-{stem}")])
    usage = x509.KeyUsage(True, False, False, False, False, True, True, False, False)
    certificate = (
        _builder(name, name, key.public_key(), CA_DAYS, now)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .add_extension(usage, critical=True)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )
    key_file, certificate_file = authority_files(stem)
    _write(directory / key_file, _private(key))
    _write(directory / certificate_file, public(certificate))


def _leaf(
    directory: Path,
    stem: str,
    ca_key: ec.EllipticCurvePrivateKey,
    ca: x509.Certificate,
    now: datetime.datetime,
    *,
    common_name: str,
    organization: str = "",
    names: Iterable[str] = (),
) -> x509.Certificate:
    """A certificate signed by the CA: for the server when it has `names`, else for a client."""
    key_file, certificate_file, wanted = directory / f"{stem}.key", directory / f"{stem}.crt", set(names)
    present = _present(key_file, certificate_file, ca)
    if present is not None and wanted <= _names_of(present) and not _due(present, now):
        return present
    key = ec.generate_private_key(ec.SECP256R1())
    attributes = [x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization)] if organization else []
    subject = x509.Name([*attributes, x509.NameAttribute(NameOID.COMMON_NAME, common_name)])
    purpose = ExtendedKeyUsageOID.SERVER_AUTH if wanted else ExtendedKeyUsageOID.CLIENT_AUTH
    builder = (
        _builder(subject, ca.subject, key.public_key(), LEAF_DAYS, now)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([purpose]), critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
    )
    if wanted:
        builder = builder.add_extension(x509.SubjectAlternativeName([_general(n) for n in sorted(wanted)]), critical=False)
    certificate = builder.sign(ca_key, hashes.SHA256())
    _write(key_file, _private(key))
    _write(certificate_file, public(certificate))
    return certificate


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int, now: datetime.datetime
) -> x509.CertificateBuilder:
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


def _present(key_file: Path, certificate_file: Path, ca: x509.Certificate) -> x509.Certificate | None:
    """The certificate, if it is there, is signed by the CA (its name alone says nothing), and has its key beside it."""
    try:
        certificate = x509.load_pem_x509_certificate(certificate_file.read_bytes())
        certificate.verify_directly_issued_by(ca)
        return certificate if certificate.public_key() == _load_key(key_file).public_key() else None
    except (FileNotFoundError, ValueError, TypeError, InvalidSignature):
        return None


def _due(certificate: x509.Certificate, now: datetime.datetime) -> bool:
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    return now >= min(begins + (ends - begins) * DUE, ends - datetime.timedelta(days=RENEW_DAYS))


def _time(now_ns: int) -> datetime.datetime:
    return datetime.datetime.fromtimestamp(now_ns // 1_000_000_000, datetime.UTC)


def _load_key(path: Path) -> ec.EllipticCurvePrivateKey:
    key = serialization.load_pem_private_key(path.read_bytes(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError(f"{path} holds no P-256 key")
    return key


def _private(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())


def public(certificate: x509.Certificate) -> bytes:
    """A certificate as PEM."""
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
