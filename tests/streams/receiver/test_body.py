"""Bodies that are too large, broken or packed wrongly are refused by what is wrong with them, in bounded memory."""

import gzip
import socket
import time
import tracemalloc
import zlib
from collections.abc import Callable, Iterator

import httpx
import pytest

from streams.receiver import body
from tests.streams.receiver.scene import TOKEN, Receiving
from tests.streams.receiver.sent import feedback_of

LIMIT = 100_000
WHOLE = feedback_of(2_000)
PACKED = gzip.compress(WHOLE)
UNPACKED: dict[str, Callable[[bytes], bytes]] = {"identity": bytes, "deflate": zlib.decompress, "gzip": gzip.decompress}


def _post(http: httpx.Client, content: bytes, encoding: str) -> httpx.Response:
    return http.post("/v1/feedback", content=content, headers={"Content-Encoding": encoding})


@pytest.mark.parametrize(
    ("encoding", "content"),
    [
        ("identity", WHOLE),
        ("gzip", PACKED),
        ("GZIP", PACKED),
        ("deflate", zlib.compress(WHOLE)),
        ("gzip", gzip.compress(feedback_of(LIMIT))),
        ("identity", feedback_of(LIMIT)),
    ],
)
def test_what_is_whole_and_not_too_large_is_taken(
    encoding: str, content: bytes, http: httpx.Client, receiver: Receiving
) -> None:
    assert _post(http, content, encoding).status_code == 202
    [record] = receiver.taken()
    assert record.value == UNPACKED[encoding.lower()](content)


@pytest.mark.parametrize(
    "content",
    [
        b"no gzip at all",
        b"",
        PACKED[:-1],
        PACKED[: len(PACKED) // 2],
        PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:],
        PACKED + b"more",
        PACKED + PACKED,
        WHOLE,
    ],
    ids=["not packed", "empty", "a byte short", "half", "wrong checksum", "more after it", "twice", "plain"],
)
def test_a_gzip_that_is_not_whole_is_refused(content: bytes, http: httpx.Client, receiver: Receiving) -> None:
    answer = _post(http, content, "gzip")
    assert (answer.status_code, answer.json()["reason"]) == (400, "bad_encoding")
    assert not receiver.taken()


@pytest.mark.parametrize("encoding", ["zstd", "br", "gzip, gzip", "compress"])
def test_other_encodings_are_refused_and_those_that_are_taken_named(encoding: str, http: httpx.Client) -> None:
    answer = _post(http, PACKED, encoding)
    assert answer.status_code == 415
    assert "gzip, deflate and identity" in answer.json()["detail"]


def test_a_body_over_the_limit_is_refused_whichever_way_it_comes(http: httpx.Client, receiver: Receiving) -> None:
    over = feedback_of(LIMIT + 1)

    def chunks() -> Iterator[bytes]:
        for start in range(0, len(over), 7_000):
            yield over[start : start + 7_000]

    for answer in (
        http.post("/v1/feedback", content=over),
        http.post("/v1/feedback", content=chunks()),
        _post(http, gzip.compress(over), "gzip"),
        _post(http, gzip.compress(over, compresslevel=0), "gzip"),
    ):
        assert (answer.status_code, answer.json()["reason"]) == (413, "too_large")
        assert "SLUICE_EVENT_BYTES" in answer.json()["detail"]
    assert not receiver.taken()


def test_a_bomb_is_stopped_at_the_limit(http: httpx.Client, receiver: Receiving) -> None:
    bomb = gzip.compress(bytes(90_000_000))
    assert len(bomb) < LIMIT
    tracemalloc.start()
    try:
        began = time.process_time()
        answer = _post(http, bomb, "gzip")
        took, (_, peak) = time.process_time() - began, tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert answer.status_code == 413
    assert peak < 10 * LIMIT, "of 90 MB no more is inflated than shows that it is too much"
    assert took < 2.0
    assert not receiver.taken()


def test_a_sender_that_stops_in_the_middle_is_not_waited_for_forever(
    monkeypatch: pytest.MonkeyPatch, receiver: Receiving
) -> None:
    monkeypatch.setattr(body, "READ_SECONDS", 0.2)
    answer = _raw(receiver, b"Content-Length: 1000\r\n\r\n{")
    assert answer.startswith(b"HTTP/1.1 408 ")
    assert b'"too_slow"' in answer


def _raw(receiver: Receiving, rest: bytes) -> bytes:
    with socket.create_connection((receiver.settings.web_host, receiver.settings.web_port), timeout=60) as sender:
        head = f"POST /v1/feedback HTTP/1.1\r\nHost: h\r\nAuthorization: Bearer {TOKEN}\r\nConnection: close\r\n"
        sender.sendall(head.encode() + rest)
        return sender.recv(65_536)
