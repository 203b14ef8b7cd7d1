"""Services label items, and whatever else they do leaves an item unlabelled: nothing is raised, and all is counted."""

import asyncio
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import orjson
import pytest
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from sinks.review.prelabels.classifier import Classifier
from sinks.review.prelabels.judge import Judge
from sinks.review.prelabels.kept import FOLDER
from sinks.review.prelabels.labeller import AnyPlug, Labeller
from sinks.review.prelabels.moderation import Moderation
from sinks.review.prelabels.plug import Plug, Prelabel, WrongAnswer
from tests.sinks.review.planting import text
from tests.sinks.review.prelabels.service import Answer, serving

CLASS = {"predictions": [{"label": "refund", "score": 0.75}]}
WORDS = [
    *("results", "flagged", "categories", "category_scores", "predictions", "label", "score"),
    *("outputs", "name", "data", "choices", "message", "content"),
]
FAILED: Any = ([[]], {"asked": 1, "labelled": 0, "failed": 1})
REFUND = {"name": "class", "value": "refund", "score": 0.75, "by": "topics"}


def item(name: str, said: str = "hello") -> dict[str, Any]:
    return {"inference_id": name, "input_messages": text("user", said), "output_messages": text("assistant", "hi")}


def classifier(url: str, **more: Any) -> Classifier:
    return Classifier(kind="classifier", name="topics", url=url, **more)


def saying(answer: Any, **of_response: Any) -> Answer:
    async def say(_request: web.Request, _body: Any) -> web.Response:
        return web.Response(body=answer if isinstance(answer, bytes) else orjson.dumps(answer), **of_response)

    return say


def labels(tmp_path: Path, plug: Plug, items: list[dict[str, Any]], *, ask: bool = True) -> Any:
    labeller = Labeller([plug], {"SLUICE_TOKEN_T": "s3cret"}, tmp_path, ask=ask)
    return labeller.label(items), labeller.counts[plug.name]


def test_a_moderation_service_flags_categories(tmp_path: Path) -> None:
    said = {"flagged": True, "categories": {"violence": True, "hate": False}}
    said["category_scores"] = {"violence": 0.91, "hate": 0.02}
    with serving(saying({"results": [said]})) as service:
        plug = Moderation(kind="moderation", name="mod", url=service.url, token="SLUICE_TOKEN_T")  # noqa: S106  a name
        got, counts = labels(tmp_path, plug, [item("a")])
    assert got == [
        [
            {"name": "flagged", "value": "true", "score": 0.91, "by": "mod"},
            {"name": "violence", "value": "true", "score": 0.91, "by": "mod"},
        ]
    ]
    assert counts == {"asked": 1, "labelled": 1, "failed": 0}
    assert service.asked == [{"model": "omni-moderation-latest", "input": ["user: hello\n\nassistant: hi"]}]
    assert service.headers[0]["Authorization"] == "Bearer s3cret"


def test_a_classifier_is_asked_in_the_plain_shape_or_in_that_of_kserve(tmp_path: Path) -> None:
    outputs = [{"name": "label", "data": ["refund"]}, {"name": "score", "data": [0.75]}]
    with serving(saying(CLASS)) as plain, serving(saying({"outputs": outputs})) as kserve:
        assert labels(tmp_path, classifier(plain.url, reads="answer"), [item("a")])[0] == [[REFUND]]
        assert labels(tmp_path, classifier(kserve.url, protocol="kserve_v2"), [item("a")])[0] == [[REFUND]]
    assert plain.asked == [{"texts": ["assistant: hi"]}]
    assert kserve.asked[0]["inputs"][0]["data"] == ["user: hello\n\nassistant: hi"]


def judge(url: str) -> Judge:
    questions = {"quality": ["good", "bad"], "refusal": ["yes", "no"]}
    return Judge(kind="judge", name="judge", url=url, model="m", rubric="Be {strict}.", questions=questions)


def chat(content: str) -> dict[str, Any]:
    return {"choices": [{"message": {"role": "assistant", "content": content}}]}


def test_a_judge_answers_the_policys_questions(tmp_path: Path) -> None:
    with serving(saying(chat('{"quality": {"value": "bad", "score": 0.8}, "refusal": "no"}'))) as service:
        got, _ = labels(tmp_path, judge(service.url), [item("a")])
    assert [(label["name"], label["value"], label["score"]) for label in got[0]] == [
        ("quality", "bad", 0.8),
        ("refusal", "no", None),
    ]
    system, user = service.asked[0]["messages"]
    assert "Be {strict}." in system["content"]
    assert "quality: good | bad" in system["content"]
    assert user == {"role": "user", "content": "user: hello\n\nassistant: hi"}


