"""docker-compose.yml against the code: settings that exist, images pinned, health checks, commands and files that there
are, and addresses by which one service knows another."""

import re
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import pytest
import yaml
from click import Context

from deploy.grafana.written import WRITTEN
from streams.cli import main
from streams.settings import Settings

ROOT = Path(__file__).parents[1]
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES: dict[str, Any] = COMPOSE["services"]
OURS = ("worker", "simulator")


def read(path: str) -> Any:
    return yaml.safe_load((ROOT / path).read_text())


def mounts(name: str) -> dict[str, str]:
    """Return a service's mounts by where they are in the container; of a file of ours its path from the root."""
    split = [volume.split(":") for volume in SERVICES[name].get("volumes", [])]
    return {inside: outside.removeprefix("./") for outside, inside, *_ in split}


@pytest.mark.parametrize("name", OURS)
def test_any_setting_may_stand_beside_the_secrets(name: str) -> None:
    assert SERVICES[name]["env_file"] == [{"path": ".env", "required": False}]


def test_the_services_are_there() -> None:
    assert SERVICES.keys() == {"kafka", "clickhouse", *OURS, "prometheus", "alertmanager", "grafana"}


@pytest.mark.parametrize("name", SERVICES)
def test_images_are_pinned(name: str) -> None:
    assert re.search(r":v?\d+\.\d+(\.\d+)*$", SERVICES[name]["image"])


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_has_a_health_check_or_says_that_it_has_none(name: str) -> None:
    check = SERVICES[name]["healthcheck"]
    assert check.get("disable") or check["test"]


@pytest.mark.parametrize("name", SERVICES)
def test_ports_are_for_this_machine_alone(name: str) -> None:
    assert all(re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port) for port in SERVICES[name].get("ports", []))


@pytest.mark.parametrize("name", sorted(SERVICES.keys() - {"kafka", "clickhouse"}))
def test_what_needs_no_rights_has_none(name: str) -> None:
    service = SERVICES[name]
    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service.get("read_only") or name == "grafana", "it writes where its plugins are"


@pytest.mark.parametrize("name", OURS)
def test_the_environment_sets_settings_that_exist(name: str) -> None:
    variables = SERVICES[name]["environment"]
    assert variables.keys() <= {f"SLUICE_{field.upper()}" for field in Settings.model_fields}


@pytest.mark.parametrize("name", OURS)
def test_the_command_is_one_of_ours(name: str) -> None:
    command, *options = SERVICES[name]["command"]
    ours = main.get_command(Context(main), command)
    assert ours is not None
    known = {option for parameter in ours.params for option in parameter.opts}
    assert {option for option in options if option.startswith("--")} <= known


def test_a_service_waits_for_what_it_needs() -> None:
    for name in OURS:
        needs = SERVICES[name]["depends_on"]
        assert needs == {key: {"condition": "service_healthy"} for key in ("kafka", "clickhouse")}
    assert "clickhouse" in SERVICES["grafana"]["depends_on"]


def test_what_is_mounted_is_a_declared_volume_or_a_file_that_is_there_and_cannot_be_written() -> None:
    volumes = set()
    for service in SERVICES.values():
        for volume in service.get("volumes", []):
            outside, _, *options = volume.split(":")
            if outside.startswith("./"):
                assert (ROOT / outside).exists(), volume
                assert options == ["ro"], volume
            else:
                volumes.add(outside)
    assert volumes == COMPOSE["volumes"].keys()


def test_what_must_be_set_is_named_in_the_opening_lines() -> None:
    opening = (ROOT / "docker-compose.yml").read_text().partition("name: sluice")[0]
    needed = re.findall(r"\$\{(\w+):\?", (ROOT / "docker-compose.yml").read_text())
    assert needed
    assert all(name in opening for name in needed)


def test_batches_and_releases_lie_on_volumes_that_the_image_makes_ready() -> None:
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text()
    for variable in ("SLUICE_BATCHES", "SLUICE_RELEASES"):
        folder = SERVICES["worker"]["environment"][variable]
        assert folder in mounts("worker")
        assert re.search(rf"install -d -o sluice .*{folder}\b", dockerfile)


