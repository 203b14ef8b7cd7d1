"""The local ClickHouse: a process that owns chDB and speaks ClickHouse's HTTP interface on loopback.

`python -m deploy.local.clickhouse --path DIR --port N`
"""

import argparse
import asyncio
import http.client
import shutil
import signal
import sys
import tempfile
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from aiohttp import web

from deploy.local.clickhouse_http import application
from deploy.local.engine import Engine, EngineFailed
from deploy.local.processes import LOOPBACK, LocalServer, ServerFailed

LAST_ANSWERS_S = 1.0
NO_CHDB = "no local ClickHouse: install the local extra: pip install 'sluice[local]'"


class LocalClickHouse(LocalServer):
    """The local ClickHouse as a child process, at `url` ("http://127.0.0.1:PORT").

    For development and tests: one process, no users, no replication; production is ClickHouse. Rows whose insert was
    answered outlive a kill -9 of the process (not a power cut: nothing is synced to the disk).

    Args:
        path: directory of the tables; None takes a temporary one, which `stop()` removes.
        port: TCP port to listen on; None takes a free one.
        log: file for what the server prints; None keeps it in a temporary file until `stop()`.
    """

    name = "local-clickhouse"

    def __init__(self, path: Path | None = None, port: int | None = None, log: Path | None = None) -> None:
        super().__init__(port, log)
        self._path = path
        self._temporary: Path | None = None

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.port}"

    def command(self) -> Sequence[str]:
        if find_spec("chdb") is None:
            raise ServerFailed(NO_CHDB)
        if self._path is None and self._temporary is None:
            self._temporary = Path(tempfile.mkdtemp(prefix="sluice-clickhouse-"))
        path = str(self._path or self._temporary)
        return [sys.executable, "-m", "deploy.local.clickhouse", "--path", path, "--port", str(self.port)]

    def answers(self) -> bool:
        asked = http.client.HTTPConnection(LOOPBACK, self.port, timeout=2)
        try:
            asked.request("GET", "/ping")
            return asked.getresponse().read() == b"Ok.\n"
        except (OSError, http.client.HTTPException):
            return False
        finally:
            asked.close()

    def stop(self) -> None:
        super().stop()
        if self._temporary is not None:
            shutil.rmtree(self._temporary, ignore_errors=True)
            self._temporary = None


async def serve(engine: Engine, port: int) -> None:
    """Serve until SIGTERM or SIGINT; statements that run then have LAST_ANSWERS_S to end."""
    ended = asyncio.Event()
    for name in (signal.SIGTERM, signal.SIGINT):
        asyncio.get_running_loop().add_signal_handler(name, ended.set)
    runner = web.AppRunner(application(engine), access_log=None, auto_decompress=False, shutdown_timeout=LAST_ANSWERS_S)
    await runner.setup()
    await web.TCPSite(runner, LOOPBACK, port).start()
    await ended.wait()
    await runner.cleanup()


def main() -> None:
    options = argparse.ArgumentParser(prog="python -m deploy.local.clickhouse", description=__doc__.splitlines()[0])
    options.add_argument("--path", type=Path, required=True, help="directory of the tables; made when absent")
    options.add_argument("--port", type=int, required=True, help=f"TCP port on {LOOPBACK}, the one address it binds")
    chosen = options.parse_args()
    if find_spec("chdb") is None:
        sys.exit(NO_CHDB)
    try:
        engine = Engine(chosen.path)
    except EngineFailed as error:
        sys.exit(str(error))
    print(
        f"local ClickHouse {engine.version} on http://{LOOPBACK}:{chosen.port}, tables in {chosen.path}\n"
        "A stand-in for development: one process, no users, no replicas. In production run ClickHouse itself.",
        flush=True,
    )
    try:
        asyncio.run(serve(engine, chosen.port))
    except OSError as error:
        sys.exit(f"cannot listen on {LOOPBACK}:{chosen.port} ({error.strerror}): choose another --port")
    finally:
        engine.close()


if __name__ == "__main__":
    main()
