"""Two batches, one after the other, made once."""

from pathlib import Path

import pytest

from sinks.review.manifest import verify
from tests.sinks.review.report.making import make


@pytest.fixture(scope="session")
def batch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of the later one."""
    out = tmp_path_factory.mktemp("batches")
    before = make(out, "2026-W45", items=60)
    return make(out, "2026-W46", items=120, parents=(verify(before),))
