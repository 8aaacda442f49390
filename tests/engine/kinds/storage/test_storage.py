"""Volumes, claims, classes and drivers: what is meant, refused, and may change."""

from typing import Any

import pytest

from shipslog.engine.kinds.catalogue import strategy_of
from shipslog.store.objects.values.times import api_time
from shipslog.store.refusals import Refusal
from tests.engine.kinds.conftest import NOW_NS

STORAGE = {"storage": "1Gi"}
FC_FAULTS = {"Invalid spec.fc.targetWWNs", "Invalid spec.fc.lun"}
SNAPSHOT = {"apiGroup": "snapshot.storage.k8s.io", "kind": "VolumeSnapshot", "name": "s"}
POPULATOR = {"apiGroup": "example.com", "kind": "Foo", "name": "f"}


def volume(**spec: Any) -> dict[str, Any]:
    usual = {"capacity": STORAGE, "accessModes": ["ReadWriteOnce"], "hostPath": {"path": "/x"}}
    return {"metadata": {"name": "x"}, "spec": {**usual, **spec}}


def claim(**spec: Any) -> dict[str, Any]:
    return {"metadata": {"name": "x"}, "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": STORAGE}, **spec}}


def test_a_volume_is_completed(world: Any) -> None:
    made = world.create("persistentvolumes", volume())
    assert made.metadata.finalizers == ("kubernetes.io/pv-protection",) and made.status.phase == "Pending"
    assert (made.spec.persistent_volume_reclaim_policy, made.spec.volume_mode) == ("Retain", "Filesystem")
    assert made.spec.host_path.type == "" and made.metadata.generation == 0
    cells = strategy_of("persistentvolumes").cells(made, NOW_NS)
    assert cells == ["x", "1Gi", "RWO", "Retain", "Pending", "", "", "<unset>", "", "0s", "Filesystem"]


@pytest.mark.parametrize(
    ("spec", "wrong"),
    [
        ({"hostPath": None}, {"Required spec"}),
        ({"nfs": {"server": "s", "path": "/"}}, {"Forbidden spec.nfs"}),
        ({"accessModes": []}, {"Required spec.accessModes"}),
        ({"accessModes": ["Any"]}, {"NotSupported spec.accessModes"}),
        ({"accessModes": ["ReadWriteOncePod", "ReadOnlyMany"]}, {"Forbidden spec.accessModes"}),
        ({"hostPath": None, "nfs": {"path": "/"}}, {"Required spec.nfs.server"}),
        ({"hostPath": None, "local": {"path": "/x"}}, {"Required spec.nodeAffinity"}),
        ({"persistentVolumeReclaimPolicy": "Any"}, {"NotSupported spec.persistentVolumeReclaimPolicy"}),
        ({"volumeMode": "Any"}, {"NotSupported spec.volumeMode"}),
        ({"hostPath": None, "nfs": {"server": "s", "path": "x"}}, {"Invalid spec.nfs.path"}),
        ({"hostPath": None, "fc": {"wwids": ["w"], "targetWWNs": ["t"], "lun": 256}}, FC_FAULTS),
        ({"hostPath": None, "csi": {"driver": "a b"}}, {"Invalid spec.csi.driver", "Required spec.csi.volumeHandle"}),
        (
            {"hostPath": None, "csi": {"driver": "", "volumeHandle": "v"}},
            {"Required spec.csi.driver", "Invalid spec.csi.driver"},
        ),
        (
            {"hostPath": None, "csi": {"driver": "d", "volumeHandle": "v", "nodePublishSecretRef": {"name": "A"}}},
            {"Invalid spec.csi.name", "Required spec.csi.nodePublishSecretRef.namespace"},
        ),
    ],
)
def test_what_a_volume_may_not_be(world: Any, refused: Any, spec: dict[str, Any], wrong: set[str]) -> None:
    assert refused(world.create, "persistentvolumes", volume(**spec)) == {f"FieldValue{w}" for w in wrong}


