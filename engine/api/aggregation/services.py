"""Which APIServices name a Service: found by group and version.

Tests: tests/engine/api/aggregation/test_aggregation.py
"""

from collections.abc import Sequence

from shipslog.engine.auth.certificates import FrontProxy
from shipslog.engine.state.view import MemoryView
from shipslog.engine.webhooks.calling import Callee, authority_of
from shipslog.store.objects.builtin import BUILTIN
from shipslog.store.objects.conditions import find_condition
from shipslog.store.objects.types.apiregistration_v1 import APIService
from shipslog.store.projections import index

RESOURCE = "apiservices.apiregistration.k8s.io"
AVAILABLE, PORT = "Available", 443
ANY = "any"


def _keys(service: APIService) -> tuple[object, ...]:
    spec = service.spec
    if spec.service is None or BUILTIN.serves(spec.group, spec.version):  # nobody takes the place of what every cluster has
        return ()
    return (ANY, (spec.group, spec.version))


REMOTE = index("api services of others", (RESOURCE,), _keys)


def of_version(view: MemoryView, group: str, version: str) -> APIService | None:
    """Who answers for a version of a group, if it is another server."""
    found = view.find(REMOTE, (group, version))
    service: APIService | None = found[0].object if found else None
    return service


def of_others(view: MemoryView) -> Sequence[APIService]:
    """All of them, by name."""
    return [entry.object for entry in view.find(REMOTE, ANY)]


def is_available(service: APIService) -> bool:
    found = find_condition(service.status.conditions, AVAILABLE)
    return found is not None and found.status == "True"


def callee_of(service: APIService, identity: FrontProxy | None, path: str) -> Callee:
    """Where it is, and how it is verified. Errors: CallFailed."""
    spec = service.spec
    assert spec.service is not None
    port = PORT if spec.service.port is None else spec.service.port
    files = (str(identity.certificate), str(identity.key)) if identity is not None else None
    return Callee(
        namespace=spec.service.namespace, service=spec.service.name, port=port, path=path, identity=files,
        authority=authority_of(spec.ca_bundle), insecure=spec.insecure_skip_tls_verify,
    )  # fmt: skip
