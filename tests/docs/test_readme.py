"""The README's program runs as it stands: saved as a file, and nothing else."""

import re
import subprocess
import sys
from pathlib import Path

README = Path(__file__).parents[2] / "README.md"


def test_every_program_runs(tmp_path: Path) -> None:
    programs = re.findall(r"```python\n(.*?)```", README.read_text(), re.DOTALL)
    assert programs
    for number, program in enumerate(programs):
        path = tmp_path / f"program{number}.py"
        path.write_text(program)
        done = subprocess.run([sys.executable, path], cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stderr
        assert re.fullmatch(r"web is ready at revision \d+\n", done.stdout)
