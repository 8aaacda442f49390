"""Certificates that do not belong together are noticed, and those that are due are replaced while the server runs."""

import asyncio
import ssl
import time
from pathlib import Path

import pytest
from cryptography import x509

from shipslog.engine.auth import certificates
from shipslog.engine.daemon import keep_renewed
from tests.engine.api.conftest import Api, admin, api, rules

__all__ = ["admin", "api", "rules"]  # fixtures

DAY_NS = 86_400 * 1_000_000_000


@pytest.mark.parametrize("name", ["ca.key", "ca.crt"])
def test_one_file_of_the_authority_is_not_enough(name: str, tmp_path: Path) -> None:
    certificates.ensure(tmp_path)
    (tmp_path / name).unlink()
    before = {p.name: p.read_bytes() for p in tmp_path.iterdir()}
    with pytest.raises(certificates.AuthorityBroken, match=f"{tmp_path / name} is missing"):
        certificates.ensure(tmp_path)
    assert {p.name: p.read_bytes() for p in tmp_path.iterdir()} == before


@pytest.mark.parametrize("name", ["ca.key", "ca.crt"])
def test_files_of_two_authorities_are_refused(name: str, tmp_path: Path) -> None:
    one, two = tmp_path / "one", tmp_path / "two"
    certificates.ensure(one)
    certificates.ensure(two)
    (one / name).write_bytes((two / name).read_bytes())
    with pytest.raises(certificates.AuthorityBroken, match="do not belong together"):
        certificates.ensure(one)
    (one / name).write_text("nonsense")
    with pytest.raises(certificates.AuthorityBroken, match="cannot be read"):
        certificates.ensure(one)


def test_a_new_authority_of_the_same_name_signs_all_anew_and_says_so(tmp_path: Path) -> None:
    first = certificates.ensure(tmp_path)
    for name in ("ca.key", "ca.crt"):
        (tmp_path / name).unlink()
    second = certificates.ensure(tmp_path)
    assert not first.notice and "new kubeconfig" in second.notice
    ca = x509.load_pem_x509_certificate(second.ca_certificate.encode())
    for text in (second.admin_certificate, second.server_certificate):
        x509.load_pem_x509_certificate(text.encode()).verify_directly_issued_by(ca)


def test_a_certificate_whose_key_is_another_is_made_anew(tmp_path: Path) -> None:
    first = certificates.ensure(tmp_path)
    (tmp_path / "server.key").write_bytes((tmp_path / "admin.key").read_bytes())
    second = certificates.ensure(tmp_path)
    assert second.server_certificate != first.server_certificate
    second.server_context()


@pytest.mark.parametrize(("days", "anew"), [(0, False), (240, False), (245, True), (400, True)])
def test_due_at_two_thirds_of_its_life(days: int, anew: bool, tmp_path: Path) -> None:
    first = certificates.ensure(tmp_path)
    second = certificates.renewed(first, lambda: time.time_ns() + days * DAY_NS)
    assert (second.server_certificate != first.server_certificate) is anew
    assert (second.admin_certificate != first.admin_certificate) is anew
    assert second.ca_certificate == first.ca_certificate


async def test_a_server_that_runs_shows_the_new_certificate(api: Api) -> None:
    heard: asyncio.Queue[certificates.Pki] = asyncio.Queue()
    later = time.time_ns() + 300 * DAY_NS
    task = asyncio.create_task(keep_renewed(api.server, api.pki, heard.put_nowait, now_ns=lambda: later, every_s=3600))
    try:
        new = await asyncio.wait_for(heard.get(), 20)
        shown = await asyncio.to_thread(ssl.get_server_certificate, ("127.0.0.1", api.server.port))
    finally:
        task.cancel()
    assert shown.strip() == new.server_certificate.strip() != api.pki.server_certificate.strip()