def test_a_volume_keeps_its_source(world: Any, refused: Any) -> None:
    made = world.create("persistentvolumes", volume())
    assert world.change(made, spec={"capacity": {"storage": "2Gi"}}).spec.capacity == {"storage": "2Gi"}
    assert refused(world.change, made, spec={"hostPath": {"path": "/y"}}) == {
        "FieldValueForbidden spec.persistentvolumesource",
    }


def test_a_claim_is_completed_and_stays(world: Any, refused: Any) -> None:
    world.create(
        "storageclasses", {"metadata": {"name": "disk"}, "provisioner": "example.com/disk", "allowVolumeExpansion": True}
    )
    made = world.create("persistentvolumeclaims", claim(storageClassName="disk"))
    assert made.metadata.finalizers == ("kubernetes.io/pvc-protection",)
    assert (made.spec.volume_mode, made.status.phase) == ("Filesystem", "Pending")
    assert refused(world.change, made, spec={"accessModes": ["ReadOnlyMany"]}) == {"FieldValueForbidden spec"}
    assert refused(world.change, made, spec={"resources": {"requests": {"storage": "2Gi"}}}) == {"FieldValueForbidden spec"}
    told = {"phase": "Bound", "capacity": STORAGE, "accessModes": ["ReadWriteOnce"]}
    bound = world.change(world.change(made, spec={"volumeName": "v"}), "status", status=told)
    assert world.change(bound, spec={"resources": {"requests": {"storage": "2Gi"}}}).spec.volume_name == "v"
    assert refused(world.change, bound, spec={"resources": {"requests": {"storage": "1Mi"}}}) == {
        "FieldValueForbidden spec.resources.requests.storage",
    }
    cells = strategy_of("persistentvolumeclaims").cells(bound, NOW_NS)
    assert cells == ["x", "Bound", "v", "1Gi", "RWO", "disk", "<unset>", "0s", "Filesystem"]


def _sources(claim: Any) -> tuple[Any, Any]:
    spec = claim.spec
    return tuple(s and (s.api_group or "", s.kind, s.name) for s in (spec.data_source, spec.data_source_ref))  # type: ignore[return-value]


def test_what_a_claim_is_filled_from_stands_in_both_fields(world: Any, refused: Any) -> None:
    both = ("snapshot.storage.k8s.io", "VolumeSnapshot", "s")
    assert _sources(world.create("persistentvolumeclaims", claim(dataSource=SNAPSHOT), keep=False)) == (both, both)
    anything = ("example.com", "Foo", "f")
    assert _sources(world.create("persistentvolumeclaims", claim(dataSourceRef=POPULATOR), keep=False)) == (anything, anything)
    # what old servers passed over is passed over where it stands in the old field alone
    assert _sources(world.create("persistentvolumeclaims", claim(dataSource=POPULATOR), keep=False)) == (None, None)
    elsewhere = claim(dataSourceRef={**POPULATOR, "namespace": "other"})
    assert _sources(world.create("persistentvolumeclaims", elsewhere, keep=False)) == (None, None)
    wrong = refused(world.create, "persistentvolumeclaims", claim(dataSourceRef={"kind": "Foo", "name": ""}))
    assert wrong == {
        "FieldValueRequired spec.dataSource.name",
        "FieldValueInvalid spec.dataSource",
        "FieldValueRequired spec.dataSourceRef.name",
        "FieldValueInvalid spec.dataSourceRef",
    }
    assert refused(world.create, "persistentvolumeclaims", claim(dataSource=SNAPSHOT, dataSourceRef=POPULATOR)) == {
        "FieldValueInvalid spec"
    }


def test_a_bound_claim_grows_only_where_its_class_lets_it(world: Any) -> None:
    world.create("storageclasses", {"metadata": {"name": "fixed"}, "provisioner": "example.com/disk"})
    told = {"phase": "Bound", "capacity": STORAGE, "accessModes": ["ReadWriteOnce"]}
    for name in ("fixed", "gone", ""):
        made = world.create("persistentvolumeclaims", claim(storageClassName=name))
        bound = world.change(world.change(made, spec={"volumeName": "v"}), "status", status=told)
        with pytest.raises(Refusal, match="the storageclass that provisions the pvc must support resize"):
            world.change(bound, spec={"resources": {"requests": {"storage": "2Gi"}}})


