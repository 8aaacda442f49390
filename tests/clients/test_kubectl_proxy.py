"""`kubectl proxy`: its prefix, its filters of paths and hosts, its static files; and what goes on through it to a pod."""

import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

KUBECTL = Path(sys.prefix) / "kubectl" / "kubectl-1.37"
pytestmark = pytest.mark.kubectl


@contextmanager
def running(kubeconfig: Path, *options: str) -> Iterator[str]:
    """kubectl "proxy" with these options; -> where it is."""
    if not KUBECTL.exists():
        pytest.skip("this kubectl is not here: see .ci/kubectl")
    command = [str(KUBECTL), "--kubeconfig", str(kubeconfig), "proxy", "--port=0", *options]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True) as process:
        try:
            assert process.stdout is not None
            line = process.stdout.readline()
            assert line.startswith("Starting to serve on "), line
            yield f"http://{line.split()[-1]}"
        finally:
            process.terminate()


def get(url: str, *, method: str = "GET", host: str = "") -> tuple[int, str]:
    request = urllib.request.Request(url, method=method, headers={"Host": host} if host else {})
    try:
        with urllib.request.urlopen(request, timeout=20) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.read().decode()


def test_it_serves_the_api(kubeconfig: Path) -> None:
    with running(kubeconfig) as base:
        assert '"kind":"NamespaceList"' in get(f"{base}/api/v1/namespaces")[1]
        assert get(f"{base}/version")[0] == 200
        assert get(f"{base}/api/v1/nodes/node/proxy/healthz") == (200, "ok")
        assert get(f"{base}/api/v1/namespaces/default/pods/p/exec?command=x", method="POST")[0] == 403, "refused by default"


def test_a_prefix(kubeconfig: Path) -> None:
    with running(kubeconfig, "--api-prefix=/custom/") as base:
        assert '"kind":"NodeList"' in get(f"{base}/custom/api/v1/nodes")[1]
        assert get(f"{base}/api/v1/nodes")[0] == 404


def test_filters_of_paths_and_methods(kubeconfig: Path) -> None:
    options = ("--accept-paths=^/api/v1/.*", "--reject-paths=^/api/v1/nodes", "--reject-methods=POST,PUT,PATCH,DELETE")
    with running(kubeconfig, *options) as base:
        assert get(f"{base}/api/v1/namespaces")[0] == 200
        assert get(f"{base}/api/v1/nodes")[0] == 403
        assert get(f"{base}/version")[0] == 403
        assert get(f"{base}/api/v1/namespaces/default", method="DELETE")[0] == 403


def test_filters_of_hosts(kubeconfig: Path) -> None:
    with running(kubeconfig, "--accept-hosts=^cluster.example$") as base:
        assert get(f"{base}/api/v1/nodes", host="cluster.example")[0] == 200
        assert get(f"{base}/api/v1/nodes", host="evil.example")[0] == 403


def test_static_files(kubeconfig: Path, tmp_path: Path) -> None:
    (tmp_path / "page.html").write_text("<p>mine</p>")
    with running(kubeconfig, f"--www={tmp_path}", "--www-prefix=/my/") as base:
        assert get(f"{base}/my/page.html") == (200, "<p>mine</p>")
        assert get(f"{base}/my/none.html")[0] == 404
        assert get(f"{base}/api/v1/nodes")[0] == 200
