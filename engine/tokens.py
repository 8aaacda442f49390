"""A cluster that can sign: tokens for volumes of pods and for Secrets that ask for one, and certificates that were approved.

Tests: tests/engine/host/test_pod_tokens.py, tests/engine/host/test_secret_tokens.py,
    tests/engine/host/test_certificate_signer.py
"""

from functools import partial

from shipslog.engine.auth.account_tokens import AccountTokens
from shipslog.engine.auth.certificates import Pki
from shipslog.engine.auth.signing import signed
from shipslog.engine.host.certificate_signer import CertificateSigner
from shipslog.engine.host.pod_tokens import PodTokens
from shipslog.engine.host.secret_tokens import SecretTokens

from .cluster import Cluster


def issue_tokens(cluster: Cluster, pki: Pki) -> None:
    """From now on the cluster signs with the key of `pki`."""
    signer = AccountTokens(pki.account_key)
    tokens = PodTokens(cluster.view, signer, cluster.clock, cluster.entropy)
    cluster.host.dispatcher.prepare = tokens.complete
    CertificateSigner(cluster.committer, partial(signed, pki), cluster.background)
    SecretTokens(cluster.committer, signer, cluster.clock, cluster.entropy, cluster.background)
