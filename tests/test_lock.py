"""What the image installs against pyproject.toml: every dependency locked within its bounds, every file by its hash."""

import re
import tomllib
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
LOCK = (ROOT / "deploy" / "docker" / "requirements.txt").read_text()
DOCKERFILE = (ROOT / "deploy" / "docker" / "Dockerfile").read_text()
LOCKED = dict(re.findall(r"^([\w.-]+)==(\S+)", LOCK, re.MULTILINE))


def test_every_dependency_is_locked_within_its_bounds() -> None:
    asked = map(Requirement, PROJECT["project"]["dependencies"] + PROJECT["build-system"]["requires"])
    wrong = [str(each) for each in asked if LOCKED.get(canonicalize_name(each.name), "0") not in each.specifier]
    assert not wrong, "make lock"


def test_every_package_is_locked_by_hash_and_no_place_to_fetch_it_from_is_named() -> None:
    packages = re.split(r"^(?=[\w.-]+==)", LOCK, flags=re.MULTILINE)[1:]
    assert len(packages) == len(LOCKED)
    assert all(re.search(r"--hash=sha256:[0-9a-f]{64}$", each, re.MULTILINE) for each in packages)
    assert "://" not in LOCK
    assert "-index" not in LOCK


def test_the_image_takes_what_is_locked_and_nothing_else() -> None:
    installs = re.findall(r"pip install (.*?)(?:\n| &&)", DOCKERFILE)
    assert len(installs) == 2
    assert all("--no-cache-dir" in each for each in installs)
    assert "--require-hashes" in installs[0]
    assert {"--no-deps", "--no-index", "--no-build-isolation"} <= set(installs[1].split())


def test_the_image_does_not_run_as_root() -> None:
    assert re.findall(r"^USER (\S+)", DOCKERFILE, re.MULTILINE) == ["sluice"]
