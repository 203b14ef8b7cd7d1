"""Who may send: tokens in each place where a client puts them, and nobody else; without tokens, this machine alone."""

import base64

import httpx
import pytest
from google.rpc.status_pb2 import Status
from pydantic import SecretStr

from deploy.local.broker import EmbeddedBroker
from streams.attempts import EVERY_S, TRIES
from streams.receiver.auth import Door
from streams.receiver.refusals import CannotServe
from streams.settings import Settings
from tests.streams.receiver.scene import ANOTHER, TOKEN, Receiving, receiving, settings_for
from tests.streams.receiver.sent import FEEDBACK


def _basic(user: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


RIGHT = {
    "bearer": {"Authorization": f"Bearer {TOKEN}"},
    "bearer in lower case": {"Authorization": f"bearer {TOKEN}"},
    "the other of two tokens": {"Authorization": f"Bearer {ANOTHER}"},
    "Langfuse": _basic("pk-lf-1", TOKEN),
    "LangSmith": {"x-api-key": TOKEN},
    "Phoenix of old": {"api_key": TOKEN},
    "one right among wrong": {"Authorization": "Bearer wrong", "x-api-key": TOKEN},
}
WRONG = {
    "none": {},
    "wrong": {"Authorization": "Bearer wrong"},
    "empty": {"x-api-key": ""},
    "beginning": {"Authorization": f"Bearer {TOKEN[:-1]}"},
    "both at once": {"Authorization": f"Bearer {ANOTHER}, {TOKEN}"},
    "as the user": _basic(TOKEN, "wrong"),
    "no base64": {"Authorization": f"Basic {TOKEN}"},
    "not UTF-8": {"Authorization": "Basic " + base64.b64encode(b"pk:\xff\xfe").decode()},
    "another scheme": {"Authorization": f"Digest {TOKEN}"},
    "in a query's place": {"X-Token": TOKEN},
    "not ASCII": {"x-api-key": "schlüssel"},
}


@pytest.mark.parametrize("headers", RIGHT.values(), ids=RIGHT)
def test_a_token_is_taken_wherever_a_client_puts_it(headers: dict[str, str], receiver: Receiving) -> None:
    assert httpx.post(f"{receiver.url}/v1/feedback", json=FEEDBACK, headers=headers).status_code == 202
    [record] = receiver.taken()
    kept = repr((record.headers, record.value))
    assert TOKEN not in kept
    assert ANOTHER not in kept, "a token does not go to Kafka"


@pytest.mark.parametrize("headers", WRONG.values(), ids=WRONG)
def test_nobody_else_gets_in(headers: dict[str, str], receiver: Receiving) -> None:
    raw = {name: value.encode() for name, value in headers.items()}
    answer = httpx.post(f"{receiver.url}/v1/feedback", json=FEEDBACK, headers=raw)  # type: ignore[arg-type]  # bytes, too
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")
    assert answer.json()["reason"] == "unauthorized"
    assert "SLUICE_RECEIVER_TOKENS" in answer.json()["detail"]
    assert not receiver.taken()


def test_an_exporter_is_told_in_its_own_encoding(receiver: Receiving) -> None:
    answer = httpx.post(f"{receiver.url}/v1/traces", headers={"Content-Type": "application/x-protobuf"})
    status = Status.FromString(answer.content)
    assert (answer.status_code, answer.headers["Content-Type"]) == (401, "application/x-protobuf")
    assert (status.code, "Bearer TOKEN" in status.message) == (16, True)


def test_the_document_and_the_metrics_ask_for_no_token(receiver: Receiving) -> None:
    for path in ("/openapi.json", "/info", "/metrics"):
        assert httpx.get(receiver.url + path).status_code == 200


def test_without_tokens_programs_of_this_machine_may_send_and_web_pages_may_not(embedded: EmbeddedBroker) -> None:
    with receiving(settings_for(embedded.bootstrap, "without-tokens.", receiver_tokens=" , ")) as open_:
        url = f"{open_.url}/v1/feedback"
        assert httpx.post(url, json=FEEDBACK).status_code == 202
        from_a_page = httpx.post(url, json=FEEDBACK, headers={"Origin": "https://a.page.example"})
        assert (from_a_page.status_code, from_a_page.json()["reason"]) == (403, "forbidden")
        assert len(open_.taken()) == 1


def test_who_has_shown_too_many_wrong_tokens_waits_and_no_right_sender_does(embedded: EmbeddedBroker) -> None:
    with receiving(settings_for(embedded.bootstrap, "limited.", metrics_token=ANOTHER)) as limited:
        right, elsewhere = {"x-api-key": TOKEN}, httpx.HTTPTransport(local_address="127.0.0.2")
        with (
            httpx.Client(base_url=limited.url, timeout=60) as near,
            httpx.Client(base_url=limited.url, timeout=60, transport=elsewhere) as far,
        ):

            def sent(http: httpx.Client, headers: dict[str, str]) -> httpx.Response:
                return http.post("/v1/feedback", json=FEEDBACK, headers=headers)

            assert {sent(near, {}).status_code for _ in range(TRIES + 2)} == {401}, "to show nothing is no try"
            told = [sent(near, {"x-api-key": "wrong"}).status_code for _ in range(TRIES + 2)]
            refused = sent(near, {"x-api-key": "wrong"})
            assert told[:TRIES] == [401] * TRIES
            assert told[-1] == refused.status_code == 429
            assert refused.json()["reason"] == "too_many_tries"
            assert 1 <= int(refused.headers["Retry-After"]) <= 2 * EVERY_S
            wrong = {"x-api-key": "wrong", "Content-Type": "application/x-protobuf"}
            exporter = near.post("/v1/traces", headers=wrong)
            assert (exporter.status_code, Status.FromString(exporter.content).code) == (429, 8)
            assert sent(near, right).status_code == sent(far, right).status_code == 202
            assert near.get("/metrics", headers={"Authorization": f"Bearer {ANOTHER}"}).status_code == 200
        assert len(limited.taken()) == 2


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "sluice.example", ""])  # noqa: S104  # refused is the point
def test_without_tokens_others_than_this_machine_are_not_served(host: str) -> None:
    with pytest.raises(CannotServe, match="SLUICE_RECEIVER_TOKENS"):
        Door(Settings(web_host=host))
    Door(Settings(web_host=host, receiver_tokens=SecretStr(TOKEN)))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "localhost"])
def test_without_tokens_this_machine_is_served(host: str) -> None:
    Door(Settings(web_host=host))
