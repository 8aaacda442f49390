"""Trust bundles: certificates of those whom one trusts."""

from typing import Any

from cryptography import x509

from shipslog.engine.kinds import names
from shipslog.engine.kinds.columns import NAME, Column
from shipslog.engine.kinds.faults import Faults
from shipslog.engine.kinds.strategy import Strategy
from shipslog.engine.kinds.workloads import check_same
from shipslog.store.objects.types.certificates_v1 import ClusterTrustBundle

from .certificate_signing_request import check_signer

MOST_BYTES = 1024 * 1024
BEGIN = "-----BEGIN "
CERTIFICATE = f"{BEGIN}CERTIFICATE-----"


class ClusterTrustBundleRules(Strategy):
    about = "Certificates of those whom one trusts, for one signer or for all."
    unconditional_update = False
    columns = (NAME, Column("SignerName", "The signer whose certificates they vouch for."))
    selectable = {"spec.signerName": lambda o: o.spec.signer_name}

    def cells(self, obj: ClusterTrustBundle, now_ns: int) -> list[Any]:
        return [obj.metadata.name, obj.spec.signer_name or "<none>"]

    def name(self, value: str) -> names.Messages:
        """What stands behind the signer, which comes first where there is one."""
        return names.subdomain(value.rpartition(":")[2])

    def check(self, faults: Faults, obj: ClusterTrustBundle) -> None:
        name, signer = obj.metadata.name, obj.spec.signer_name
        if signer:
            prefix = f"{signer.replace('/', ':')}:"
            if not name.startswith(prefix):
                words = f"ClusterTrustBundle for signerName {signer} must be named with prefix {prefix}"
                faults.invalid("metadata.name", name, words)
            check_signer(faults, signer, "spec.signerName")
        elif ":" in name:
            faults.invalid("metadata.name", name, 'ClusterTrustBundle without signer name must not have ":" in its name')
        _check_bundle(faults, obj.spec.trust_bundle, "spec.trustBundle")

    def check_update(self, faults: Faults, old: ClusterTrustBundle, new: ClusterTrustBundle, subresource: str) -> None:
        self.check(faults, new)
        check_same(faults, "spec.signerName", old.spec.signer_name, new.spec.signer_name)


def _check_bundle(faults: Faults, text: str, path: str) -> None:
    if len(text) > MOST_BYTES:
        faults.too_long(path, MOST_BYTES)
        return
    blocks = [BEGIN + block for block in text.split(BEGIN)[1:]]
    if not blocks:
        faults.invalid(path, "<value omitted>", "at least one trust anchor must be provided")
    seen: dict[bytes, int] = {}
    for i, block in enumerate(blocks):
        if not block.startswith(CERTIFICATE):
            kind = block.removeprefix(BEGIN).partition("-----")[0]
            faults.invalid(path, "<value omitted>", f"entry {i} has bad block type: {kind}")
            continue
        try:
            found = x509.load_pem_x509_certificate(block.encode())
        except ValueError as error:
            faults.invalid(path, "<value omitted>", f"entry {i} does not parse as X.509: {error}")
            continue
        print_ = found.fingerprint(found.signature_hash_algorithm) if found.signature_hash_algorithm else found.signature
        if print_ in seen:
            faults.invalid(path, "<value omitted>", f"duplicate trust anchor (indices {[seen[print_], i]})")
        seen.setdefault(print_, i)


STRATEGY = ClusterTrustBundleRules()
