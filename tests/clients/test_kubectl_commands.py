"""Every command that kubectl has, run against a cluster: the list is kubectl's own, and one that no row covers fails the test.

Nodes are simulated; what needs a process to talk to (attach, cp, port-forward) runs in tests/e2e/test_kubectl_streams.py."""

import base64
import json
import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from msgspec import Struct

from shipslog.engine.library import Background
from shipslog.engine.testing.cluster import serving
from shipslog.testing import TestCluster
from tests.runtime.certificates import self_signed

KUBECTL = Path(sys.prefix) / "kubectl" / "kubectl-1.37"
pytestmark = pytest.mark.kubectl


class Step(Struct, frozen=True):
    """One call: its arguments, what it is given, and what it says and ends with."""

    arguments: str
    says: str = ""  # a pattern that is found in what it says
    code: int = 0
    given: Any = None  # for its standard input
    edits: bool = False  # whether the editor that it calls changes `k: v` into `k: changed`


def step(arguments: str, says: str = "", code: int = 0, given: Any = None, edits: bool = False) -> Step:
    return Step(arguments, says, code, given, edits)


POD = {
    "apiVersion": "v1",
    "kind": "Pod",
    "metadata": {"name": "p", "labels": {"app": "p"}},
    "spec": {"containers": [{"name": "c", "image": "i"}]},
}
RESIZE = '{"spec":{"containers":[{"name":"c","resources":{"requests":{"cpu":"1"}}}]}}'
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "m"}, "data": {"k": "v"}}
ROLE = {
    "apiVersion": "rbac.authorization.k8s.io/v1",
    "kind": "Role",
    "metadata": {"name": "reconciled", "namespace": "default"},
    "rules": [{"apiGroups": [""], "resources": ["pods"], "verbs": ["get"]}],
}


