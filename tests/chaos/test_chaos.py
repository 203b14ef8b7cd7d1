"""Two minutes of chaos; `make chaos` runs longer, and keeps docs/reliability.md."""

from pathlib import Path

from tests.chaos.run import run


def test_nothing_is_lost_or_doubled_and_the_findings_are_the_same(tmp_path: Path) -> None:
    said: list[str] = []
    result = run(tmp_path, seed=20261127, seconds=120, say=said.append)
    assert result.injected >= 6
    assert (result.lost, result.doubled) == (0, 0), said
    assert result.dead_letters == result.poisoned
    assert result.unlike() == [], said
    assert result.holds, result
