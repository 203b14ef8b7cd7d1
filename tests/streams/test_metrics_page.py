"""docs/metrics.md is what the declarations say."""

from pathlib import Path

from click.testing import CliRunner

from streams import metrics_page
from streams.cli import main

PAGE = Path(__file__).parents[2] / "docs" / "metrics.md"


def test_the_page_is_up_to_date() -> None:
    assert PAGE.read_text() == metrics_page.page(), "make metrics"


def test_the_command_prints_it() -> None:
    assert CliRunner().invoke(main, ["metrics"]).output == metrics_page.page()
