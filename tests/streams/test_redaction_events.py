"""Events keep as much of their content as their source's policy lets them, and never who a person is."""

import time
from typing import Any

import pytest

from streams.events import Feedback, InferenceRequest, InferenceResponse
from streams.pseudonyms import Pseudonyms
from streams.redaction import Redactor
from streams.sources import Content

KEY = b"0123456789abcdef0123456789abcdef"
START_NS = 1_720_000_000_000_000_000


def request(**fields: Any) -> InferenceRequest:
    return InferenceRequest(
        kind="request", event_id="e", inference_id="i", time_unix_nano=START_NS, operation="chat", **fields
    )


def response(**fields: Any) -> InferenceResponse:
    return InferenceResponse(
        kind="response", event_id="e", inference_id="i", time_unix_nano=START_NS, status="ok", **fields
    )


def feedback(**fields: Any) -> Feedback:
    return Feedback(
        kind="feedback", event_id="e", inference_id="i", time_unix_nano=START_NS, name="user.thumbs", **fields
    )


def said(content: str) -> list[dict[str, Any]]:
    return [{"role": "user", "parts": [{"type": "text", "content": content}]}]


@pytest.fixture
def redactor() -> Redactor:
    return Redactor(KEY)


def test_redacted_is_what_a_request_says_it_is(redactor: Redactor) -> None:
    event = redactor.apply(request(input_messages=said("I am a@b.io"), content_state="captured"), "redacted")
    assert event.input_messages == said("I am [EMAIL]")
    assert event.content_state == "redacted"
    assert redactor.counts == {"EMAIL": 1}


def test_the_event_given_is_left_alone(redactor: Redactor) -> None:
    event = request(input_messages=said("I am a@b.io"))
    redactor.apply(event, "redacted")
    assert event.input_messages == said("I am a@b.io")


@pytest.mark.parametrize(
    "event",
    [
        response(output_messages=said("nothing of anybody's"), output={"scores": [0.5, 1]}),
        response(error_message="model overloaded"),
        feedback(score=1.0, label="good", tags={"tier": "gold"}),
        request(),
        request(input_messages=said("hello"), content_state="redacted"),
    ],
)
def test_what_need_not_change_is_the_same_object(event: Any, redactor: Redactor) -> None:
    assert redactor.apply(event, "redacted") is event


@pytest.mark.parametrize("content", ["full", "redacted", "hashed", "none"])
def test_people_are_pseudonyms_under_every_policy(content: Content, redactor: Redactor) -> None:
    asked = redactor.apply(request(user_id="maria"), content)
    judged = redactor.apply(feedback(score=1.0, user_id="maria", rater_id="maria"), content)
    assert asked.user_id == judged.user_id == judged.rater_id == Pseudonyms(KEY).of_user("maria")
    assert Redactor(KEY).apply(request(user_id="maria"), content).user_id == asked.user_id


def test_a_pseudonym_is_128_bits_of_hmac_and_depends_on_the_key() -> None:
    # printf 'user\0maria' | openssl dgst -sha256 -hmac 0123456789abcdef0123456789abcdef
    assert Pseudonyms(KEY).of_user("maria") == "u_01bba3a39fa582db54787b4754a4bf57"
    assert Pseudonyms(b"another").of_user("maria") != Pseudonyms(KEY).of_user("maria")


def test_full_is_everything_but_people(redactor: Redactor) -> None:
    event = redactor.apply(request(input_messages=said("I am a@b.io"), tags={"mail": "a@b.io"}), "full")
    assert event.input_messages == said("I am a@b.io")
    assert event.tags == {"mail": "a@b.io"}
    assert event.content_state == "captured"
    assert not redactor.counts


def test_none_is_nothing(redactor: Redactor) -> None:
    asked = redactor.apply(
        request(
            input_messages=said("x"),
            system_instructions=[{"type": "text", "content": "x"}],
            tool_definitions=[{"name": "x"}],
            input="x",
            tags={"x": "x"},
        ),
        "none",
    )
    assert (asked.input_messages, asked.system_instructions, asked.tool_definitions, asked.input) == (None,) * 4
    assert (asked.tags, asked.content_state) == ({}, "not_captured")
    answered = redactor.apply(
        response(output_messages=said("x"), output=[1], error_message="x", output_tokens=3), "none"
    )
    assert (answered.output_messages, answered.output, answered.error_message) == (None,) * 3
    assert answered.output_tokens == 3
    sentence = "it kept talking about my colleague Bob Smith"
    judged = redactor.apply(feedback(label=sentence, explanation="x", correction={"x": 1}, score=0.0), "none")
    assert (judged.label, judged.explanation, judged.correction, judged.score) == (None, None, None, 0.0)
    assert redactor.apply(feedback(label="bad"), "none").label == "bad"


def test_hashed_keeps_the_form_and_which_texts_are_equal(redactor: Redactor) -> None:
    def digest(text: str) -> str:
        return f"[SHA256:{Pseudonyms(KEY).of_text(text)}]"

    event = redactor.apply(
        request(
            input_messages=[
                *said("hello"),
                {
                    "role": "assistant",
                    "finish_reason": "stop",
                    "parts": [
                        {"type": "tool_call", "name": "find", "arguments": {"name": "hello", "top": 3, "a@b.io": ""}},
                    ],
                },
            ],
            input="hello",
        ),
        "hashed",
    )
    assert event.input == digest("hello")
    assert event.input_messages == [
        *said(digest("hello")),
        {
            "role": "assistant",
            "finish_reason": "stop",
            "parts": [
                {"type": "tool_call", "name": "find", "arguments": {"name": digest("hello"), "top": 3, "[EMAIL]": ""}},
            ],
        },
    ]
    assert event.content_state == "hashed"
    assert redactor.apply(event, "hashed") is event


