"""Bytes between a worker and ClickHouse pass, or are held up, cut off, refused, or answered in ClickHouse's place."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Callable
from enum import Enum
from types import TracebackType
from typing import Self
from urllib.parse import urlsplit

PIECE = 16 * 1024
SLOW_S = 0.05  # for each piece on its way to the server
TOO_MANY_PARTS = (
    b"HTTP/1.1 500 Internal Server Error\r\nX-ClickHouse-Exception-Code: 252\r\nConnection: close\r\n"
    b"Content-Length: 89\r\n\r\nCode: 252. DB::Exception: Too many parts (300). Merges are processing "
    b"slower than inserts"
)


class Way(Enum):
    """How the proxy treats what comes."""

    OPEN = "passes"
    REFUSE = "refuses connections"
    HANG = "takes everything and answers nothing"
    SLOW = "is slow"
    CUT_INSERTS = "breaks off in the middle of an insert"
    CUT_ANSWERS = "answers 200 and breaks off"
    TOO_MANY_PARTS = "has too many parts"


class Proxy:
    """A TCP proxy on loopback, at `url`; `way` may be set at any time, and open connections end when it changes."""

    def __init__(self, upstream: str, seed: int) -> None:
        target = urlsplit(upstream)
        self._upstream = (str(target.hostname), int(target.port or 0))
        self._listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()
        self._way = Way.OPEN
        self._random = random.Random(seed)  # noqa: S311  # which byte is the last is no secret

    @property
    def way(self) -> Way:
        return self._way

    @way.setter
    def way(self, way: Way) -> None:
        self._way = way
        with self._lock:
            for each in self._open:
                with contextlib.suppress(OSError):
                    each.shutdown(socket.SHUT_RDWR)

    def _serve(self) -> None:
        with contextlib.suppress(OSError):  # the listener was closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._treat, args=(client,), daemon=True).start()

    def _treat(self, client: socket.socket) -> None:
        with contextlib.suppress(OSError), self._kept(client):
            match self._way:
                case Way.REFUSE:
                    return
                case Way.HANG:
                    while client.recv(PIECE):
                        pass
                case Way.TOO_MANY_PARTS:
                    _read_request(client)
                    client.sendall(TOO_MANY_PARTS)
                case way:
                    self._pass_on(client, way)

    def _pass_on(self, client: socket.socket, way: Way) -> None:
        there = _count_down(self._random.randint(300, 60_000)) if way is Way.CUT_INSERTS else _all
        back = _count_down(self._random.randint(20, 400)) if way is Way.CUT_ANSWERS else _all
        with socket.create_connection(self._upstream) as server, self._kept(server):
            returning = threading.Thread(target=_pump, args=(server, client, back, 0.0), daemon=True)
            returning.start()
            _pump(client, server, there, SLOW_S if way is Way.SLOW else 0.0)
            returning.join(timeout=60)

    @contextlib.contextmanager
    def _kept(self, connection: socket.socket):  # type: ignore[no-untyped-def]
        with self._lock:
            self._open.add(connection)
        try:
            yield
        finally:
            with self._lock:
                self._open.discard(connection)
            connection.close()

    def __enter__(self) -> Self:
        threading.Thread(target=self._serve, daemon=True).start()
        return self

    def __exit__(
        self, _kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._listener.close()
        self.way = Way.REFUSE


def _all(piece: bytes) -> bytes:
    return piece


def _count_down(left: int) -> Callable[[bytes], bytes]:
    """Return a function that lets so many bytes through, and then nothing."""

    def some(piece: bytes) -> bytes:
        nonlocal left
        passed, left = piece[: max(left, 0)], left - len(piece)
        return passed

    return some


def _pump(source: socket.socket, target: socket.socket, let: Callable[[bytes], bytes], wait_s: float) -> None:
    with contextlib.suppress(OSError):
        while piece := source.recv(PIECE):
            time.sleep(wait_s)
            passed = let(piece)
            target.sendall(passed)
            if len(passed) < len(piece):
                break
    for each in (source, target):
        with contextlib.suppress(OSError):
            each.shutdown(socket.SHUT_RDWR)


def _read_request(client: socket.socket) -> None:
    """Read what a client sends until it waits for an answer."""
    client.settimeout(0.2)
    with contextlib.suppress(TimeoutError):
        while client.recv(PIECE):
            pass
    client.settimeout(None)
