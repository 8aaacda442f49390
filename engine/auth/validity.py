"""Until when the certificates of a directory are valid, and when they are made anew.

Tests: tests/engine/auth/test_certificates.py, tests/engine/cli/test_machine.py
"""

import datetime
from pathlib import Path

import msgspec
from cryptography import x509

from .certificates import DUE, RENEW_DAYS

FILES = ("ca.crt", "server.crt", "admin.crt")
AUTHORITY = "ca.crt"


class Validity(msgspec.Struct, frozen=True, kw_only=True):
    """One certificate. `renews`: from then on the daemon replaces it by itself; None for the authority, which it never does."""

    file: str
    subject: str
    names: tuple[str, ...]  # that it is good for
    begins: datetime.datetime
    ends: datetime.datetime
    renews: datetime.datetime | None

    def days_left(self, now: datetime.datetime) -> int:
        """Whole days until it ends; negative once it has."""
        return (self.ends - now) // datetime.timedelta(days=1)


def validities(directory: Path) -> list[Validity]:
    """Of the certificates that are there. Errors: OSError, ValueError for a file that is none."""
    return [_of(directory / name) for name in FILES if (directory / name).exists()]


def _of(path: Path) -> Validity:
    try:
        certificate = x509.load_pem_x509_certificate(path.read_bytes())
    except ValueError as error:
        raise ValueError(f"{path} is no certificate: {error}") from error
    begins, ends = certificate.not_valid_before_utc, certificate.not_valid_after_utc
    due = min(begins + (ends - begins) * DUE, ends - datetime.timedelta(days=RENEW_DAYS))
    return Validity(
        file=path.name, subject=certificate.subject.rfc4514_string(), names=_names(certificate), begins=begins, ends=ends,
        renews=None if path.name == AUTHORITY else due,
    )  # fmt: skip


def _names(certificate: x509.Certificate) -> tuple[str, ...]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return ()
    return tuple(sorted(str(name.value) for name in found))
