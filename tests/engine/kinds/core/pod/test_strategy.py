"""Pods: what is refused and where, what is added, what may change."""

from typing import Any

import pytest
from msgspec.structs import replace

from shipslog.engine.kinds.core.pod.binding import bound
from shipslog.engine.kinds.core.pod.eviction import admit_eviction
from shipslog.engine.kinds.core.pod.strategy import PodStrategy, default_pod
from shipslog.store.commands import Bind
from shipslog.store.objects.types import core_v1
from shipslog.store.objects.types.meta_v1 import ObjectMeta
from shipslog.store.refusals import Forbidden

C0 = "spec.containers[0]"
V0 = "spec.volumes[0]"


def pod(container: dict[str, Any] | None = None, meta: dict[str, Any] | None = None, **spec: Any) -> dict[str, Any]:
    c = {"name": "c", "image": "app:1", **(container or {})}
    spec = {"automountServiceAccountToken": False, "containers": [c], **spec}
    return {"metadata": {"name": "p", **(meta or {})}, "spec": spec}


def volume(**source: Any) -> dict[str, Any]:
    return pod(volumes=[{"name": "v", **source}])


REFUSED: list[tuple[str, dict[str, Any], set[str]]] = [
    ("port name", pod({"ports": [{"containerPort": 80, "name": "Web"}]}), {f"FieldValueInvalid {C0}.ports[0].name"}),
    ("port name of digits", pod({"ports": [{"containerPort": 80, "name": "80"}]}), {f"FieldValueInvalid {C0}.ports[0].name"}),
    ("host port", pod({"ports": [{"containerPort": 80, "hostPort": 70000}]}), {f"FieldValueInvalid {C0}.ports[0].hostPort"}),
    ("env without name", pod({"env": [{"value": "x"}]}), {f"FieldValueRequired {C0}.env[0].name"}),
    ("env without source", pod({"env": [{"name": "A", "valueFrom": {}}]}), {f"FieldValueInvalid {C0}.env[0].valueFrom"}),
    (
        "labels in env",
        pod({"env": [{"name": "A", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels"}}}]}),
        {f"FieldValueNotSupported {C0}.env[0].valueFrom.fieldRef.fieldPath"},
    ),
    (
        "bad key of a secret",
        pod({"env": [{"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "a b"}}}]}),
        {f"FieldValueInvalid {C0}.env[0].valueFrom.secretKeyRef.key"},
    ),
    (
        "resource reference",
        pod({"env": [{"name": "A", "valueFrom": {"resourceFieldRef": {"resource": "limits.gpu"}}}]}),
        {f"FieldValueNotSupported {C0}.env[0].valueFrom.resourceFieldRef.resource"},
    ),
    (
        "resources of the whole pod",
        pod(
            {"resources": {"requests": {"cpu": "2"}, "limits": {"memory": "2Gi"}}},
            resources={"requests": {"cpu": "1", "nvidia.com/gpu": "1"}, "limits": {"memory": "1Gi", "cpu": "500m"}},
        ),
        {
            "FieldValueNotSupported spec.resources.requests[nvidia.com/gpu]",
            "FieldValueRequired spec.resources.limits",
            "FieldValueInvalid spec.resources.requests",
            "FieldValueInvalid spec.resources.requests[cpu]",
            f"FieldValueInvalid {C0}.resources.limits[memory]",
        },
    ),
    (
        "a file of no volume",
        pod({"env": [{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "v", "path": "../env", "key": "a b="}}}]}),
        {
            f"FieldValueInvalid {C0}.env[0].valueFrom.fileKeyRef.key",
            f"FieldValueNotFound {C0}.env[0].valueFrom.fileKeyRef.volumeName",
            f"FieldValueInvalid {C0}.env[0].valueFrom.fileKeyRef.path",
        },
    ),
    (
        "a file of another volume than an emptyDir",
        pod(
            {"env": [{"name": "A", "valueFrom": {"fileKeyRef": {"volumeName": "v", "key": "A"}}}]},
            volumes=[{"name": "v", "configMap": {"name": "c"}}],
        ),
        {
            f"FieldValueInvalid {C0}.env[0].valueFrom.fileKeyRef.volumeName",
            f"FieldValueRequired {C0}.env[0].valueFrom.fileKeyRef.path",
        },
    ),
    ("envFrom without source", pod({"envFrom": [{"prefix": "A"}]}), {f"FieldValueInvalid {C0}.envFrom"}),
    (
        "two probe faults",
        pod({"livenessProbe": {"httpGet": {"port": "no_port"}, "periodSeconds": -1}}),
        {f"FieldValueInvalid {C0}.livenessProbe.httpGet.port", f"FieldValueInvalid {C0}.livenessProbe.periodSeconds"},
    ),
    (
        "probe scheme",
        pod({"readinessProbe": {"httpGet": {"port": 80, "scheme": "FTP"}}}),
        {f"FieldValueNotSupported {C0}.readinessProbe.httpGet.scheme"},
    ),
    (
        "grace of a readiness probe",
        pod({"readinessProbe": {"tcpSocket": {"port": 80}, "terminationGracePeriodSeconds": 3}}),
        {f"FieldValueInvalid {C0}.readinessProbe.terminationGracePeriodSeconds"},
    ),
    (
        "hook port",
        pod({"lifecycle": {"postStart": {"tcpSocket": {"port": 0}}}}),
        {f"FieldValueInvalid {C0}.lifecycle.postStart.tcpSocket.port"},
    ),
    ("message policy", pod({"terminationMessagePolicy": "Shout"}), {f"FieldValueNotSupported {C0}.terminationMessagePolicy"}),
    ("image with a space", pod({"image": " app"}), {f"FieldValueInvalid {C0}.image"}),
    ("restart policy of a container", pod({"restartPolicy": "Once"}), {f"FieldValueNotSupported {C0}.restartPolicy"}),
    (
        "restart rules of a container",
        pod({"restartPolicyRules": [{"action": "Stop"}, {"action": "Restart", "exitCodes": {"operator": "Is"}}]}),
        {
            f"FieldValueRequired {C0}.restartPolicy",
            f"FieldValueNotSupported {C0}.restartPolicyRules[0].action",
            f"FieldValueRequired {C0}.restartPolicyRules[0].exitCodes",
            f"FieldValueNotSupported {C0}.restartPolicyRules[1].exitCodes.operator",
            f"FieldValueInvalid {C0}.restartPolicyRules[1].exitCodes.values",
        },
    ),
    (
        "extended resource without limit",
        pod({"resources": {"requests": {"example.com/gpu": "1"}}}),
        {f"FieldValueRequired {C0}.resources.limits"},
    ),
    (
        "a fraction of a device",
        pod({"resources": {"limits": {"example.com/gpu": "500m"}}}),
        {
            f"FieldValueInvalid {C0}.resources.limits[example.com/gpu]",
            f"FieldValueInvalid {C0}.resources.requests[example.com/gpu]",
        },
    ),
    (
        "privileges at odds",
        pod({"securityContext": {"privileged": True, "allowPrivilegeEscalation": False}}),
        {f"FieldValueInvalid {C0}.securityContext"},
    ),
    ("proc mount", pod({"securityContext": {"procMount": "Open"}}), {f"FieldValueNotSupported {C0}.securityContext.procMount"}),
    (
        "seccomp without profile",
        pod({"securityContext": {"seccompProfile": {"type": "Localhost"}}}),
        {f"FieldValueRequired {C0}.securityContext.seccompProfile.localhostProfile"},
    ),
    (
        "bidirectional without privilege",
        pod({"volumeMounts": [{"name": "v", "mountPath": "/v", "mountPropagation": "Bidirectional"}]}, volumes=[{"name": "v"}]),
        {f"FieldValueForbidden {C0}.volumeMounts.mountPropagation"},
    ),
    (
        "block device of a directory",
        pod({"volumeDevices": [{"name": "v", "devicePath": "/dev/x"}]}, volumes=[{"name": "v"}]),
        {f"FieldValueInvalid {C0}.volumeDevices[0].name"},
    ),
    ("volume without name", volume(name=""), {f"FieldValueRequired {V0}.name"}),
    ("host path type", volume(hostPath={"path": "/x", "type": "Hole"}), {f"FieldValueNotSupported {V0}.hostPath.type"}),
    ("file mode", volume(secret={"secretName": "s", "defaultMode": 0o1000}), {f"FieldValueInvalid {V0}.secret.defaultMode"}),
    ("config map without name", volume(configMap={}), {f"FieldValueRequired {V0}.configMap.name"}),
    ("claim without name", volume(persistentVolumeClaim={}), {f"FieldValueRequired {V0}.persistentVolumeClaim.claimName"}),
    ("relative nfs path", volume(nfs={"server": "a", "path": "x"}), {f"FieldValueInvalid {V0}.nfs.path"}),
    ("empty dir below zero", volume(emptyDir={"sizeLimit": "-1"}), {f"FieldValueForbidden {V0}.emptyDir.sizeLimit"}),
    (
        "downward file without source",
        volume(downwardAPI={"items": [{"path": "a"}]}),
        {f"FieldValueRequired {V0}.downwardAPI"},
    ),
    (
        "projected paths collide",
        volume(
            projected={
                "sources": [
                    {"secret": {"name": "a", "items": [{"key": "k", "path": "x"}]}},
                    {"configMap": {"name": "b", "items": [{"key": "k", "path": "x"}]}},
                ]
            }
        ),
        {f"FieldValueInvalid {V0}.projected"},
    ),
    (
        "short-lived token",
        volume(projected={"sources": [{"serviceAccountToken": {"path": "t", "expirationSeconds": 10}}]}),
        {f"FieldValueInvalid {V0}.projected.sources[0].serviceAccountToken.expirationSeconds"},
    ),
    ("csi driver", volume(csi={"driver": "a_b"}), {f"FieldValueInvalid {V0}.csi.driver"}),
    (
        "probe of an init container",
        pod(initContainers=[{"name": "i", "image": "x", "readinessProbe": {"tcpSocket": {"port": 1}}}]),
        {"FieldValueForbidden spec.initContainers[0].readinessProbe"},
    ),
    (
        "ephemeral container on create",
        pod(ephemeralContainers=[{"name": "e", "image": "x"}]),
        {"FieldValueForbidden spec.ephemeralContainers"},
    ),
    (
        "service account name",
        pod(subdomain="A", hostname="b."),
        {"FieldValueInvalid spec.hostname", "FieldValueInvalid spec.subdomain"},
    ),
    ("node name", pod(nodeName="A_b"), {"FieldValueInvalid spec.nodeName"}),
    ("deadline of zero", pod(activeDeadlineSeconds=0), {"FieldValueInvalid spec.activeDeadlineSeconds"}),
    ("name server", pod(dnsConfig={"nameservers": ["x"]}), {"FieldValueInvalid spec.dnsConfig.nameservers[0]"}),
    ("four name servers", pod(dnsConfig={"nameservers": ["1.1.1.1"] * 4}), {"FieldValueInvalid spec.dnsConfig.nameservers"}),
    (
        "readiness gate",
        pod(readinessGates=[{"conditionType": "a b"}]),
        {"FieldValueInvalid spec.readinessGates[0].conditionType"},
    ),
    ("gated and bound", pod(nodeName="n", schedulingGates=[{"name": "a/b"}]), {"FieldValueForbidden spec.nodeName"}),
    (
        "the same gate twice",
        pod(schedulingGates=[{"name": "a"}, {"name": "a"}]),
        {"FieldValueDuplicate spec.schedulingGates[1]"},
    ),
    (
        "sysctl",
        pod(securityContext={"sysctls": [{"name": "A", "value": "1"}]}),
        {"FieldValueInvalid spec.securityContext.sysctls[0].name"},
    ),
    (
        "group policy",
        pod(securityContext={"fsGroupChangePolicy": "x"}),
        {"FieldValueNotSupported spec.securityContext.fsGroupChangePolicy"},
    ),
    (
        "toleration without key",
        pod(tolerations=[{"operator": "Equal", "value": "x"}]),
        {"FieldValueInvalid spec.tolerations[0].operator"},
    ),
    (
        "toleration operator",
        pod(tolerations=[{"key": "a", "operator": "In"}]),
        {"FieldValueNotSupported spec.tolerations[0].operator"},
    ),
    (
        "toleration effect",
        pod(tolerations=[{"key": "a", "effect": "Never"}]),
        {"FieldValueNotSupported spec.tolerations[0].effect"},
    ),
    (
        "spread without skew",
        pod(topologySpreadConstraints=[{"topologyKey": "z", "whenUnsatisfiable": "DoNotSchedule", "labelSelector": {}}]),
        {"FieldValueInvalid spec.topologySpreadConstraints[0].maxSkew"},
    ),
    (
        "weight of a preference",
        pod(
            affinity={
                "nodeAffinity": {
                    "preferredDuringSchedulingIgnoredDuringExecution": [
                        {"weight": 101, "preference": {"matchExpressions": [{"key": "a", "operator": "Exists"}]}}
                    ]
                }
            }
        ),
        {"FieldValueInvalid spec.affinity.nodeAffinity.preferredDuringSchedulingIgnoredDuringExecution[0].weight"},
    ),
    (
        "values for Exists",
        pod(
            affinity={
                "nodeAffinity": {
                    "requiredDuringSchedulingIgnoredDuringExecution": {
                        "nodeSelectorTerms": [{"matchExpressions": [{"key": "a", "operator": "Exists", "values": ["b"]}]}]
                    }
                }
            }
        ),
        {
            "FieldValueForbidden spec.affinity.nodeAffinity.requiredDuringSchedulingIgnoredDuringExecution.nodeSelectorTerms[0]"
            ".matchExpressions[0].values"
        },
    ),
    ("os", pod(os={"name": "plan9"}), {"FieldValueNotSupported spec.os"}),
    ("host users on the host's network", pod(hostUsers=False, hostNetwork=True), {"FieldValueForbidden spec.hostNetwork"}),
    ("hostname override", pod(hostnameOverride="Not-RFC1123"), {"FieldValueInvalid spec.hostnameOverride"}),
    ("long hostname override", pod(hostnameOverride="a" * 65), {"FieldValueTooLong spec.hostnameOverride"}),
    (
        "hostname override of others' names",
        pod(hostnameOverride="h", hostNetwork=True, setHostnameAsFQDN=True),
        {"FieldValueForbidden spec.hostnameOverride"},
    ),
    (
        "sleep beyond its time",
        pod({"lifecycle": {"preStop": {"sleep": {"seconds": 31}}}}),
        {f"FieldValueInvalid {C0}.lifecycle.preStop.sleep"},
    ),
    (
        "deletion cost",
        pod(meta={"annotations": {"controller.kubernetes.io/pod-deletion-cost": "x"}}),
        {"FieldValueInvalid metadata.annotations[controller.kubernetes.io/pod-deletion-cost]"},
    ),
]


@pytest.mark.parametrize(("body", "wanted"), [pytest.param(b, w, id=n) for n, b, w in REFUSED])
def test_refused(world: Any, refused: Any, body: dict[str, Any], wanted: set[str]) -> None:
    assert refused(world.create, "pods", body) == wanted


ACCEPTED = [
    pod({"env": [{"name": "a.b-c d", "value": "x"}]}),
    pod({"lifecycle": {"preStop": {"sleep": {"seconds": 5}}}}),
    pod({"lifecycle": {"preStop": {"sleep": {"seconds": 0}}}}),  # Kubernetes 1.34
    pod(hostname="h", subdomain="s", hostnameOverride="override.example.host"),
    pod({"readinessProbe": {"grpc": {"port": 80}}}),
    pod(initContainers=[{"name": "i", "image": "x", "restartPolicy": "Always", "readinessProbe": {"tcpSocket": {"port": 1}}}]),
    volume(
        projected={"sources": [{"downwardAPI": {"items": [{"path": "l", "fieldRef": {"fieldPath": "metadata.labels['a']"}}]}}]}
    ),
    pod({"resources": {"limits": {"hugepages-2Mi": "4Mi", "cpu": "1"}}}),
    pod(
        dnsPolicy="None",
        dnsConfig={"nameservers": ["10.0.0.1"], "searches": ["a.b."], "options": [{"name": "ndots", "value": "5"}]},
    ),
]


@pytest.mark.parametrize("body", ACCEPTED)
def test_accepted(world: Any, body: dict[str, Any]) -> None:
    assert world.create("pods", body).status.phase == "Pending"


def test_a_pod_asks_for_what_its_containers_ask_for_where_it_does_not_say(world: Any) -> None:
    asked = {"resources": {"requests": {"cpu": "100m"}, "limits": {"memory": "64Mi"}}}
    spec = world.create("pods", pod(asked, resources={"limits": {"cpu": "1", "memory": "1Gi", "hugepages-2Mi": "2Mi"}})).spec
    assert dict(spec.resources.requests) == {"cpu": "100m", "memory": "64Mi", "hugepages-2Mi": "2Mi"}
    assert dict(spec.resources.limits) == {"cpu": "1", "memory": "1Gi", "hugepages-2Mi": "2Mi"}


def test_the_message_is_that_of_kubernetes(world: Any) -> None:
    with pytest.raises(Exception, match="is invalid") as caught:
        world.create("pods", pod({"ports": [{"containerPort": 70000}]}))
    where = "spec.containers[0].ports[0].containerPort"
    assert str(caught.value) == f'Pod "p" is invalid: {where}: Invalid value: 70000: must be between 1 and 65535, inclusive'


def test_token_is_mounted_once_where_it_is_missing(world: Any) -> None:
    made = world.create(
        "pods",
        pod(
            {"volumeMounts": [{"name": "v", "mountPath": "/v"}]},
            volumes=[{"name": "v"}],
            automountServiceAccountToken=True,
            initContainers=[{"name": "i", "image": "x"}],
        ),
    )
    spec = made.spec
    assert [v.name.startswith("kube-api-access-") for v in spec.volumes] == [False, True]
    for c in (*spec.containers, *spec.init_containers):
        assert c.volume_mounts[-1].mount_path == "/var/run/secrets/kubernetes.io/serviceaccount"
        assert c.volume_mounts[-1].name == spec.volumes[-1].name


def test_account_decides_about_its_token_and_pull_secrets(world: Any) -> None:
    world.create(
        "serviceaccounts",
        {
            "metadata": {"name": "quiet"},
            "automountServiceAccountToken": False,
            "imagePullSecrets": [{"name": "pull"}],
        },
    )
    body = pod(serviceAccountName="quiet")
    del body["spec"]["automountServiceAccountToken"]
    made = world.create("pods", body)
    assert (made.spec.volumes, made.spec.service_account, made.spec.image_pull_secrets[0].name) == ((), "quiet", "pull")


def test_missing_account_is_forbidden(world: Any) -> None:
    with pytest.raises(Forbidden) as caught:
        world.create("pods", pod(serviceAccountName="nobody"))
    assert str(caught.value) == (
        'pods "p" is forbidden: error looking up service account ns/nobody: serviceaccount "nobody" not found'
    )


def test_pod_may_come_before_the_default_account_of_a_new_namespace(world: Any, refused: Any) -> None:
    world.drop(world.view.get(core_v1.ServiceAccount, "default", "ns"))
    refused(world.create, "pods", pod(), code=403)
    world.create("namespaces", {"metadata": {"name": "young"}})
    assert world.create("pods", pod(meta={"namespace": "young"})).spec.service_account_name == "default"


def test_priority_is_computed(world: Any, refused: Any) -> None:
    assert world.create("pods", pod(priorityClassName="system-cluster-critical")).spec.priority == 2_000_000_000
    refused(world.create, "pods", pod(priority=7), code=403)
    refused(world.create, "pods", pod(priorityClassName="unknown"), code=403)


@pytest.mark.parametrize(
    ("resources", "wanted"),
    [
        ([{}, {}], "BestEffort"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}], "Guaranteed"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}}, {}], "Burstable"),
        ([{"limits": {"cpu": "1"}}], "Burstable"),
        ([{"limits": {"cpu": "1", "memory": "1Gi"}, "requests": {"cpu": "500m"}}], "Burstable"),
        ([{"limits": {"example.com/x": "1"}}], "BestEffort"),
    ],
)
def test_quality_of_service(world: Any, resources: list[dict[str, Any]], wanted: str) -> None:
    body = pod()
    body["spec"]["containers"] = [{"name": f"c{i}", "image": "x", "resources": r} for i, r in enumerate(resources)]
    assert world.create("pods", body).status.qos_class == wanted


# --- updates ---


def test_images_deadline_tolerations_and_labels_may_change(world: Any) -> None:
    old = world.create("pods", pod())
    tolerations = [
        *({"key": t.key, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 9} for t in old.spec.tolerations),
        {"key": "more", "operator": "Exists"},
    ]
    new = world.change(
        old,
        metadata={"labels": {"a": "b"}},
        spec={
            "containers": [{**pod()["spec"]["containers"][0], "image": "app:2"}],
            "activeDeadlineSeconds": 30,
            "tolerations": tolerations,
        },
    )
    assert (new.spec.containers[0].image, new.spec.active_deadline_seconds, len(new.spec.tolerations)) == ("app:2", 30, 3)
    assert (old.metadata.generation, new.metadata.generation) == (1, 2)


def test_a_generation_counts_what_is_asked_of_a_node(world: Any) -> None:
    """KEP-5067: from 1, whatever a creator says; not for metadata, a status, or the node that it is bound to."""
    old = world.create("pods", pod(meta={"generation": 100}))
    assert old.metadata.generation == 1
    for change in ({"metadata": {"annotations": {"a": "b"}}}, {"metadata": {"generation": 7}}):
        assert world.change(old, **change).metadata.generation == 1
    assert world.change(old, "status", status={"phase": "Running"}).metadata.generation == 1
    extra = world.change(old, "ephemeralcontainers", spec={"ephemeralContainers": [{"name": "e", "image": "x"}]})
    assert extra.metadata.generation == 2
    bind = Bind(namespace="ns", name="p", node="n")
    scheduled = bound(extra, bind, world.ctx())
    (condition,) = scheduled.status.conditions
    assert (scheduled.metadata.generation, condition.observed_generation) == (2, 2)


@pytest.mark.parametrize(
    ("spec", "wanted"),
    [
        ({"hostname": "x"}, {"FieldValueForbidden spec"}),
        ({"nodeName": "n"}, {"FieldValueForbidden spec"}),
        ({"restartPolicy": "Never"}, {"FieldValueForbidden spec"}),
        ({"terminationGracePeriodSeconds": 1}, {"FieldValueForbidden spec"}),
        ({"tolerations": []}, {"FieldValueForbidden spec.tolerations"}),
        ({"activeDeadlineSeconds": 60}, {"FieldValueInvalid spec.activeDeadlineSeconds"}),
        ({"activeDeadlineSeconds": None}, {"FieldValueInvalid spec.activeDeadlineSeconds"}),
        (
            {"containers": [{"name": "c", "image": "app:1"}, {"name": "d", "image": "x"}]},
            {"FieldValueForbidden spec.containers"},
        ),
        ({"schedulingGates": [{"name": "g"}]}, {"FieldValueForbidden spec.schedulingGates[0].name"}),
    ],
)
def test_all_else_of_a_pod_may_not(world: Any, refused: Any, spec: dict[str, Any], wanted: set[str]) -> None:
    old = world.create("pods", pod(activeDeadlineSeconds=30))
    if spec == {"tolerations": []}:  # the two that every pod gets come back: take one that does not
        old = world.keep(replace(old, spec=replace(old.spec, tolerations=(core_v1.Toleration(key="k", operator="Exists"),))))
    assert refused(world.change, old, spec=spec) == wanted


def test_a_negative_grace_period_may_become_1(world: Any) -> None:
    old = world.create("pods", pod())
    old = world.keep(replace(old, spec=replace(old.spec, termination_grace_period_seconds=-1)))
    assert world.change(old, spec={"terminationGracePeriodSeconds": 1}).spec.termination_grace_period_seconds == 1


def test_status_changes_through_its_own_door(world: Any, refused: Any) -> None:
    old = world.create("pods", pod())
    same = world.change(old, status={"phase": "Running"})
    assert same.status.phase == "Pending"
    new = world.change(old, "status", status={"phase": "Running", "podIP": "10.0.0.1"}, spec={"hostname": "x"})
    assert (new.status.phase, new.spec.hostname, new.status.pod_ips[0].ip) == ("Running", "", "10.0.0.1")
    assert refused(world.change, new, "status", status={"qosClass": "Guaranteed"}) == {"FieldValueInvalid status.qosClass"}


def test_ended_containers_stay_ended(world: Any, refused: Any) -> None:
    old = world.create("pods", pod(restartPolicy="Never"))
    ended = {"name": "c", "state": {"terminated": {"exitCode": 0}}}
    old = world.change(old, "status", status={"containerStatuses": [ended]})
    runs = {"name": "c", "state": {"running": {}}}
    found = refused(world.change, old, "status", status={"containerStatuses": [runs]})
    assert found == {"FieldValueForbidden status.containerStatuses[0].state"}


def test_ephemeral_containers_are_only_added(world: Any, refused: Any) -> None:
    old = world.create("pods", pod())
    one = {"name": "e", "image": "x"}
    assert refused(world.change, old, spec={"ephemeralContainers": [one]}) == {"FieldValueForbidden spec"}
    new = world.change(old, "ephemeralcontainers", spec={"ephemeralContainers": [one]})
    assert new.spec.ephemeral_containers[0].image_pull_policy == "Always"
    door = (world.change, new, "ephemeralcontainers")
    assert refused(*door, spec={"ephemeralContainers": []}) == {"FieldValueForbidden spec.ephemeralContainers"}
    ports = {**one, "name": "f", "ports": [{"containerPort": 1}]}
    found = refused(*door, spec={"ephemeralContainers": [one, ports]})
    assert found == {"FieldValueForbidden spec.ephemeralContainers[1].ports"}


def test_pod_in_a_namespace_that_is_missing_or_ends(world: Any, refused: Any) -> None:
    refused(world.create, "pods", pod(meta={"namespace": "none"}), code=404)
    ending = core_v1.NamespaceStatus(phase="Terminating")
    world.keep(core_v1.Namespace(metadata=ObjectMeta(name="ending", uid="e"), status=ending))
    found = refused(world.create, "pods", pod(meta={"namespace": "ending"}), code=403)
    assert found == {"NamespaceTerminating metadata.namespace"}


def test_what_is_probably_not_meant_is_told(world: Any) -> None:
    body = pod(
        {
            "env": [{"name": "A", "value": "1"}, {"name": "A", "value": "2"}],
            "ports": [{"containerPort": 80, "name": "a"}, {"containerPort": 80, "name": "b"}],
            "resources": {"limits": {"memory": "100m"}},
        },
        terminationGracePeriodSeconds=-1,
    )
    obj = world.decode("pods", body)
    ctx = world.ctx()
    PodStrategy().create(world.kinds["pods"], default_pod(replace(obj, metadata=replace(obj.metadata, namespace="ns"))), ctx)
    assert ctx.warnings == [
        'spec.containers[0].env[1]: hides previous definition of "A", which may be dropped when using apply',
        "spec.containers[0].ports[1]: duplicate port definition with spec.containers[0].ports[0]",
        'spec.containers[0].resources.limits[memory]: fractional byte value "100m" is invalid, must be an integer',
        'spec.containers[0].resources.requests[memory]: fractional byte value "100m" is invalid, must be an integer',
        "spec.terminationGracePeriodSeconds: must be >= 0; negative values are invalid and will be treated as 1",
    ]


def test_eviction_asks_the_budget(world: Any, refused: Any) -> None:
    made = world.create("pods", pod(meta={"labels": {"a": "b"}}))
    ready = core_v1.PodCondition(type="Ready", status="True")
    runs = replace(made, status=replace(made.status, phase="Running", conditions=(ready,)))
    assert admit_eviction(runs, world.ctx()) is None
    held = {"metadata": {"name": "b"}, "spec": {"minAvailable": 1, "selector": {"matchLabels": {"a": "b"}}}}
    if "poddisruptionbudgets" in world.kinds:
        world.create("poddisruptionbudgets", held)
        assert refused(admit_eviction, runs, world.ctx(), code=429) == {"DisruptionBudget"}
        assert admit_eviction(made, world.ctx()) is None
