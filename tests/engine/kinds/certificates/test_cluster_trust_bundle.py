"""Trust bundles: names that tell of their signer, and certificates that can be read. And migrations, which name a resource."""

from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from tests.engine.kinds.conftest import NOW_NS
from tests.fuzz.accepted import CERTIFICATE

PLURAL, MIGRATIONS = "clustertrustbundles", "storageversionmigrations"


def body(name: str = "x", bundle: str = CERTIFICATE, **spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "spec": {"trustBundle": bundle, **spec}}


def test_a_bundle_of_a_signer_says_so_in_its_name(world: Any, refused: Any) -> None:
    signer = "fleet.example/bridge"
    made = world.create(PLURAL, body("fleet.example:bridge:x", signerName=signer))
    assert strategy_of("clustertrustbundles.certificates.k8s.io").cells(made, NOW_NS) == ["fleet.example:bridge:x", signer]
    assert refused(world.create, PLURAL, body("x", signerName=signer)) == {"FieldValueInvalid metadata.name"}
    assert refused(world.create, PLURAL, body("a:x")) == {"FieldValueInvalid metadata.name"}
    assert "FieldValueInvalid spec.signerName" in refused(world.change, made, spec={"signerName": "other.example/x"})


@pytest.mark.parametrize("bundle", ["", "x", CERTIFICATE * 2, CERTIFICATE.replace("CERTIFICATE", "PRIVATE KEY")])
def test_what_is_no_bundle(world: Any, refused: Any, bundle: str) -> None:
    assert refused(world.create, PLURAL, body(bundle=bundle)) == {"FieldValueInvalid spec.trustBundle"}


def test_a_migration_keeps_its_resource(world: Any, refused: Any) -> None:
    made = world.create(
        MIGRATIONS, {"metadata": {"name": "x"}, "spec": {"resource": {"group": "apps", "resource": "daemonsets"}}}
    )
    assert strategy_of("storageversionmigrations.storagemigration.k8s.io").cells(made, NOW_NS) == ["x", "daemonsets.apps", "0s"]
    assert refused(world.change, made, spec={"resource": {"resource": "jobs"}}) == {"FieldValueInvalid spec.resource"}
    told = world.change(made, "status", status={"resourceVersion": "7"})
    assert refused(world.change, told, "status", status={"resourceVersion": "8"}) == {
        "FieldValueInvalid status.resourceVersion"
    }
    assert refused(world.create, MIGRATIONS, {"metadata": {"name": "x"}}) == {"FieldValueRequired spec.resource.resource"}
