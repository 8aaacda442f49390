"""Under which watch skopeo copies."""

from pathlib import Path

import pytest

from shipslog.runtime.images.bounds import Bounds, ImageBroken
from shipslog.runtime.images.skopeo import copy

DRIP = """#!/bin/sh
for argument; do last=$argument; done
layout=${last#oci:}; layout=${layout%:image}
mkdir -p "$layout"
while :; do printf x >> "$layout/blob"; sleep 0.1; done
"""


def test_a_registry_that_drips_holds_a_pull_for_so_long_and_no_longer(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shipslog.runtime.images.skopeo._LOOK_S", 0.05)
    program = tmp_path / "skopeo"
    program.write_text(DRIP)
    program.chmod(0o755)
    staging = tmp_path / "staging"
    staging.mkdir()
    with pytest.raises(ImageBroken, match=r"it had not come whole after 0\.5 s"):
        copy(str(program), "docker://example/drips", staging, bounds=Bounds(quiet_s=60, pull_s=0.5, spare_bytes=0))
    assert (staging / "layout" / "blob").stat().st_size > 1, "it was not silence that ended it"
