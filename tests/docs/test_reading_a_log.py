"""Each command of docs/reading-a-log.md prints what the page says.

python -m tests.docs.test_reading_a_log        # prints the page with what they print now
"""

import os
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from tests.docs import shop

PAGE = Path(__file__).parents[2] / "docs" / "reading-a-log.md"
COMMAND = re.compile(r"^    \$ (.+)\n((?:    .*\n|\n(?=    (?!\$ )))*)", re.MULTILINE)


def printed(command: str, directory: Path) -> str:
    environment = {**os.environ, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}", "COLUMNS": "120"}
    done = subprocess.run(
        command, shell=True, cwd=directory, env=environment, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0 and not re.search("^(shipslog:|Traceback)", done.stderr), done.stderr
    return "".join(f"    {line}\n" if line else "\n" for line in (done.stdout + done.stderr).splitlines())


def page(directory: Path) -> str:
    shop.unpacked(directory)
    return COMMAND.sub(lambda found: f"    $ {found[1]}\n{printed(found[1], directory)}", PAGE.read_text())


def test_every_command_prints_what_the_page_says(tmp_path: Path) -> None:
    text = PAGE.read_text()
    assert len(COMMAND.findall(text)) >= 8
    assert page(tmp_path) == text
    assert sorted(p.name for p in tmp_path.iterdir()) == ["shop.db"], "reading leaves nothing beside a log"


if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as scratch:
        print(page(Path(scratch)), end="")
