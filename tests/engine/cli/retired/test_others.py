"""update, stop, namespace, run: what they make, what they say, and what they refuse."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result

from shipslog import Cluster
from shipslog.engine.cli import main
from shipslog.engine.cli.retired import stop
from shipslog.engine.library import Background
from shipslog.store.objects.types import core_v1

from .test_rolling_update import controller, look, make


@pytest.fixture
def served() -> Iterator[Background[Cluster]]:
    with Cluster.serving() as served:
        yield served


def shipslog(served: Background[Cluster], *arguments: str, **options: Any) -> Result:
    return CliRunner().invoke(main, arguments, env={"KUBECONFIG": str(served.kubeconfig)}, **options)


def said(served: Background[Cluster], *arguments: str, **options: Any) -> str:
    done = shipslog(served, *arguments, **options)
    assert done.exit_code == 0, done.output
    return done.output


def test_run_makes_a_controller(served: Background[Cluster]) -> None:
    options = ("--image=nginx", "--replicas=2", "--port=80", "--env", "A=b=c", "--", "-x", "y")
    assert said(served, "run", "web", *options) == 'replicationcontroller "web" created\n'
    (rc,), _ = look(served)
    (container,) = rc.spec.template.spec.containers
    assert (rc.spec.replicas, rc.spec.selector, rc.metadata.labels) == (2, {"run": "web"}, {"run": "web"})
    assert (container.image, container.args, container.ports[0].container_port) == ("nginx", ("-x", "y"), 80)
    assert [(env.name, env.value) for env in container.env] == [("A", "b=c")]
    assert "already exists" in shipslog(served, "run", "web", "--image=nginx").stderr
    dry = yaml.safe_load(said(served, "run", "x", "--image=i", "--labels", "a=b,c=d", "--command", "--dry-run", "--", "sh"))
    assert dry["spec"]["selector"] == {"a": "b", "c": "d"}
    assert dry["spec"]["template"]["spec"]["containers"][0]["command"] == ["sh"]
    assert "--labels 'a': give KEY=VALUE" in shipslog(served, "run", "x", "--image=i", "-l", "a").stderr


def test_update_puts_a_file_in_the_place_or_patches(served: Background[Cluster], tmp_path: Path) -> None:
    make(served, controller("web", "1", "web:1"))
    file = tmp_path / "web.json"
    file.write_text(json.dumps(controller("web", "1", "web:2")))
    assert said(served, "update", "-f", str(file)) == 'replicationcontroller "web" updated\n'
    assert said(served, "update", "-f", "-", input=file.read_text()) == 'replicationcontroller "web" updated\n'
    assert look(served)[0][0].spec.template.spec.containers[0].image == "web:2"
    assert said(served, "update", "rc", "web", '--patch={"spec": {"replicas": 1}}') == 'replicationcontroller "web" updated\n'
    assert look(served)[0][0].spec.replicas == 1
    for told, arguments in {
        "give either -f FILE": ("rc", "web"),
        "not found": ("rc", "none", "--patch={}"),
        "give an object": ("rc", "web", "--patch=1"),
        "there is no kind 'unicorn'": ("unicorn", "web", "--patch={}"),
        "spec.replicas": ("rc", "web", '--patch={"spec": {"replicas": -1}}'),
    }.items():
        done = shipslog(served, "update", *arguments)
        assert done.exit_code and told in done.stderr, (told, done.output)


def test_stop_waits_for_pods_to_go(served: Background[Cluster], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make(served, controller("web", "1", "web:1"))
    make(served, controller("other", "2", "web:1"))
    assert said(served, "stop", "rc", "web") == 'replicationcontroller "web" deleted\n'
    assert [rc.metadata.name for rc in look(served)[0]] == ["other"]
    served.run(lambda cluster: cluster.apply("{apiVersion: v1, kind: ConfigMap, metadata: {name: a, labels: {a: b}}}"))
    assert said(served, "stop", "cm", "-l", "a=b") == 'configmap "a" deleted\n'
    file = tmp_path / "other.json"
    file.write_text(json.dumps(controller("other", "2", "web:1")))
    assert said(served, "stop", "-f", str(file), "--grace-period=0") == 'replicationcontroller "other" deleted\n'
    for told, arguments in {
        "not found": ("rc/web",),
        "name what to stop": (),
        "say which with -l KEY=VALUE or --all": ("rc",),
    }.items():
        done = shipslog(served, "stop", *arguments)
        assert done.exit_code and told in done.stderr, (told, done.output)
    make(served, controller("held", "3", "web:1"))
    monkeypatch.setattr(stop, "TIMEOUT_S", -1.0)
    monkeypatch.setattr(stop, "_rests", lambda controller: False)
    assert "it was scaled to 0, and not deleted" in shipslog(served, "stop", "rc/held").stderr
    assert served.run(lambda cluster: _exists(cluster, "held"))


async def _exists(cluster: Cluster, name: str) -> bool:
    return cluster.get(core_v1.ReplicationController, name).spec.replicas == 0


def test_namespace_is_kept_in_the_kubeconfig(served: Background[Cluster], tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(served.kubeconfig.read_text())
    os.chmod(path, 0o600)
    here = ("--kubeconfig", str(path))
    assert said(served, "namespace", *here) == "Using namespace default\n"
    assert said(served, "namespace", "dev", *here) == "Set current namespace to dev\n"
    assert said(served, "namespace", *here) == "Using namespace dev\n" and path.stat().st_mode & 0o777 == 0o600
    assert "is no name of a namespace" in shipslog(served, "namespace", "No!", *here).stderr
    served.run(lambda cluster: cluster.apply("{apiVersion: v1, kind: Namespace, metadata: {name: dev}}"))
    said(served, "run", "web", "--image=nginx", *here)
    found = served.run(lambda cluster: _in(cluster, "dev"))
    assert found == ["web"]
    path.write_text("kind: Pod")
    assert "is no kubeconfig with a current context" in shipslog(served, "namespace", *here).stderr


async def _in(cluster: Cluster, namespace: str) -> list[str]:
    return [rc.metadata.name for rc in cluster.list(core_v1.ReplicationController, namespace)]


def test_a_server_that_is_not_there_is_one_line(served: Background[Cluster], tmp_path: Path) -> None:
    path = tmp_path / "config"
    path.write_text(served.kubeconfig.read_text().replace(served.url, "https://127.0.0.1:1"))
    done = shipslog(served, "run", "web", "--image=i", "--kubeconfig", str(path))
    assert done.exit_code == 1 and "Is the cluster up?" in done.stderr and done.stderr.count("\n") == 1
    done = shipslog(served, "rolling-update", "a", "--image=i", "--kubeconfig", str(tmp_path / "none"))
    assert done.exit_code == 1 and "No such file" in done.stderr
