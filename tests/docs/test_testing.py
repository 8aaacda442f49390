"""The tests of docs/testing.md are run by pytest, as a user's would be."""

import os
import re
import subprocess
import sys
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "testing.md"


def test_every_block_runs(tmp_path: Path) -> None:
    blocks = re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert len(blocks) == 4
    (tmp_path / "test_mine.py").write_text("\n".join(blocks))
    (tmp_path / "pytest.ini").write_text("[pytest]\n")  # nothing is configured
    kubectl = Path(sys.prefix) / "kubectl" / "kubectl-debian"
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin" / "kubectl").symlink_to(kubectl)
    skipped = [] if kubectl.exists() else ["--deselect=test_mine.py::test_with_kubectl"]
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "test_mine.py", *skipped]
    env = {**os.environ, "PATH": f"{tmp_path / 'bin'}:{os.environ['PATH']}", "HOME": str(tmp_path)}
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=env, timeout=120)
    assert done.returncode == 0 and f"{4 - len(skipped)} passed" in done.stdout, done.stdout + done.stderr
