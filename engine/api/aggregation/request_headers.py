"""kube-system/extension-apiserver-authentication: by what a server behind this one knows that it may believe its headers.

Tests: tests/engine/api/aggregation/test_aggregation.py
"""

import json

from msgspec.structs import replace

from shipslog.engine.auth.certificates import FRONT_PROXY, FrontProxy
from shipslog.engine.cluster import Cluster
from shipslog.store.commands import Create, Update
from shipslog.store.objects.types.core_v1 import ConfigMap
from shipslog.store.objects.types.meta_v1 import ObjectMeta

NAME, NAMESPACE, ENGINE, MASTERS = "extension-apiserver-authentication", "kube-system", "system:engine", ("system:masters",)


def data_of(identity: FrontProxy, client_authority: str) -> dict[str, str]:
    """What it says."""
    return {
        "client-ca-file": client_authority,
        "requestheader-allowed-names": json.dumps([FRONT_PROXY]),
        "requestheader-client-ca-file": identity.authority,
        "requestheader-extra-headers-prefix": '["X-Remote-Extra-"]',
        "requestheader-group-headers": '["X-Remote-Group"]',
        "requestheader-uid-headers": '["X-Remote-Uid"]',
        "requestheader-username-headers": '["X-Remote-User"]',
    }


async def publish(cluster: Cluster, identity: FrontProxy, client_authority: str) -> None:
    """Make it so. Errors: Refusal."""
    current, data = cluster.view.get(ConfigMap, NAME, NAMESPACE), data_of(identity, client_authority)
    if current is None:
        made = ConfigMap(metadata=ObjectMeta(name=NAME, namespace=NAMESPACE), data=data)
        await cluster.submit(Create(object=made), actor=ENGINE, groups=MASTERS)
    elif current.data != data:
        await cluster.submit(Update(object=replace(current, data=data)), actor=ENGINE, groups=MASTERS)