def test_prometheus_finds_the_worker_its_rules_and_alertmanager() -> None:
    known = read("deploy/prometheus/prometheus.yaml")
    inside = mounts("prometheus")
    ((config,),) = [re.findall(r"--config.file=(\S+)", " ".join(SERVICES["prometheus"]["command"]))]
    assert inside[config] == "deploy/prometheus/prometheus.yaml"
    assert [inside[f"{Path(config).parent}/{name}"] for name in known["rule_files"]] == ["deploy/prometheus/rules.yaml"]
    (job,) = known["scrape_configs"]
    ((target,),) = [each["targets"] for each in job["static_configs"]]
    assert target == f"worker:{Settings.model_fields['web_port'].default}"
    assert SERVICES["worker"]["environment"]["SLUICE_WEB_HOST"] == "0.0.0.0"  # noqa: S104  # else nobody could scrape it
    ((alertmanager,),) = [each["targets"] for each in known["alerting"]["alertmanagers"][0]["static_configs"]]
    host, _, port = alertmanager.partition(":")
    assert f"127.0.0.1:{port}:{port}" in SERVICES[host]["ports"]


def test_alertmanager_and_prometheus_keep_their_data_on_volumes() -> None:
    for name, option in (("prometheus", "--storage.tsdb.path="), ("alertmanager", "--storage.path=")):
        ((path,),) = [[each.removeprefix(option) for each in SERVICES[name]["command"] if each.startswith(option)]]
        assert mounts(name)[path] == name
    configured = f"--config.file={next(at for at, file in mounts('alertmanager').items() if file.endswith('.yaml'))}"
    assert configured in SERVICES["alertmanager"]["command"]


def test_grafana_is_provisioned_with_sources_and_dashboards() -> None:
    inside, grafana = mounts("grafana"), SERVICES["grafana"]["environment"]
    sources = read(inside["/etc/grafana/provisioning/datasources/sluice.yaml"])["datasources"]
    (provider,) = read(inside["/etc/grafana/provisioning/dashboards/sluice.yaml"])["providers"]
    assert ROOT / inside[provider["options"]["path"]] == WRITTEN
    home = grafana["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
    assert home.startswith(provider["options"]["path"])
    assert (WRITTEN / Path(home).name).exists()
    by_type = {source["type"]: source for source in sources}
    assert by_type["prometheus"]["url"] == "http://prometheus:9090"
    clickhouse = by_type[grafana["GF_PLUGINS_PREINSTALL_SYNC"]]
    known = SERVICES["clickhouse"]["environment"]
    assert clickhouse["jsonData"]["host"] in SERVICES
    assert clickhouse["jsonData"]["username"] == known["CLICKHOUSE_USER"]
    assert clickhouse["jsonData"]["defaultDatabase"] == known["CLICKHOUSE_DB"]
    used = set(re.findall(r"\$(\w+)", str(sources)))
    assert used <= grafana.keys()


def test_the_worker_knows_clickhouse_as_it_is_made() -> None:
    made, url = SERVICES["clickhouse"]["environment"], SERVICES["worker"]["environment"]["SLUICE_CLICKHOUSE_URL"]
    assert url.startswith(f"http://{made['CLICKHOUSE_USER']}:${{CLICKHOUSE_PASSWORD")
    assert url.endswith(f"@clickhouse:8123/{made['CLICKHOUSE_DB']}")


def test_logs_that_clickhouse_writes_of_itself_end() -> None:
    inside = mounts("clickhouse")
    config = ElementTree.parse(ROOT / inside["/etc/clickhouse-server/config.d/sluice.xml"]).getroot()  # noqa: S314  # ours
    assert config.tag == "clickhouse"
    kept = {log.tag: log.findtext("ttl") for log in config if log.get("remove") is None}
    assert {"query_log", "part_log", "trace_log", "metric_log", "asynchronous_metric_log"} <= kept.keys()
    assert all(re.fullmatch(r"event_date \+ INTERVAL \d+ DAY DELETE", ttl or "") for ttl in kept.values())


def test_the_image_holds_every_package_and_runs_without_root() -> None:
    dockerfile = (ROOT / "deploy/docker/Dockerfile").read_text()
    ignored = (ROOT / ".dockerignore").read_text().split()
    for room in ("streams", "sinks", "detectors", "deploy"):
        assert f"COPY {room} {room}" in dockerfile
        assert f"!{room}" in ignored
    assert re.search(r"^USER sluice$", dockerfile, re.MULTILINE)
    assert "latest" not in dockerfile
