"""Prometheus and Alertmanager as child processes, with the configuration that is shipped and addresses of their own."""

import shutil
import tempfile
import urllib.error
import urllib.request
from abc import abstractmethod
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from deploy.local.processes import LOOPBACK, LocalServer, ServerFailed

SHIPPED = Path(__file__).parents[2] / "deploy" / "prometheus"


class _Monitor(LocalServer):
    """What both have in common: a configuration that is written at each start, and a folder that goes with them."""

    program: str

    def __init__(self, port: int | None = None, log: Path | None = None) -> None:
        super().__init__(port, log)
        self._folder = tempfile.TemporaryDirectory(prefix=f"{self.name}-")
        self.folder = Path(self._folder.name)

    @abstractmethod
    def configuration(self) -> dict[str, Any]:
        """Return the shipped configuration with this run's addresses in it."""

    def command(self) -> Sequence[str]:
        if shutil.which(self.program) is None:
            raise ServerFailed(f"no {self.program}: apt-get install prometheus prometheus-alertmanager")
        (self.folder / "config.yaml").write_text(yaml.safe_dump(self.configuration()))
        return [
            self.program,
            f"--config.file={self.folder / 'config.yaml'}",
            f"--web.listen-address={LOOPBACK}:{self.port}",
        ]

    def answers(self) -> bool:
        try:
            with urllib.request.urlopen(f"http://{LOOPBACK}:{self.port}/-/ready", timeout=2) as answer:
                return bool(answer.status == 200)
        except urllib.error.HTTPError:  # 503 until it has read what it keeps
            return False

    def stop(self) -> None:
        super().stop()
        self._folder.cleanup()


class Alertmanager(_Monitor):
    """Sends what it is told to a webhook on this machine."""

    name, program = "alertmanager", "prometheus-alertmanager"

    def __init__(self, webhook: str, log: Path | None = None) -> None:
        super().__init__(log=log)
        self._webhook = webhook

    def configuration(self) -> dict[str, Any]:
        shipped: dict[str, Any] = yaml.safe_load((SHIPPED / "alertmanager.yaml").read_text())
        for receiver in shipped["receivers"]:
            for hook in receiver["webhook_configs"]:
                hook["url"] = self._webhook
        return shipped

    def command(self) -> Sequence[str]:
        # Without a cluster: it would wait for peers, and listen on every address of the machine.
        return [*super().command(), f"--storage.path={self.folder / 'data'}", "--cluster.listen-address="]


class Prometheus(_Monitor):
    """Scrapes one worker and tells an Alertmanager, by the rules that are shipped."""

    name = program = "prometheus"

    def __init__(self, worker_port: int, alertmanager_port: int, log: Path | None = None) -> None:
        super().__init__(log=log)
        self._worker, self._alertmanager = f"{LOOPBACK}:{worker_port}", f"{LOOPBACK}:{alertmanager_port}"

    def configuration(self) -> dict[str, Any]:
        shipped: dict[str, Any] = yaml.safe_load((SHIPPED / "prometheus.yaml").read_text())
        shipped["rule_files"] = [str(SHIPPED / name) for name in shipped["rule_files"]]
        (job,) = [each for each in shipped["scrape_configs"] if each["job_name"] == "sluice"]
        job["static_configs"] = [{"targets": [self._worker]}]
        shipped["scrape_configs"] = [job]
        shipped["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [self._alertmanager]}]}]}
        return shipped

    def command(self) -> Sequence[str]:
        return [*super().command(), f"--storage.tsdb.path={self.folder / 'data'}"]
