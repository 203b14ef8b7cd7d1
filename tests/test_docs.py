"""The pages that people read: links lead somewhere; commands, targets and settings exist; CI runs what is promised."""

import re
from pathlib import Path

import pytest
from click import Context, Group

from streams.cli.group import WHERE, main
from streams.settings import Settings

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CHANGELOG.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text()
MAKEFILE = (ROOT / "Makefile").read_text()
BATCH = main.get_command(Context(main), "batch")


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_to_files_that_exist(page: Path) -> None:
    links = re.findall(r"\]\((?!https?://)([^)#]+)", page.read_text())
    assert not [link for link in links if not (page.parent / link).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_paths_that_are_named_exist(page: Path) -> None:
    named = re.findall(r"`((?:streams|sinks|detectors|deploy|tests|bench|docs)/[\w/.-]*)`", page.read_text())
    assert not [path for path in named if not (ROOT / path).exists()]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_commands_that_are_named_exist(page: Path) -> None:
    for command in re.findall(r"(?:^|[`(\s])sluice ((?:batch )?[a-z]+)(?=[\s`)]|$)", page.read_text(), re.MULTILINE):
        group, *rest = command.split()
        if group == "batch" and rest:
            assert isinstance(BATCH, Group)
            assert rest[0] in BATCH.commands
        elif f"`sluice {command}" in page.read_text() or page.name == "README.md":
            assert group in WHERE, command


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_settings_that_are_named_exist(page: Path) -> None:
    known = {f"SLUICE_{name.upper()}" for name in Settings.model_fields}
    assert set(re.findall(r"SLUICE_[A-Z_]*[A-Z]", page.read_text())) <= known


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_make_targets_that_are_named_exist(page: Path) -> None:
    targets = set(re.findall(r"^([a-z]+):", MAKEFILE, re.MULTILINE))
    assert set(re.findall(r"`make ([a-z]+)`|^make ([a-z]+)", page.read_text(), re.MULTILINE)) <= {
        pair for target in targets for pair in ((target, ""), ("", target))
    }


RUNBOOKS = sorted((ROOT / "docs" / "runbooks").glob("*.md"))


@pytest.mark.parametrize("page", RUNBOOKS, ids=lambda page: page.stem)
def test_a_runbook_ends_with_the_command_that_shows_that_it_is_over(page: Path) -> None:
    last = page.read_text().strip().rpartition("\n\n")[2]
    assert last.startswith("It is over when")
    named = re.findall(r"`sluice ([a-z-]+)(?: ([a-z]+))?", last)
    assert named
    for name, within in named:
        command = main.get_command(Context(main), name)
        assert command is not None, name
        if within:
            assert isinstance(command, Group)
            assert within in command.commands


def test_every_command_is_in_the_readme() -> None:
    unsaid = {name for name in WHERE if f"sluice {name}" not in README and f"make {name}" not in README}
    assert not unsaid


def test_ci_runs_the_commands_that_the_readme_opens_with() -> None:
    opening = re.findall(r"^make (\w+)", README, re.MULTILINE)
    ci = (ROOT / ".ci" / "run").read_text()
    assert opening == ["demo", "test"]
    assert all(re.search(rf"\bmake {target}\b", ci) for target in opening)
