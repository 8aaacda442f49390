"""The manifests that the project was started from. They lie beside it where it is made; elsewhere their tests are skipped."""

from pathlib import Path

import pytest

SEED = Path(__file__).parents[3] / "shared" / "seed"


@pytest.fixture(scope="session")
def seed() -> Path:
    if not SEED.is_dir():
        pytest.skip("the seed's manifests are not here")
    return SEED
