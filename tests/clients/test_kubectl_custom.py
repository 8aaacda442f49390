"""Stock kubectl and a kind that a definition makes: shown, explained, patched, scaled, waited for, applied, deleted."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from .ships import DEFINITION, ship

KUBECTL = [Path(sys.prefix) / "kubectl" / f"kubectl-{version}" for version in ("debian", "1.37")]
pytestmark = pytest.mark.kubectl


@pytest.mark.parametrize("kubectl", KUBECTL, ids=lambda path: path.name)
def test_a_defined_kind_lives_as_others_do(kubectl: Path, kubeconfig: Path, tmp_path: Path) -> None:
    if not kubectl.exists():
        pytest.skip("this kubectl is not here: see .ci/kubectl")

    def run(*arguments: str, body: Any = None, code: int = 0) -> str:
        command = [str(kubectl), "--kubeconfig", str(kubeconfig), "--cache-dir", str(tmp_path), *arguments]
        text = json.dumps(body) if body is not None else None
        done = subprocess.run(command, capture_output=True, text=True, input=text, timeout=60)
        assert done.returncode == code, f"{' '.join(arguments)}: {done.stdout}{done.stderr}"
        return done.stdout + done.stderr

    run("create", "-f", "-", body=DEFINITION)
    run("wait", "--for=condition=Established", "crd/ships.fleet.example.com", "--timeout=20s")
    assert "ships" in run("api-resources", "--api-group=fleet.example.com")
    run("apply", "-f", "-", body=ship("one"))
    assert run("get", "sh").split() == ["NAME", "REPLICAS", "one", "1"]
    assert "What is written on her bow." in run("explain", "ships.spec.name")
    run("scale", "ship", "one", "--replicas=3")
    run("patch", "ship", "one", "--type=merge", "-p", '{"spec":{"name":"Hansa II"}}')
    run("patch", "ship", "one", "--type=json", "-p", '[{"op":"replace","path":"/spec/replicas","value":4}]')
    run("label", "ship", "one", "fleet=north")
    assert "Replicas:  4" in run("describe", "ship", "one")
    assert run("get", "ships", "-l", "fleet=north", "-o", "jsonpath={.items[*].spec.name}") == "Hansa II"
    wrong = run("apply", "-f", "-", body=ship("two", "low"), code=1)
    assert "spec.name in body should match '^[A-Z]'" in wrong
    run("apply", "-f", "-", body=ship("one", "Kogge"))
    assert run("get", "ship/one", "-o", "jsonpath={.spec}") == '{"name":"Kogge","replicas":4}'
    if "debian" not in kubectl.name:
        assert 'unknown field "spec.mast"' in run("create", "-f", "-", body=with_mast(), code=1)
        run("apply", "--server-side", "-f", "-", body=ship("three"))
        run("wait", "--for=jsonpath={.spec.name}=Hansa", "ship/three", "--timeout=20s")
    run("delete", "crd", "ships.fleet.example.com", "--timeout=30s")
    assert "could not find the requested resource" in run("get", "ships", code=1), "where kubectl still has it in its cache"
    assert "ships" not in run("api-resources", "--api-group=fleet.example.com")


def with_mast() -> dict[str, Any]:
    made = ship("four")
    made["spec"]["mast"] = 1
    return made
