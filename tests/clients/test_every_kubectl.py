"""A user's day with each kubectl that is at hand: those of `make test`, and any that .ci/kubectl has put beside them."""

import json
import os
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from .conftest import POD, SAID, Shore

KUBECTLS = sorted((Path(sys.prefix) / "kubectl").glob("kubectl-*"))
pytestmark = pytest.mark.kubectl

DEPLOYMENT = {
    "apiVersion": "apps/v1",
    "kind": "Deployment",
    "metadata": {"name": "web"},
    "spec": {
        "replicas": 2,
        "selector": {"matchLabels": {"app": "web"}},
        "template": {"metadata": {"labels": {"app": "web"}}, "spec": {"containers": [{"name": "app", "image": "web:1"}]}},
    },
}
MAP = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "c"}, "data": {"a": "1"}}


@pytest.fixture(params=KUBECTLS, ids=lambda path: path.name)
def k(request: pytest.FixtureRequest, shore: Shore, tmp_path: Path) -> Callable[..., str]:
    environment = {**os.environ, "KUBECONFIG": str(shore.served.kubeconfig), "HOME": str(tmp_path)}

    def run(*arguments: str, stdin: object = None) -> str:
        text = json.dumps(stdin) if stdin is not None else None
        command = [str(request.param), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, input=text, env=environment, timeout=60, check=False)
        assert done.returncode == 0, f"kubectl {' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout

    return run


def test_a_day(k: Callable[..., str], tmp_path: Path) -> None:
    k("apply", "-f", "-", stdin=DEPLOYMENT)
    k("rollout", "status", "deployment/web", "--timeout=30s")
    k("apply", "-f", "-", stdin=DEPLOYMENT | {"metadata": {"name": "web", "labels": {"tier": "front"}}})
    k("set", "image", "deployment/web", "app=web:2")
    k("rollout", "status", "deployment/web", "--timeout=30s")
    assert len(k("rollout", "history", "deployment/web").strip().splitlines()) == 4
    k("rollout", "undo", "deployment/web")
    assert k("get", "deployment", "web", "-o", "jsonpath={..image}") == "web:1"
    k("scale", "deployment/web", "--replicas=3")
    k("patch", "deployment", "web", "-p", '{"spec":{"paused":true}}')
    k("label", "deployment", "web", "seen=yes")
    k("annotate", "deployment", "web", "note=x")
    assert "front" in k("get", "deployments", "--show-labels", "-o", "wide")
    assert "RollingUpdate" in k("describe", "deployment", "web")
    assert "rollingUpdate" in k("explain", "deployment.spec.strategy")
    k("apply", "--server-side", "-f", "-", stdin=MAP)
    assert "c " in k("get", "configmaps,secrets,serviceaccounts", "--chunk-size=1")
    k("expose", "deployment", "web", "--port=80")
    k("create", "job", "once", "--image=work:1")
    k("apply", "-f", "-", stdin=POD)
    k("wait", "--for=condition=Ready", "pod/web", "--timeout=30s")
    assert k("logs", "web") == SAID
    assert k("exec", "web", "--", "date") == "noon\n"
    (tmp_path / "kustomization.yaml").write_text("namePrefix: blue-\nresources: [one.yaml]\n")
    (tmp_path / "one.yaml").write_text(json.dumps({"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "one"}}))
    k("apply", "-k", str(tmp_path))
    assert "blue-one" in k("get", "configmaps")
    assert "deployments" in k("api-resources", "--namespaced=true") and "apps/v1" in k("api-versions")
    assert k("auth", "can-i", "delete", "pods").strip() == "yes"
    node = k("get", "nodes", "-o", "name").strip()
    k("cordon", node)
    k("uncordon", node)
    k("delete", "deployment,service,pod", "web", "--grace-period=0", "--force")
    k("delete", "configmaps", "--all")