@pytest.mark.parametrize(
    "content",
    [
        '{"quality": "splendid", "refusal": "no"}',
        '{"quality": "bad"}',
        "I will not.",
        "[]",
        '{"quality": ["bad"], "refusal": {}}',
    ],
)
def test_a_judge_that_was_talked_into_something_else_labels_nothing(tmp_path: Path, content: str) -> None:
    with serving(saying(chat(content))) as service:
        assert labels(tmp_path, judge(service.url), [item("a")]) == FAILED


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"no json",
        b"\xff\xfe",
        b"[" * 200_000,
        b'{"predictions": [{"label": "' + b"x" * 2_000_000 + b'"}]}',
        b'{"predictions": [{"label": "' + b"x" * 300 + b'", "score": 0.5}]}',
        b'{"predictions": [{"label": "x", "score": 1e999}]}',
        b'{"predictions": [{"label": "x", "score": NaN}]}',
        b'{"predictions": [{"label": "x", "score": 7}]}',
        b'{"predictions": [{"label": {"a": 1}, "score": 0.5}]}',
        b'{"predictions": [null]}',
        b'{"predictions": {}}',
        b"null",
    ],
)
def test_a_hostile_answer_is_no_label(tmp_path: Path, answer: bytes) -> None:
    with serving(saying(answer)) as service:
        assert labels(tmp_path, classifier(service.url), [item("a")]) == (
            [[]],
            {"asked": 1, "labelled": 0, "failed": 1},
        )


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=4),
)


@given(JSON)
def test_whatever_json_comes_back_is_labels_or_a_wrong_answer(answer: Any) -> None:
    plugs: list[Plug] = [classifier("http://h/"), classifier("http://h/", protocol="kserve_v2"), judge("http://h/")]
    plugs.append(Moderation(kind="moderation", name="mod", url="http://h/"))
    for plug in plugs:
        with suppress(WrongAnswer):
            assert all(isinstance(label, Prelabel) for label in plug.read(answer))


def test_a_compressed_answer_is_not_unpacked(tmp_path: Path) -> None:
    with serving(saying(CLASS, headers={"Content-Encoding": "gzip"})) as honest:
        assert honest.url  # the header alone: were it unpacked, the plain bytes below it would break the request
        assert labels(tmp_path, classifier(honest.url), [item("a")])[1]["failed"] == 0


def test_an_answer_without_an_end_is_cut_off(tmp_path: Path) -> None:
    sent = 0

    async def endless(request: web.Request, _body: Any) -> web.StreamResponse:
        nonlocal sent
        response = web.StreamResponse()
        await response.prepare(request)
        while sent < 1 << 30:
            await response.write(b" " * (1 << 16))
            sent += 1 << 16
        return response

    with serving(endless) as service:
        assert labels(tmp_path, classifier(service.url), [item("a")])[1]["failed"] == 1
    assert sent < 64 << 20


def test_no_redirect_is_followed(tmp_path: Path) -> None:
    with serving(saying(CLASS)) as inner:
        for status in (301, 302, 307, 308):
            with serving(saying(b"", status=status, headers={"Location": inner.url})) as outer:
                assert labels(tmp_path, classifier(outer.url), [item("a")])[1]["failed"] == 1
            assert len(outer.asked) == 1
    assert inner.asked == []


def test_what_may_pass_is_tried_again_and_what_will_not_is_not(tmp_path: Path) -> None:
    tries = 0

    async def second_time(_request: web.Request, _body: Any) -> web.Response:
        nonlocal tries
        tries += 1
        return web.Response(status=503) if tries == 1 else web.json_response(CLASS)

    with serving(second_time) as service:
        assert labels(tmp_path, classifier(service.url), [item("a")])[0] == [[REFUND]]
    with serving(saying(b"", status=500)) as broken:
        assert labels(tmp_path, classifier(broken.url, retries=1), [item("a")])[1]["failed"] == 1
    with serving(saying(b"", status=401)) as locked:
        assert labels(tmp_path, classifier(locked.url), [item("a")])[1]["failed"] == 1
    assert (len(service.asked), len(broken.asked), len(locked.asked)) == (2, 2, 1)


