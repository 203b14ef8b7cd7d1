"""Apache Kafka itself, fetched through Maven, as one broker and controller on loopback: what production runs.

`python -m deploy.local.kafka fetch` (or `make kafka`) fetches it once into `.kafka/` of the project.
"""

import hashlib
import shutil
import subprocess
import sys
import tempfile
import uuid
from base64 import urlsafe_b64encode
from collections.abc import Sequence
from pathlib import Path

from deploy.local.broker import KafkaServer
from deploy.local.processes import LOOPBACK, ServerFailed, free_port

POM = Path(__file__).with_name("kafka-pom.xml")
HOME = Path(__file__).parents[2] / ".kafka"
CURE = "install Java 17+ and Maven, then `make kafka`"
JAVA_OPTIONS = ("-Xms64m", "-Xmx512m", "-XX:TieredStopAtLevel=1", "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn")


class ApacheKafka(KafkaServer):
    """Apache Kafka in KRaft mode: a single broker that is its own controller, records in a temporary directory.

    `kill()` keeps the directory, so that the next `start()` finds its records as a broker does after a crash; `stop()`
    removes it. Settings are stock but for what a single broker needs (replication 1) and what tests would wait for: a
    group's first rebalance, the shortest session of a member, the broker's own session after a kill.
    """

    name = "apache-kafka"

    def __init__(self, port: int | None = None, log: Path | None = None) -> None:
        super().__init__(port, log)
        self._controller_port = free_port()
        self._directory: Path | None = None

    def command(self) -> Sequence[str]:
        reason = missing()
        if reason:
            raise ServerFailed(reason)
        return [*_java(), "kafka.Kafka", str(self._formatted())]

    def stop(self) -> None:
        super().stop()
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def _formatted(self) -> Path:
        """The server.properties of a formatted storage directory, made at the first start."""
        if self._directory is None:
            self._directory = Path(tempfile.mkdtemp(prefix="sluice-kafka-"))
            properties = self._directory / "server.properties"
            settings = self._properties(self._directory / "records")
            properties.write_text("".join(f"{name}={value}\n" for name, value in settings.items()))
            cluster = urlsafe_b64encode(uuid.uuid4().bytes).rstrip(b"=").decode()
            _run(
                [
                    *(*_java(), "kafka.tools.StorageTool", "format", f"--cluster-id={cluster}", "-c", str(properties)),
                    *self._format_options(),
                ],
                "format its storage; Java 17+ is needed",
            )
        return self._directory / "server.properties"

    def _format_options(self) -> Sequence[str]:
        return []

    def _properties(self, records: Path) -> dict[str, str]:
        controller = f"{LOOPBACK}:{self._controller_port}"
        return {
            "process.roles": "broker,controller",
            "node.id": "1",
            "controller.quorum.voters": f"1@{controller}",
            "controller.listener.names": "CONTROLLER",
            "listeners": f"PLAINTEXT://{self.bootstrap},CONTROLLER://{controller}",
            "advertised.listeners": f"PLAINTEXT://{self.bootstrap}",
            "listener.security.protocol.map": "PLAINTEXT:PLAINTEXT,CONTROLLER:PLAINTEXT",
            "log.dirs": str(records),
            "offsets.topic.replication.factor": "1",
            "transaction.state.log.replication.factor": "1",
            "transaction.state.log.min.isr": "1",
            "share.coordinator.state.topic.replication.factor": "1",
            "share.coordinator.state.topic.min.isr": "1",
            "group.initial.rebalance.delay.ms": "0",
            "group.min.session.timeout.ms": "1000",
            # After kill -9 a broker is refused until its old session ends, 9 s in stock.
            "broker.session.timeout.ms": "3000",
            "broker.heartbeat.interval.ms": "500",
        }


def missing() -> str | None:
    """What keeps Apache Kafka from running here, in one line that names the cure; None when nothing does."""
    if shutil.which("java") is None:
        return f"Apache Kafka needs Java, which is not on the PATH: {CURE}"
    if not _fetched().exists():
        return f"Apache Kafka is not fetched: {CURE}"
    return None


def fetch() -> None:
    """Fetch Apache Kafka and what it needs at run time into `.kafka/`; does nothing when that was done.

    Raises:
        ServerFailed: Java or Maven is absent, or Maven could not fetch.
    """
    if _fetched().exists():
        return
    for program in ("java", "mvn"):
        if shutil.which(program) is None:
            raise ServerFailed(f"{program} is not on the PATH: {CURE}")
    shutil.rmtree(HOME, ignore_errors=True)
    goal = ["dependency:copy-dependencies", f"-DoutputDirectory={HOME / 'libs'}"]
    _run(["mvn", "-q", "-B", "-f", str(POM), *goal], "fetch Apache Kafka with Maven")
    _fetched().touch()


def _fetched() -> Path:
    """The mark that everything this very pom names was fetched; another pom has another mark."""
    return HOME / f"fetched-{hashlib.sha256(POM.read_bytes()).hexdigest()[:16]}"


def _java() -> list[str]:
    return ["java", *JAVA_OPTIONS, "-cp", str(HOME / "libs" / "*")]


def _run(command: Sequence[str], purpose: str) -> None:
    done = subprocess.run(command, check=False, capture_output=True, text=True)  # noqa: S603 - our own lists, no shell
    if done.returncode != 0:
        raise ServerFailed(f"could not {purpose} (exit code {done.returncode}):\n{done.stdout}{done.stderr}".rstrip())


def main() -> None:
    if sys.argv[1:] != ["fetch"]:
        sys.exit("usage: python -m deploy.local.kafka fetch")
    try:
        fetch()
    except ServerFailed as error:
        sys.exit(str(error))
    print(f"Apache Kafka is in {HOME}")


if __name__ == "__main__":
    main()
