"""docker-compose.yml against the code: settings that exist, images pinned, health checks, commands that there are."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from streams.cli import main
from streams.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]


def test_the_services_are_there() -> None:
    assert {"kafka", "clickhouse", "worker", "simulator"} <= SERVICES.keys()


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    assert re.search(r":\d+\.\d+(\.\d+)*$", SERVICES[name]["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_a_health_check_or_says_that_it_has_none(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check.get("disable") or check["test"]


@pytest.mark.parametrize("name", ["worker", "simulator"])
def test_the_environment_sets_settings_that_exist(name: str) -> None:
    variables = SERVICES[name]["environment"]
    assert variables.keys() <= {f"SLUICE_{field.upper()}" for field in Settings.model_fields}


@pytest.mark.parametrize("name", ["worker", "simulator"])
def test_the_command_is_one_of_ours(name: str) -> None:
    command, *options = SERVICES[name]["command"]
    known = {option for parameter in main.commands[command].params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known


def test_a_service_waits_for_what_it_needs() -> None:
    for name in ("worker", "simulator"):
        needs = SERVICES[name]["depends_on"]
        assert needs == {key: {"condition": "service_healthy"} for key in ("kafka", "clickhouse")}


def test_every_volume_is_declared_and_every_mount_has_one() -> None:
    mounted = {volume.split(":")[0] for service in SERVICES.values() for volume in service.get("volumes", [])}
    assert mounted == COMPOSE["volumes"].keys()


def test_the_image_holds_every_package_and_runs_without_root() -> None:
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().split()
    for room in ("streams", "sinks", "detectors", "deploy"):
        assert f"COPY {room} {room}" in dockerfile
        assert f"!{room}" in ignored
    assert re.search(r"^USER sluice$", dockerfile, re.MULTILINE)
    assert "latest" not in dockerfile