def test_a_slow_service_costs_its_deadline_and_no_more(tmp_path: Path) -> None:
    async def drip(request: web.Request, _body: Any) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        with suppress(ConnectionError):
            for _ in range(100):  # each byte in time, the whole never
                await response.write(b" ")
                await asyncio.sleep(0.05)
        return response

    began = time.monotonic()
    with serving(drip) as service:
        plug = classifier(service.url, timeout_s=0.2, retries=0, concurrency=2, deadline_s=0.5)
        labeller = Labeller([plug], {}, tmp_path, ask=True)
        for _ in range(3):
            labeller.label([item(f"i{n}") for n in range(10)])
    assert labeller.counts["topics"] == {"asked": 30, "labelled": 0, "failed": 30}
    assert time.monotonic() - began < 25, "to wait for each of them to the end takes 75 s"


def test_no_more_requests_are_under_way_than_the_policy_allows(tmp_path: Path) -> None:
    async def slow(_request: web.Request, _body: Any) -> web.Response:
        await asyncio.sleep(0.02)
        return web.json_response(CLASS)

    with serving(slow) as service:
        labels(tmp_path, classifier(service.url, concurrency=3), [item(f"i{n}") for n in range(12)])
    assert service.most_at_once == 3


def test_nobody_there_is_no_error(tmp_path: Path) -> None:
    with serving(saying(CLASS)) as service:
        url = service.url
    assert labels(tmp_path, classifier(url, retries=0), [item("a")]) == FAILED


def test_one_failure_leaves_the_others_labelled_and_what_says_nothing_is_not_asked_about(tmp_path: Path) -> None:
    async def picky(_request: web.Request, body: Any) -> web.Response:
        return web.Response(status=400) if "poison" in body["texts"][0] else web.json_response(CLASS)

    silent = {"inference_id": "silent", "input_messages": None, "output_messages": None}
    with serving(picky) as service:
        got, counts = labels(tmp_path, classifier(service.url), [item("a"), item("b", "poison"), silent, item("c")])
    assert got == [[REFUND], [], [], [REFUND]]
    assert counts == {"asked": 3, "labelled": 2, "failed": 1}


def test_what_was_said_is_kept_and_a_recut_asks_nobody(tmp_path: Path) -> None:
    async def changing(_request: web.Request, body: Any) -> web.Response:
        if "poison" in body["texts"][0]:
            return web.Response(status=400)
        return web.json_response({"predictions": [{"label": f"answer {len(service.asked)}"}]})

    items = [item("a"), item("b", "poison"), item("c")]
    with serving(changing) as service:
        first = labels(tmp_path, classifier(service.url), items)
        asked = len(service.asked)
        assert labels(tmp_path, classifier(service.url, timeout_s=3.0), items, ask=False) == first
        assert len(service.asked) == asked
        edited = labels(tmp_path, classifier(service.url, label_name="other"), items, ask=False)
        moved = labels(tmp_path, classifier(service.url), [item("a", "another text")], ask=False)
    assert edited == ([[], [], []], {"asked": 3, "labelled": 0, "failed": 3})
    assert moved == FAILED


def test_a_line_that_a_kill_left_half_is_asked_again(tmp_path: Path) -> None:
    with serving(saying(CLASS)) as service:
        labels(tmp_path, classifier(service.url, concurrency=1), [item("a"), item("b")])
        (kept,) = (tmp_path / FOLDER).iterdir()
        kept.write_bytes(kept.read_bytes()[:-20])
        assert labels(tmp_path, classifier(service.url), [item("a"), item("b")])[0] == [[REFUND], [REFUND]]
        assert len(service.asked) == 3
        assert labels(tmp_path, classifier(service.url), [item("a"), item("b")], ask=False)[0] == [[REFUND], [REFUND]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"url": "file:///etc/passwd"},
        {"url": "http://user:secret@host/"},
        {"url": "http://"},
        {"token": "AWS_SECRET_ACCESS_KEY"},
        {"kind": "oracle"},
        {"deadline_s": float("inf")},
    ],
)
def test_a_policy_that_would_reach_elsewhere_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter(AnyPlug).validate_python({"kind": "classifier", "name": "x", "url": "http://h/", **wrong})


def test_a_url_that_is_none_is_told_what_is_taken() -> None:
    with pytest.raises(ValidationError, match=r"takes http\[s\]"):
        TypeAdapter(AnyPlug).validate_python({"kind": "classifier", "name": "x", "url": "http://[h]/"})
