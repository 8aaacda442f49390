"""What a pod shows of ClusterTrustBundles: certificates of those whom it trusts, each once.

One bundle by its name, or all of a signer whose labels fit, as one file. What stands between certificates, and headers inside
them, is left out. Their order means nothing: in a kubelet it changes, here it is that of their bytes.

Source: the kubelet's clustertrustbundle manager, KEP-3257.

Tests: tests/reconcilers/kubelet/test_volumes.py, tests/reconcilers/kubelet/test_refresh.py
"""

import re
from base64 import b64decode, b64encode
from collections.abc import Iterable, Iterator, Mapping

from shipslog.store.objects.selector import of_label_selector
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.certificates_v1 import ClusterTrustBundle
from shipslog.store.projections import index
from shipslog.store.view import View

from .fields import ConfigError

BLOCK = re.compile(r"-----BEGIN CERTIFICATE-----\s(.*?)-----END CERTIFICATE-----", re.DOTALL)
LINE = 64  # characters of base64

Shown = tuple[str, str]  # "name" or "signer", and which


def shown_by(pod: core_v1.Pod) -> tuple[Shown, ...]:
    """The bundles that its volumes show."""
    found = (s.cluster_trust_bundle for v in pod.spec.volumes if v.projected is not None for s in v.projected.sources)
    return tuple(dict.fromkeys(_words(one) for one in found if one is not None))


def _words(source: core_v1.ClusterTrustBundleProjection) -> Shown:
    return ("name", source.name) if source.name else ("signer", source.signer_name or "")


BY_TRUST = index("pods by the trust bundles that they show", ("pods",), shown_by)
BY_SIGNER = index(
    "trust bundles by signer", ("clustertrustbundles.certificates.k8s.io",), lambda bundle: (bundle.spec.signer_name or "",)
)  # fmt: skip


def pods_that_show(view: View, bundle: ClusterTrustBundle) -> Iterable[core_v1.Pod]:
    for word in (("name", bundle.metadata.name), ("signer", bundle.spec.signer_name or "")):
        yield from (entry.object for entry in view.find(BY_TRUST, word))


def trust_anchors(view: View, source: core_v1.ClusterTrustBundleProjection) -> bytes:
    """The certificates as PEM; b"" of none where that is allowed. Errors: ConfigError."""
    bundles = _bundles(view, source)
    return b"".join(_pem(der) for der in sorted({der for bundle in bundles for der in _certificates(bundle)}))


def _bundles(view: View, source: core_v1.ClusterTrustBundleProjection) -> list[ClusterTrustBundle]:
    if source.name:
        found = view.get(ClusterTrustBundle, source.name)
        if found is None and not source.optional:
            raise ConfigError(f'clustertrustbundle.certificates.k8s.io "{source.name}" not found')
        return [found] if found is not None else []
    fits = of_label_selector(source.label_selector) if source.label_selector is not None else None  # without one: nothing
    signed = (entry.object for entry in view.find(BY_SIGNER, source.signer_name or ""))
    chosen = [bundle for bundle in signed if fits is not None and fits.matches(_labels(bundle))]
    if not chosen and not source.optional:
        raise ConfigError(f'no ClusterTrustBundle of the signer "{source.signer_name}" has labels that fit')
    return chosen


def _labels(bundle: ClusterTrustBundle) -> Mapping[str, str]:
    return bundle.metadata.labels


def _certificates(bundle: ClusterTrustBundle) -> Iterator[bytes]:
    for body in BLOCK.findall(bundle.spec.trust_bundle):
        lines = body.splitlines()
        base64 = "".join(line.strip() for line in lines if ":" not in line)
        yield b64decode(base64)  # it was looked through when it was written


def _pem(der: bytes) -> bytes:
    text = b64encode(der)
    lines = [text[i : i + LINE] for i in range(0, len(text), LINE)]
    return b"\n".join([b"-----BEGIN CERTIFICATE-----", *lines, b"-----END CERTIFICATE-----", b""])