def test_hashed_only_redacts_the_error_message_and_categories(redactor: Redactor) -> None:
    answered = redactor.apply(response(error_message="no quota left for a@b.io"), "hashed")
    assert answered.error_message == "no quota left for [EMAIL]"
    assert redactor.apply(feedback(label="bad"), "hashed").label == "bad"
    assert redactor.counts == {"EMAIL": 1}


@pytest.mark.parametrize(
    ("given", "content", "kept"),
    [
        ("truncated", "redacted", "truncated"),
        ("external_ref", "full", "external_ref"),
        ("not_captured", "hashed", "not_captured"),
        ("truncated", "none", "not_captured"),
        ("captured", "hashed", "hashed"),
        (None, "full", "captured"),
    ],
)
def test_a_sender_knows_better_whether_content_is_whole(
    given: Any, content: Content, kept: str, redactor: Redactor
) -> None:
    assert redactor.apply(request(input="text", content_state=given), content).content_state == kept


def test_a_request_without_content_says_what_it_said(redactor: Redactor) -> None:
    assert redactor.apply(request(content_state="external_ref"), "none").content_state == "external_ref"
    assert redactor.apply(request(), "redacted").content_state is None


def test_structures_are_walked(redactor: Redactor) -> None:
    given = {
        "users": [{"email": "a@b.io", "age": 41}, ["c@d.io", [None, True, "10.20.30.40"]]],
        "a@b.io": {"c@d.io": 1, "e@f.io": 2},
        "arguments": '{"to": "a@b.io", "phone": "4155550143"}',
        "card": 4111111111111111,
    }
    assert redactor.apply(response(output=given), "redacted").output == {
        "users": [{"email": "[EMAIL]", "age": 41}, ["[EMAIL]", [None, True, "[IP]"]]],
        "[EMAIL]": {"[EMAIL]": 1, "[EMAIL] 2": 2},
        "arguments": '{"to": "[EMAIL]", "phone": "[PHONE]"}',
        "card": 4111111111111111,  # numbers are not looked at
    }


@pytest.mark.parametrize(
    "key",
    [
        "Authorization",
        "api_key",
        "X-API-Key",
        "apiKey",
        "password",
        "db_password",
        "Set-Cookie",
        "access_token",
        "client_secret",
    ],
)
def test_what_is_under_a_credentials_name_is_secret(key: str, redactor: Redactor) -> None:
    given = {key: "plain", "deep": [{key: ["one", "two"]}, {key: 12345678}], "schema": {key: {"type": "string"}}}
    assert redactor.apply(response(output=given), "redacted").output == {
        key: "[SECRET]",
        "deep": [{key: ["[SECRET]", "[SECRET]"]}, {key: "[SECRET]"}],
        "schema": {key: {"type": "string"}},
    }
    assert redactor.counts == {"SECRET": 4}


@pytest.mark.parametrize("key", ["token", "max_tokens", "author", "password_hint_shown", "session", "secretary"])
def test_what_only_sounds_like_a_credential_stays(key: str, redactor: Redactor) -> None:
    event = response(output={key: "Hello", "logprob": -0.1})
    assert redactor.apply(event, "redacted") is event


def test_redacting_an_event_twice_changes_nothing_more(redactor: Redactor) -> None:
    once = redactor.apply(request(input={"password": "x", "a@b.io": "c@d.io"}, tags={"ip": "10.20.30.40"}), "redacted")
    assert redactor.apply(once, "redacted") is once


def test_a_stack_in_an_error_message_goes(redactor: Redactor) -> None:
    stack = 'Traceback (most recent call last):\n  File "x.py", line 1, in f\n    f(a@b.io)\nValueError: no c@d.io'
    assert (
        redactor.apply(response(error_message=stack), "redacted").error_message == "[TRACEBACK]\nValueError: no [EMAIL]"
    )
    assert redactor.counts == {"TRACEBACK": 1, "EMAIL": 1}
    kept = response(output={"text": stack.replace("@", "(at)")})
    assert redactor.apply(kept, "redacted") is kept


def test_nesting_costs_no_stack(redactor: Redactor) -> None:
    value: Any = "a@b.io"
    for _ in range(50_000):
        value = [{"x": value}]
    event = response().model_copy(update={"output": value})
    changed: Any = redactor.apply(event, "redacted").output
    for _ in range(50_000):
        changed = changed[0]["x"]
    assert changed == "[EMAIL]"


@pytest.mark.parametrize(
    "value",
    [["1234567"] * 50_000, [0.5] * 250_000, [{"a": "b"}] * 50_000, {f"k{n}": "v" for n in range(50_000)}],
    ids=["look-alikes", "numbers", "dicts", "keys"],
)
def test_no_structure_takes_long(value: Any, redactor: Redactor) -> None:
    event = response().model_copy(update={"output": value})
    began = time.process_time()
    redactor.apply(event, "redacted")
    assert time.process_time() - began < 1.0


def test_nothing_is_found_across_two_texts(redactor: Redactor) -> None:
    event = response(output=["see http://host:80", "me@x.io"])
    assert redactor.apply(event, "redacted").output == ["see http://host:80", "[EMAIL]"]


def test_of_many_events_those_change_that_hold_anything(redactor: Redactor) -> None:
    texts = ["hello", "a@b.io", "half \ud800", "a \x00 in it, a@b.io", "", "bye"]
    events = [request(input=[text, {"password": "x"}] if text == "bye" else text) for text in texts]
    alone = [Redactor(KEY).apply(event, "redacted") for event in events]
    redactor.apply_all(events, "redacted")
    assert events == alone
    assert [event.input for event in events[:2]] == ["hello", "[EMAIL]"]
