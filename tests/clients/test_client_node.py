"""The official client of JavaScript with its informer: see informer.mjs."""

import http.server
import json
import os
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from .conftest import POD, SAID, Shore

MODULES = Path(sys.prefix) / "node_modules"


@pytest.fixture
def knife(shore: Shore) -> Iterator[str]:
    """An address: a GET of it cuts the wire."""

    class Cut(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            shore.cut()
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None: ...

    with http.server.HTTPServer(("127.0.0.1", 0), Cut) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()
        thread.join()


def test_its_client_and_its_informer(shore: Shore, knife: str) -> None:
    if shutil.which("node") is None or not (MODULES / "@kubernetes").is_dir():
        pytest.skip("there is no node, or not the client: see .ci/client-node")
    program = str(Path(__file__).with_name("informer.mjs"))
    environment = {**os.environ, "NODE_MODULES": str(MODULES), "POD": json.dumps(POD)}
    command = ["node", program, str(shore.kubeconfig), knife]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads(done.stdout) == {
        "logs": SAID,
        "exec": "noon\n",
        "status": "Success",
        "conflict": 409,
        "forced": {"a": "2", "b": "1"},
        "merged": {"a": "3", "b": "1"},
        "added": [f"c{i}" for i in range(10)],
        "pages": [4, 4, 4],
    }
