"""A server between a client and ClickHouse that answers in its own way when told to: it closes, cuts off, refuses."""

import contextlib
import socket
import threading
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit


class HalfServer:
    """Passes connections on to `upstream`, until `answer` is set: then each request gets those bytes, and the end.

    Use: `with HalfServer("http://127.0.0.1:8123") as server: connect(server.url); server.answer = b"HTTP/1.1 500 …"`.
    """

    def __init__(self, upstream: str) -> None:
        target = urlsplit(upstream)
        self._upstream = (str(target.hostname), int(target.port or 0))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self._open: list[socket.socket] = []
        self._answer: bytes | None = None
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"

    @property
    def answer(self) -> bytes | None:
        return self._answer

    @answer.setter
    def answer(self, answer: bytes | None) -> None:
        self._answer = answer
        self._close_all()  # what is kept alive would still go to ClickHouse

    def _close_all(self) -> None:
        while self._open:
            connection = self._open.pop()
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)
            connection.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                self._open.append(client)
                serve = self._pass_on if self._answer is None else self._answer_alone
                threading.Thread(target=serve, args=(client,), daemon=True).start()

    def _pass_on(self, client: socket.socket) -> None:
        server = socket.create_connection(self._upstream)
        self._open.append(server)
        threading.Thread(target=_pump, args=(server, client), daemon=True).start()
        _pump(client, server)

    def _answer_alone(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError):
            request = client.recv(65536)
            while not request.endswith(b"\r\n0\r\n\r\n") and b"content-length: 0" not in request.lower():
                client.settimeout(0.2)
                try:
                    more = client.recv(65536)
                except TimeoutError:
                    break  # the whole body is here
                if not more:
                    return
                request += more
            client.sendall(self._answer or b"")
            client.shutdown(socket.SHUT_RDWR)
        client.close()

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self._close_all()


def _pump(source: socket.socket, target: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while data := source.recv(65536):
            target.sendall(data)
        target.shutdown(socket.SHUT_WR)