def test_a_claim_that_names_no_class_is_of_the_default_one(world: Any) -> None:
    assert world.create("persistentvolumeclaims", claim()).spec.storage_class_name is None
    marked = {"annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}
    for name in ("b", "a"):  # of the same age: the first by name
        world.create("storageclasses", {"metadata": {"name": name, **marked}, "provisioner": "example.com/disk"})
    assert world.create("persistentvolumeclaims", claim()).spec.storage_class_name == "a"
    assert world.create("persistentvolumeclaims", claim(storageClassName="")).spec.storage_class_name == ""
    later = world.create("persistentvolumeclaims", claim(storageClassName=None))
    asked = {"metadata": {"name": "y", "annotations": {"volume.beta.kubernetes.io/storage-class": "c"}}}
    assert world.create("persistentvolumeclaims", claim() | asked).spec.storage_class_name is None
    assert later.spec.storage_class_name == "a"


def test_a_volume_says_since_when_it_is_in_its_phase(world: Any) -> None:
    made = world.create("persistentvolumes", volume())
    assert made.status.last_phase_transition_time == api_time(NOW_NS)
    told = world.change(made, "status", status={"phase": "Available", "lastPhaseTransitionTime": None})
    assert told.status.last_phase_transition_time == api_time(NOW_NS)


def test_a_claim_says_how_much(world: Any, refused: Any) -> None:
    assert refused(world.create, "persistentvolumeclaims", claim(resources={})) == {
        "FieldValueRequired spec.resources[storage]"
    }
    assert refused(world.create, "persistentvolumeclaims", claim(volumeMode="Any")) == {
        "FieldValueNotSupported spec.volumeMode"
    }


def test_a_storage_class(world: Any, refused: Any) -> None:
    body = {"metadata": {"name": "x", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}}}
    made = world.create("storageclasses", {**body, "provisioner": "a.example/b", "parameters": {"a": "b"}})
    assert (made.reclaim_policy, made.volume_binding_mode) == ("Delete", "Immediate")
    cells = strategy_of("storageclasses.storage.k8s.io").cells(made, NOW_NS)
    assert cells == ["x (default)", "a.example/b", "Delete", "Immediate", False, "0s"]
    assert refused(world.change, made, parameters={"a": "c"}) == {"FieldValueForbidden parameters"}
    assert refused(world.change, made, volumeBindingMode="WaitForFirstConsumer") == {"FieldValueInvalid volumeBindingMode"}
    assert refused(world.create, "storageclasses", body) == {"FieldValueRequired provisioner"}


def test_drivers_and_attachments(world: Any, refused: Any) -> None:
    driver = world.create("csidrivers", {"metadata": {"name": "a.example"}, "spec": {}})
    spec = driver.spec
    assert (spec.attach_required, spec.fs_group_policy, spec.volume_lifecycle_modes) == (
        True,
        "ReadWriteOnceWithFSType",
        ("Persistent",),
    )
    assert refused(world.change, driver, spec={"attachRequired": False}) == {"FieldValueInvalid spec.attachRequired"}
    assert world.change(driver, spec={"requiresRepublish": True}).metadata.generation == 1
    source = {"source": {"persistentVolumeName": "v"}, "attacher": "a.example", "nodeName": "n"}
    made = world.create("volumeattachments", {"metadata": {"name": "x"}, "spec": source})
    assert strategy_of("volumeattachments.storage.k8s.io").cells(made, NOW_NS)[1:5] == ["a.example", "v", "n", False]
    assert refused(world.change, made, spec={"nodeName": "m"}) == {"FieldValueInvalid spec"}
    node = {"metadata": {"name": "n"}, "spec": {"drivers": [{"name": "a.example", "nodeID": ""}]}}
    assert refused(world.create, "csinodes", node) == {"FieldValueRequired spec.drivers[0].nodeID"}
