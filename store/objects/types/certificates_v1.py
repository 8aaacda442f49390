"""The types of the API group-version certificates.v1 (Kubernetes 1.37), made by generate.py from its facts."""

from typing import Annotated, Any, ClassVar

from msgspec import field

from shipslog.store.objects.values.scalars import Base64, Int32, NO_ITEMS, NullBase64, NullTime, Object, Time, freeze_maps, merge, null_text, to_nulls

from . import meta_v1
from .meta_v1 import LabelSelector as LabelSelector, ObjectMeta as ObjectMeta, OwnerReference as OwnerReference


class CertificateSigningRequestSpec(Object, frozen=True, kw_only=True):
    request: NullBase64 = field(default_factory=null_text)
    signer_name: str = field(default_factory=str)
    expiration_seconds: Int32 | None = None
    usages: tuple[str, ...] = ()
    username: str = ""
    uid: str = ""
    groups: tuple[str, ...] = ()
    extra: dict[str, tuple[str, ...]] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("extra",))
        to_nulls(self, texts=("request",))

    __proto__: ClassVar[dict[str, int]] = {"expiration_seconds": 8, "extra": 6, "groups": 4, "request": 1, "signer_name": 7, "uid": 3, "usages": 5, "username": 2}
    __required__: ClassVar[tuple[str, ...]] = ('request', 'signerName')


class CertificateSigningRequestCondition(Object, frozen=True, kw_only=True):
    type: str = field(default_factory=str)
    status: str = field(default_factory=str)
    reason: str = ""
    message: str = ""
    last_update_time: NullTime = field(default_factory=null_text)
    last_transition_time: NullTime = field(default_factory=null_text)

    def __post_init__(self) -> None:
        to_nulls(self, texts=("last_update_time", "last_transition_time",))

    __proto__: ClassVar[dict[str, int]] = {"last_transition_time": 5, "last_update_time": 4, "message": 3, "reason": 2, "status": 6, "type": 1}
    __required__: ClassVar[tuple[str, ...]] = ('status', 'type')


class CertificateSigningRequestStatus(Object, frozen=True, kw_only=True):
    conditions: Annotated[tuple[CertificateSigningRequestCondition, ...], merge(list_map_keys=('type',))] = ()
    certificate: Base64 = ""

    __proto__: ClassVar[dict[str, int]] = {"certificate": 2, "conditions": 1}


class CertificateSigningRequest(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "CertificateSigningRequest")
    api_version: str = field(default_factory=lambda: "certificates.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: CertificateSigningRequestSpec = field(default_factory=CertificateSigningRequestSpec)
    status: CertificateSigningRequestStatus = field(default_factory=CertificateSigningRequestStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class ClusterTrustBundleSpec(Object, frozen=True, kw_only=True):
    signer_name: str = ""
    trust_bundle: str = field(default_factory=str)

    __proto__: ClassVar[dict[str, int]] = {"signer_name": 1, "trust_bundle": 2}
    __required__: ClassVar[tuple[str, ...]] = ('trustBundle',)


class ClusterTrustBundle(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "ClusterTrustBundle")
    api_version: str = field(default_factory=lambda: "certificates.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: ClusterTrustBundleSpec = field(default_factory=ClusterTrustBundleSpec)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)


class PodCertificateRequestSpec(Object, frozen=True, kw_only=True):
    signer_name: str = field(default_factory=str)
    pod_name: str = field(default_factory=str)
    pod_uid: str = field(default_factory=str, name="podUID")
    service_account_name: str = field(default_factory=str)
    service_account_uid: str = field(default_factory=str, name="serviceAccountUID")
    node_name: str = field(default_factory=str)
    node_uid: str = field(default_factory=str, name="nodeUID")
    max_expiration_seconds: Int32 | None = None
    stub_pkcs10_request: NullBase64 = field(default_factory=null_text, name="stubPKCS10Request")
    unverified_user_annotations: dict[str, str] = NO_ITEMS

    def __post_init__(self) -> None:
        freeze_maps(self, fields=("unverified_user_annotations",))
        to_nulls(self, texts=("stub_pkcs10_request",))

    __proto__: ClassVar[dict[str, int]] = {"max_expiration_seconds": 8, "node_name": 6, "node_uid": 7, "pod_name": 2, "pod_uid": 3, "service_account_name": 4, "service_account_uid": 5, "signer_name": 1, "stub_pkcs10_request": 12, "unverified_user_annotations": 11}
    __required__: ClassVar[tuple[str, ...]] = ('nodeName', 'nodeUID', 'podName', 'podUID', 'serviceAccountName', 'serviceAccountUID', 'signerName', 'stubPKCS10Request')
    __defaults__: ClassVar[dict[str, Any]] = {'maxExpirationSeconds': 86400}


class PodCertificateRequestStatus(Object, frozen=True, kw_only=True):
    conditions: Annotated[tuple[meta_v1.Condition, ...], merge(list_map_keys=('type',), patch_merge_key='type', patch_strategy='merge')] = ()
    certificate_chain: str = ""
    not_before: Time = ""
    begin_refresh_at: Time = ""
    not_after: Time = ""

    __proto__: ClassVar[dict[str, int]] = {"begin_refresh_at": 5, "certificate_chain": 2, "conditions": 1, "not_after": 6, "not_before": 4}


class PodCertificateRequest(Object, frozen=True, kw_only=True):
    kind: str = field(default_factory=lambda: "PodCertificateRequest")
    api_version: str = field(default_factory=lambda: "certificates.k8s.io/v1", name="apiVersion")
    metadata: meta_v1.ObjectMeta = field(default_factory=meta_v1.ObjectMeta)
    spec: PodCertificateRequestSpec = field(default_factory=PodCertificateRequestSpec)
    status: PodCertificateRequestStatus = field(default_factory=PodCertificateRequestStatus)

    __proto__: ClassVar[dict[str, int]] = {"metadata": 1, "spec": 2, "status": 3}
    __required__: ClassVar[tuple[str, ...]] = ('spec',)

