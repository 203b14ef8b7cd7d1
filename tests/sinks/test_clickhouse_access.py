"""ClickHouse behind TLS with an authority of one's own; and roles whose grants ClickHouse's own parser reads."""

import contextlib
import socket
import ssl
import threading
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import trustme
from clickhouse_connect.driver.exceptions import DatabaseError

from sinks.base import SinkBusy
from sinks.clickhouse import ClickHouse, connect, judged, statements

SYNTAX_ERROR, ACCESS_DENIED, NO_SUCH_ROLE = 62, 497, 511


@pytest.fixture
def locked(clickhouse_url: str, tmp_path: Path) -> Iterator[str]:
    """https://127.0.0.1:PORT in front of the local ClickHouse; its authority's certificate is ca.pem of `tmp_path`."""
    authority = trustme.CA()
    authority.cert_pem.write_to_path(tmp_path / "ca.pem")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    authority.issue_cert("127.0.0.1").configure_cert(context)
    target = urlsplit(clickhouse_url)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        arguments = (listener, context, (str(target.hostname), int(target.port or 0)))
        threading.Thread(target=_serve, args=arguments, daemon=True).start()
        yield f"https://127.0.0.1:{listener.getsockname()[1]}"


def _serve(listener: socket.socket, context: ssl.SSLContext, upstream: tuple[str, int]) -> None:
    with contextlib.suppress(OSError):  # the listener was closed
        while True:
            raw, _ = listener.accept()
            try:
                client = context.wrap_socket(raw, server_side=True)
            except (ssl.SSLError, OSError):  # it does not trust us
                continue
            threading.Thread(target=_pass_on, args=(client, socket.create_connection(upstream)), daemon=True).start()


def _pass_on(client: ssl.SSLSocket, server: socket.socket) -> None:
    with client, server:
        back = threading.Thread(target=_pump, args=(server, client), daemon=True)
        back.start()
        _pump(client, server)
        back.join()


def _pump(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError, ssl.SSLError):
        while piece := source.recv(16384):
            to.sendall(piece)
    with contextlib.suppress(OSError):
        to.shutdown(socket.SHUT_RDWR)


def test_an_authority_of_ones_own_is_trusted_where_it_is_named(locked: str, tmp_path: Path) -> None:
    assert connect(f"{locked}/default?ca={tmp_path / 'ca.pem'}").query("SELECT 1").result_rows == [(1,)]
    with pytest.raises(SinkBusy, match=f"ClickHouse at {locked} does not answer"):
        ClickHouse(f"{locked}/sluice")


def test_roles_are_written_in_clickhouses_grammar(clickhouse_url: str) -> None:
    client = connect(f"{clickhouse_url}/default")
    script = files("deploy.clickhouse").joinpath("access/roles.sql").read_text()
    granted = statements(script)
    assert len(granted) == 6
    for statement in granted:
        with pytest.raises(DatabaseError) as refused:  # the local one has no users; it reads what it refuses
            client.command(statement)
        assert refused.value.code in (ACCESS_DENIED, NO_SUCH_ROLE), statement


def test_who_may_not_is_told_of_the_roles(clickhouse_url: str) -> None:
    with pytest.raises(DatabaseError) as denied:
        connect(f"{clickhouse_url}/default").command("CREATE ROLE r")
    assert "deploy/clickhouse/access/roles.sql" in str(judged(denied.value, clickhouse_url))