def request(name: str) -> dict[str, Any]:
    """A CertificateSigningRequest that somebody may approve."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "jane")])
    pem = x509.CertificateSigningRequestBuilder().subject_name(subject).sign(key, hashes.SHA256())
    text = base64.b64encode(pem.public_bytes(serialization.Encoding.PEM)).decode()
    spec = {"request": text, "signerName": "kubernetes.io/kube-apiserver-client", "usages": ["client auth"]}
    return {
        "apiVersion": "certificates.k8s.io/v1",
        "kind": "CertificateSigningRequest",
        "metadata": {"name": name},
        "spec": spec,
    }


DEPLOYED = (
    step("create deployment web --image=i --replicas=2", "deployment.apps/web created"),
    step("rollout status deployment/web --timeout=30s", "successfully rolled out"),
)
# What shows help and does nothing else: the commands below them are what one runs.
GROUPS = ("auth", "certificate", "config", "create secret", "create service", "kuberc", "plugin", "rollout", "set", "top")
ELSEWHERE = "tests/e2e/test_kubectl_streams.py"
# By command: the calls, in a namespace of their own; or the module that has them.
ROWS: dict[str, tuple[Step, ...] | str] = {
    "annotate": (
        step("create -f -", given=MAP),
        step("annotate cm m note=x", "annotated"),
        step("get cm m -o yaml", "note: x"),
    ),
    "api-resources": (
        step("api-resources", r"pods +po +v1 +true +Pod"),
        step("api-resources --api-group=metrics.k8s.io", "NodeMetrics"),
    ),
    "api-versions": (step("api-versions", "apps/v1(?s:.*)metrics.k8s.io/v1beta1"),),
    "apply": (
        step("apply -f -", "created", given=MAP),
        step("apply -f -", "unchanged", given=MAP),
        step("apply --server-side --force-conflicts -f -", "serverside-applied", given=MAP | {"data": {"k": "w"}}),
    ),
    "apply edit-last-applied": (
        step("apply -f -", given=MAP),
        step("apply edit-last-applied cm/m", "edited|configured", edits=True),
    ),
    "apply set-last-applied": (
        step("create -f -", given=MAP),
        step("apply set-last-applied -f - --create-annotation", "configured", given=MAP),
    ),
    "apply view-last-applied": (step("apply -f -", given=MAP), step("apply view-last-applied cm/m", "k: v")),
    "attach": ELSEWHERE,
    "auth can-i": (step("auth can-i create pods", "^yes"), step("auth can-i list pods --as=jane", "no", code=1)),
    "auth reconcile": (step("auth reconcile -f - -n default", "reconciled", given=ROLE),),
    "auth whoami": (step("auth whoami", "system:admin"),),
    "autoscale": (
        *DEPLOYED,
        step("autoscale deployment web --min=1 --max=3 --cpu=50%", "autoscaled"),
        step("get hpa web", "web"),
    ),
    "certificate approve": (
        step("create -f -", given=request("mine")),
        step("certificate approve mine", "approved"),
        step("get csr mine", "Approved"),
    ),
    "certificate deny": (step("create -f -", given=request("not-mine")), step("certificate deny not-mine", "denied")),
    "cluster-info": (step("cluster-info", "control plane.*is running at"),),
    "cluster-info dump": (step("cluster-info dump -n {ns} --output=json", '"kind": "NodeList"'),),
    "completion": tuple(step(f"completion {shell}", "kubectl") for shell in ("bash", "zsh", "fish", "powershell")),
    "config current-context": (step("config current-context", "."),),
    "config delete-cluster": (
        step("config set-cluster x --server=https://x"),
        step("config delete-cluster x", "deleted cluster x"),
    ),
    "config delete-context": (step("config set-context x"), step("config delete-context x", "deleted context x")),
    "config delete-user": (step("config set-credentials x --token=t"), step("config delete-user x", "deleted user x")),
    "config get-clusters": (step("config get-clusters", "NAME"),),
    "config get-contexts": (step("config get-contexts", "CURRENT"),),
    "config get-users": (step("config get-users", "NAME"),),
    "config rename-context": (
        step("config set-context x"),
        step("config rename-context x y", "renamed"),
        step("config delete-context y"),
    ),
    "config set": (
        step("config set clusters.z.server https://z", 'Property "clusters.z.server" set'),
        step("config delete-cluster z"),
    ),
    "config set-cluster": (step("config set-cluster x --server=https://x", 'Cluster "x" set'),),
    "config set-context": (step("config set-context x", "Context"),),
    "config set-credentials": (step("config set-credentials x --token=t", 'User "x" set'),),
    "config unset": (step("config set-context x"), step("config unset contexts.x", "unset")),
    "config use-context": (step("config use-context nothing", "no context exists", code=1),),
    "config view": (step("config view", "current-context"),),
    "cordon": (step("cordon node-1", "cordoned"), step("get node node-1", "SchedulingDisabled"), step("uncordon node-1")),
    "cp": ELSEWHERE,
    "create": (step("create -f -", "configmap/m created", given=MAP), step("create -f -", "already exists", code=1, given=MAP)),
    "create clusterrole": (step("create clusterrole reader --verb=get --resource=pods", "created"),),
    "create clusterrolebinding": (step("create clusterrolebinding b --clusterrole=reader --user=jane", "created"),),
    "create configmap": (step("create configmap lit --from-literal=a=b", "created"), step("get cm lit -o yaml", "a: b")),
    "create cronjob": (step("create cronjob c --image=i --schedule=*/5_*_*_*_*", "created"),),
    "create deployment": DEPLOYED,
    "create ingress": (step("create ingress i --rule=example.com/*=web:80", "created"),),
    "create job": (step("create job j --image=i", "created"), step("get job j", "j")),
    "create namespace": (step("create namespace {ns}-more", "created"), step("delete namespace {ns}-more", "deleted")),
    "create poddisruptionbudget": (step("create pdb b --selector=app=x --min-available=1", "created"),),
    "create priorityclass": (step("create priorityclass high-{ns} --value=10", "created"),),
    "create quota": (step("create quota q --hard=pods=10", "created"),),
    "create role": (step("create role r --verb=get --resource=pods", "created"),),
    "create rolebinding": (step("create rolebinding r --role=r --user=jane", "created"),),
    "create secret docker-registry": (
        step("create secret docker-registry d --docker-username=u --docker-password=p --docker-server=r", "created"),
    ),
    "create secret generic": (step("create secret generic s --from-literal=a=b", "created"),),
    "create secret tls": (step("create secret tls t --cert={dir}/tls.crt --key={dir}/tls.key", "created"),),
    "create service clusterip": (step("create service clusterip one --tcp=80:80", "created"),),
    "create service externalname": (step("create service externalname two --external-name=example.com", "created"),),
    "create service loadbalancer": (step("create service loadbalancer three --tcp=80:80", "created"),),
    "create service nodeport": (step("create service nodeport four --tcp=80:80", "created"),),
    "create serviceaccount": (step("create serviceaccount robot", "created"),),
    "create token": (step("create serviceaccount robot"), step("create token robot", r"^ey[\w.-]+\.[\w.-]+\.")),
    "debug": (
        step("create -f -", given=POD),
        step("wait --for=condition=Ready pod/p --timeout=30s"),
        step("debug p --image=tools -c extra --profile=general -- sleep 1", "Targeting|extra|^$"),
        step("get pod p -o jsonpath={.spec.ephemeralContainers[*].name}", "extra"),
        step("debug p --image=tools --copy-to=copy --profile=general -- sleep 1", ""),
        step("get pod copy", "copy"),
        step("debug node/node-0 --image=tools --profile=general -- sleep 1", "Creating debugging pod"),
    ),
    "delete": (step("create -f -", given=MAP), step("delete cm m", "deleted"), step("get cm m", "NotFound", code=1)),
    "describe": (
        step("create -f -", given=POD),
        step("wait --for=condition=Ready pod/p --timeout=30s"),
        step("describe pod p", "Status: +Running"),
        step("describe node node-0", "Allocated resources"),
    ),
    "diff": (step("create -f -", given=MAP), step("diff -f -", r"\+ +k: w", code=1, given=MAP | {"data": {"k": "w"}})),
    "drain": (
        step("create -f -", given=POD | {"spec": POD["spec"] | {"nodeName": "node-1"}}),  # type: ignore[operator]
        step("wait --for=condition=Ready pod/p --timeout=30s"),
        step("drain node-1 --force --ignore-daemonsets --delete-emptydir-data --timeout=60s", "node/node-1 drained"),
        step("get pod p", "NotFound", code=1),
        step("uncordon node-1", "uncordoned"),
    ),
    "edit": (
        step("create -f -", given=MAP),
        step("edit cm m", "edited", edits=True),
        step("get cm m -o yaml", "changed"),
    ),
    "events": (
        step("create -f -", given=POD),
        step("wait --for=condition=Ready pod/p --timeout=30s"),
        step("events", "Started|Scheduled"),
    ),
    "exec": (
        step("create -f -", given=POD | {"metadata": {"name": "talks"}}),
        step("wait --for=condition=Ready pod/talks --timeout=30s"),
        step("exec talks -- echo x", "hello"),
        step("exec talks -- false", "exit code 3", code=3),
    ),
    "explain": (
        step("explain pods.spec.containers", "FIELDS"),
        step("explain deployment --recursive", "spec"),
        step("explain nodes --api-version=metrics.k8s.io/v1beta1", "window"),
    ),
    "expose": (*DEPLOYED, step("expose deployment web --port=80", "exposed"), step("get endpoints web", r"10\.\d")),
    "get": (
        step("get nodes -o wide", "node-0 +Ready"),
        step("get all -A", "service/kubernetes"),
        step("get --raw /readyz", "ok"),
        step("get --raw /api/v1/nodes/node-0/proxy/healthz", "ok"),
    ),
    "kuberc set": (step("kuberc set --kuberc={dir}/kuberc --section=aliases --name=made --command=get", ""),),
    "kuberc view": (
        step("kuberc set --kuberc={dir}/kuberc --section=aliases --name=seen --command=get", ""),
        step("kuberc view --kuberc={dir}/kuberc", "command: get"),
    ),
    "kustomize": (step("kustomize {dir}/kustom", "name: made-m"), step("apply -k {dir}/kustom", "configmap/made-m created")),
    "label": (step("create -f -", given=MAP), step("label cm m a=b", "labeled"), step("get cm -l a=b", "m")),
    "logs": (
        step("create -f -", given=POD | {"metadata": {"name": "talks"}}),
        step("wait --for=condition=Ready pod/talks --timeout=30s"),
        step("logs talks", "one\ntwo"),
        step("logs talks --tail=1", "^two"),
    ),
    "patch": (
        step("create -f -", given=MAP),
        step("""patch cm m -p {"data":{"k":"w"}}""", "patched"),
        step("""patch cm m --type=json -p [{"op":"remove","path":"/data/k"}]""", "patched"),
        step("create -f -", given=POD),
        step("wait --for=condition=Ready pod/p --timeout=30s"),
        step(f"patch pod p --subresource=resize -p {RESIZE}", "QOS Class may not change", code=1),
    ),
    "plugin list": (step("plugin list", "unable to find any kubectl plugins", code=1),),
    "port-forward": ELSEWHERE,
    "proxy": "tests/clients/test_kubectl_proxy.py",
    "replace": (step("create -f -", given=MAP), step("replace -f -", "replaced", given=MAP | {"data": {"k": "w"}})),
    "rollout history": (*DEPLOYED, step("rollout history deployment/web", "REVISION")),
    "rollout pause": (*DEPLOYED, step("rollout pause deployment/web", "paused")),
    "rollout restart": (
        *DEPLOYED,
        step("rollout restart deployment/web", "restarted"),
        step("rollout status deployment/web --timeout=30s"),
    ),
    "rollout resume": (*DEPLOYED, step("rollout pause deployment/web"), step("rollout resume deployment/web", "resumed")),
    "rollout status": DEPLOYED,
    "rollout undo": (
        *DEPLOYED,
        step("set image deployment/web i=other", "updated"),
        step("rollout status deployment/web --timeout=30s"),
        step("rollout undo deployment/web", "rolled back"),
        step("get deployment web -o jsonpath={.spec.template.spec.containers[0].image}", "^i$"),
    ),
    "run": (
        step("run alone --image=i", "created"),
        step("wait --for=condition=Ready pod/alone --timeout=30s", "condition met"),
    ),
    "scale": (*DEPLOYED, step("scale deployment web --replicas=1", "scaled"), step("get deployment web", "1/1")),
    "set env": (*DEPLOYED, step("set env deployment/web A=b", "updated"), step("set env deployment/web --list", "A=b")),
    "set image": (*DEPLOYED, step("set image deployment/web *=other", "updated")),
    "set resources": (*DEPLOYED, step("set resources deployment/web --limits=cpu=1", "updated")),
    "set selector": (step("create service clusterip one --tcp=80:80"), step("set selector service one app=x", "updated")),
    "set serviceaccount": (*DEPLOYED, step("set serviceaccount deployment web default", "updated")),
    "set subject": (step("create rolebinding r --role=r --user=jane"), step("set subject rolebinding r --user=joe", "updated")),
    "taint": (step("taint node node-1 a=b:NoSchedule", "tainted"), step("taint node node-1 a-", "untainted")),
    "top node": (step("top node", r"node-0 +\d+m"),),
    "top pod": (
        step("create -f -", given=POD),
        step("wait --for=condition=Ready pod/p --timeout=30s"),
        step("top pod p --containers", r"p +c +10m +16Mi"),
    ),
    "uncordon": (step("cordon node-1"), step("uncordon node-1", "uncordoned")),
    "version": (step("version", "Server Version: v1.37"),),
    "wait": (step("create -f -", given=POD), step("wait --for=condition=Ready pod/p --timeout=30s", "condition met")),
}


@cache
def listed(*path: str) -> tuple[str, ...]:
    """The commands that kubectl names itself, those that have none below them, by asking for its help."""
    done = subprocess.run([str(KUBECTL), *path, "--help"], capture_output=True, text=True, timeout=60, check=True)
    if path:
        blocks = re.findall(r"^Available Commands:\n((?:  \S.*\n)+)", done.stdout, re.MULTILINE)
    else:
        blocks = re.findall(r"^[\w ()]+Commands[\w ()]*:\n((?:  \S.*\n)+)", done.stdout, re.MULTILINE)
    names = [line.split()[0] for block in blocks for line in block.splitlines()]
    found = [command for name in names for command in listed(*path, name)]
    mine = " ".join(path)
    return (*((mine,) if path and not (names and mine in GROUPS) else ()), *found)


@pytest.fixture(scope="module")
def served() -> Iterator[Background[TestCluster]]:
    if not KUBECTL.exists():
        pytest.skip("this kubectl is not here: see .ci/kubectl")
    with serving(nodes=2) as background:

        async def scripted(cluster: TestCluster) -> None:
            for name in ROWS:
                talks = cluster.container("talks", namespace_of(name))
                talks.answer("echo", stdout="hello\n")
                talks.answer("false", exit_code=3)
                talks.says("one", "two")

        background.run(scripted)
        yield background


@pytest.fixture(scope="module")
def directory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    made = tmp_path_factory.mktemp("kubectl")
    (made / "editor").write_text("#!/bin/sh\nexec sed -i 's/k: v/k: changed/' \"$1\"\n")
    (made / "editor").chmod(0o755)
    (made / "kuberc").write_text("apiVersion: kubectl.config.k8s.io/v1beta1\nkind: Preference\n")
    (made / "kustom").mkdir()
    (made / "kustom/m.yaml").write_text(json.dumps(MAP))
    (made / "kustom/kustomization.yaml").write_text('resources: ["m.yaml"]\nnamePrefix: made-\n')
    certificate, key = self_signed(made)
    certificate.rename(made / "tls.crt")
    key.rename(made / "tls.key")
    return made


def namespace_of(row: str) -> str:
    return "row-" + row.replace(" ", "-")


def test_no_command_is_left_out() -> None:
    if not KUBECTL.exists():
        pytest.skip("this kubectl is not here: see .ci/kubectl")
    assert len(listed()) > 80
    left_out = [command for command in listed() if command not in ROWS]
    assert not left_out, f"kubectl has these commands, and no row of ROWS runs them: {left_out}"
    assert not [row for row in ROWS if row not in listed()], "kubectl has no such commands any more"


@pytest.mark.parametrize("row", [name for name, steps in ROWS.items() if not isinstance(steps, str)])
def test_a_command_does_what_it_says(row: str, served: Background[TestCluster], directory: Path, tmp_path: Path) -> None:
    namespace, config = namespace_of(row), tmp_path / "config"
    shutil.copy(served.kubeconfig, config)
    environment = {**os.environ, "KUBECONFIG": str(config), "HOME": str(tmp_path), "PATH": "/usr/bin:/bin"}

    def call(one: Step) -> None:
        words = [w.format(ns=namespace, dir=directory) if "{ns}" in w or "{dir}" in w else w for w in one.arguments.split()]
        command = [str(KUBECTL), "--cache-dir", str(directory / "cache"), "-n", namespace]
        if words[0] in ("config", "completion", "kuberc", "plugin", "kustomize") or "-n" in words:
            command = command[:-2]
        command += [w.replace("_", " ") if w.startswith("--schedule") else w for w in words]
        done = subprocess.run(
            command, input=json.dumps(one.given) if one.given is not None else None, capture_output=True, text=True, timeout=90,
            env=environment | ({"KUBE_EDITOR": str(directory / "editor")} if one.edits else {}),
        )  # fmt: skip
        said = done.stdout + done.stderr
        assert done.returncode == one.code, f"kubectl {' '.join(words)}: ended with {done.returncode}: {said}"
        assert re.search(one.says, said, re.MULTILINE), f"kubectl {' '.join(words)}: {said}"

    call(step(f"create namespace {namespace}"))
    steps = ROWS[row]
    assert not isinstance(steps, str)
    for one in steps:
        call(one)


def test_what_runs_elsewhere_is_there() -> None:
    root = Path(__file__).parents[2]
    for row, where in ROWS.items():
        if isinstance(where, str):
            assert f'"{row}"' in (root / where).read_text(), f"{where} has no test that runs kubectl {row}"
