"""The house rules: who may import whom, that every module says what passes through it, and where the world is read."""

import ast
import re
from pathlib import Path

import pytest

from streams.settings import Settings

ROOT = Path(__file__).parents[1]
ROOMS = ("streams", "sinks", "detectors", "deploy", "bench", "tests")
OURS = set(ROOMS)
MODULES = sorted(path for room in ROOMS for path in (ROOT / room).rglob("*.py") if path.stat().st_size)

# room → the modules of ours that it may import besides its own; a trailing dot stands for a whole room
MAY_IMPORT = {
    "detectors": (),
    "sinks": ("streams.events",),
    "deploy": (),
    "streams": ("detectors.", "sinks.", "deploy."),
}


def _imports(path: Path) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in names if name.split(".")[0] in OURS}


@pytest.mark.parametrize("room", MAY_IMPORT)
def test_imports_go_one_way(room: str) -> None:
    allowed = (f"{room}.", *MAY_IMPORT[room])
    strangers = {
        f"{path.relative_to(ROOT)} imports {name}"
        for path in (ROOT / room).rglob("*.py")
        for name in _imports(path)
        if not f"{name}.".startswith(tuple(each if each.endswith(".") else f"{each}." for each in allowed))
    }
    assert not strangers


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_module_opens_with_one_sentence(path: Path) -> None:
    docstring = ast.get_docstring(ast.parse(path.read_text()))
    assert docstring, "say in one sentence what passes through"
    assert docstring.split("\n\n")[0].rstrip().endswith((".", ":")), "the first paragraph is a sentence"


def test_the_environment_is_read_in_the_settings_only() -> None:
    reads = re.compile(r"os\.environ|os\.getenv|from os import environ|from os import getenv")
    told = '\nos.environ.setdefault("ARROW_DEFAULT_MEMORY_POOL", "system")\n'  # to Arrow; nothing is read by it
    readers = {
        str(path.relative_to(ROOT))
        for room in ("streams", "sinks", "detectors")
        for path in (ROOT / room).rglob("*.py")
        if path != ROOT / "streams" / "settings.py" and reads.search(path.read_text().replace(told, "\n"))
    }
    assert not readers


def test_every_setting_says_what_it_is_for() -> None:
    unsaid = [name for name, field in Settings.model_fields.items() if not (field.description or "").endswith(".")]
    assert not unsaid


def test_no_module_is_a_drawer_for_everything() -> None:
    assert not [path for path in MODULES if re.search(r"(util|common|helper|manager|misc)", path.name)]


def test_no_path_of_one_machine_is_in_the_project() -> None:
    machine = re.compile(r"/(?:work|home|root|Users)/\w")
    tracked = [*MODULES, ROOT / "Makefile", ROOT / "README.md", ROOT / "docker-compose.yml", ROOT / "pyproject.toml"]
    assert not [str(path.relative_to(ROOT)) for path in tracked if machine.search(path.read_text())]
