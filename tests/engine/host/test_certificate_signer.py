"""A certificate from request to use: asked for, approved with kubectl, signed by the CA, and taken by the API."""

import asyncio
import base64
import json
import os
import ssl
import subprocess
import sys
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.x509.oid import ExtendedKeyUsageOID

from shipslog.engine.cluster import Cluster
from shipslog.engine.host.certificate_signer import CertificateSigner
from shipslog.engine.library import Serving
from shipslog.store.objects.types.certificates_v1 import CertificateSigningRequest
from shipslog.store.refusals import Forbidden
from shipslog.testing import TestCluster
from tests.engine.commit.test_trouble import Full
from tests.reconcilers.cluster.test_certificate_requests import KEY, pem
from tests.runtime.certificates import self_signed

KUBECTL = Path(sys.prefix) / "kubectl" / "kubectl-1.37"
USAGES = ["digital signature", "client auth"]


def body(name: str, text: str, signer: str = "kubernetes.io/kube-apiserver-client", **spec: Any) -> dict[str, Any]:
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": {"request": text, "signerName": signer, "usages": USAGES, **spec},
    }


async def kubectl(kubeconfig: Path, *arguments: str) -> str:
    env = {**os.environ, "KUBECONFIG": str(kubeconfig)}
    done = await asyncio.to_thread(subprocess.run, [KUBECTL, *arguments], env=env, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


async def test_a_person_gets_a_certificate(served: Serving, cluster: TestCluster, kubeconfig: Path, tmp_path: Path) -> None:
    await cluster.create(body("jane", pem("jane", "devs"), expirationSeconds=3600))
    assert "certificatesigningrequest.certificates.k8s.io/jane approved" in await kubectl(
        kubeconfig, "certificate", "approve", "jane"
    )
    held = await cluster.wait(CertificateSigningRequest, "jane", until=lambda r: bool(r.status.certificate))
    assert "Approved,Issued" in await kubectl(kubeconfig, "get", "csr", "jane")
    certificate = x509.load_pem_x509_certificate(base64.b64decode(held.status.certificate))
    authority = x509.load_pem_x509_certificate(served.ca.read_bytes())
    certificate.verify_directly_issued_by(authority)
    assert certificate.subject.rfc4514_string() == "CN=jane,O=devs"
    lasts = certificate.not_valid_after_utc - certificate.not_valid_before_utc
    assert lasts.total_seconds() == 3600 + 300
    purposes = certificate.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(purposes) == [ExtendedKeyUsageOID.CLIENT_AUTH]
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    (tmp_path / "jane.crt").write_bytes(base64.b64decode(held.status.certificate))
    (tmp_path / "jane.key").write_bytes(
        KEY.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    context = ssl.create_default_context(cafile=served.ca)
    context.load_cert_chain(tmp_path / "jane.crt", tmp_path / "jane.key")
    review = {"apiVersion": "authentication.k8s.io/v1", "kind": "SelfSubjectReview"}
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(ssl=context)) as session:
        path = "/apis/authentication.k8s.io/v1/selfsubjectreviews"
        async with session.post(served.url + path, json=review) as answer:
            who = json.loads(await answer.text())["status"]["userInfo"]
    assert who["username"] == "jane" and "devs" in who["groups"]


async def test_a_node_gets_one_by_itself_and_a_server_does_not(served: Serving, cluster: TestCluster) -> None:
    node = cluster.as_user("system:node:n", ("system:nodes",))
    await node.create(body("client", pem("system:node:n", "system:nodes"), "kubernetes.io/kube-apiserver-client-kubelet"))
    held = await cluster.wait(CertificateSigningRequest, "client", until=lambda r: bool(r.status.certificate))
    assert held.status.conditions[0].reason == "AutoApproved" and held.spec.username == "system:node:n"
    host = (x509.DNSName("n"),)
    serving = {"usages": ["digital signature", "server auth"]}
    wanted = pem("system:node:n", "system:nodes", names=host)
    await node.create(body("server", wanted, "kubernetes.io/kubelet-serving", **serving))
    await cluster.settled()
    assert not cluster.get(CertificateSigningRequest, "server").status.conditions


async def test_what_a_signer_does_not_take_fails(served: Serving, cluster: TestCluster, kubeconfig: Path) -> None:
    await cluster.create(body("wrong", pem("jane"), usages=["digital signature", "server auth"]))
    await kubectl(kubeconfig, "certificate", "approve", "wrong")
    held = await cluster.wait(CertificateSigningRequest, "wrong", until=lambda r: len(r.status.conditions) > 1)
    failed = held.status.conditions[-1]
    assert (failed.type, failed.reason) == ("Failed", "SignerValidationFailure") and "server auth" in failed.message
    assert not held.status.certificate
    await cluster.create(body("foreign", pem("jane"), "example.com/signer"))
    await kubectl(kubeconfig, "certificate", "approve", "foreign")
    await cluster.settled()
    assert len(cluster.get(CertificateSigningRequest, "foreign").status.conditions) == 1, "another's signer"


async def test_nobody_asks_for_a_master_key(cluster: TestCluster) -> None:
    with pytest.raises(Forbidden, match="with system:masters group is not allowed"):
        await cluster.create(body("master", pem("jane", "system:masters")))


async def test_it_is_signed_when_the_log_takes_writes_again(tmp_path: Path) -> None:
    signed, log = base64.b64encode(self_signed(tmp_path)[0].read_bytes()).decode(), Full()
    async with Cluster.open(event_log=log, runtime="none") as cluster:
        text = pem("system:node:n", "system:nodes")
        await cluster.create(body("client", text, "kubernetes.io/kube-apiserver-client-kubelet"))
        await cluster.wait(CertificateSigningRequest, "client", until=lambda r: bool(r.status.conditions))
        log.full = True
        CertificateSigner(cluster.committer, lambda request, now_ns: signed, cluster.background)
        async with asyncio.timeout(5):
            while not cluster.failing():
                await asyncio.sleep(0.01)
        log.has_room()
        held = await cluster.wait(CertificateSigningRequest, "client", until=lambda r: bool(r.status.certificate))
        assert held.status.certificate == signed
