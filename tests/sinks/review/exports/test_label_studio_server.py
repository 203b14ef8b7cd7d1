"""A batch goes to a real Label Studio, two people annotate it there, and what it exports are their decisions."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.request import Request, urlopen

import orjson
import pytest

from sinks.review.audit import Audit
from sinks.review.decisions import read
from sinks.review.exports import label_studio_push
from sinks.review.exports.label_studio_push import push
from sinks.review.exports.label_studio_server import NotPushed, Server
from sinks.review.imports.receive import receive
from sinks.review.outcomes import Standing, resolved
from tests.sinks.review.deciding import MONDAY, batch, item, labelled
from tests.sinks.review.exports.conftest import LabelStudio

ADA, BEN = "ada@example.org", "ben@example.org"
HOSTILE = "<img src=x onerror=alert(1)> $dialogue {{ x }} \u2028 \U0001f600"


class Breaking(Server):
    """A server whose connection breaks after it has taken a chunk, before it says so."""

    def send(self, project: int, tasks: bytes) -> int:
        super().send(project, tasks)
        raise NotPushed("broke off")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    said = orjson.dumps([{"role": "user", "parts": [{"type": "text", "content": HOSTILE}]}]).decode()
    other = {"inference_id": "other", "choice": 1, "response_model": "m", "preferred": True, "output_messages": said}
    items = [item("a", input_messages=said), item("b"), item("c", alternatives=[other]), labelled("d", "good", 0.9)]
    return batch(tmp_path / "batches", [*items, item("e")], verdicts={"quality=good": "accept"})


def call(server: LabelStudio, person: str, path: str, body: Any = None) -> Any:
    headers = {"Authorization": f"Token {server.people[person]}", "Content-Type": "application/json"}
    data = None if body is None else orjson.dumps(body)
    with urlopen(Request(server.url + path, data, headers), timeout=60) as answer:  # noqa: S310  loopback
        return orjson.loads(answer.read())


def annotate(server: LabelStudio, person: str, task: int, said: Mapping[str, Any], **more: Any) -> None:
    kinds = {"verdict": "choices", "ranking": "ranker"}
    result = [
        {
            "from_name": name,
            "to_name": "answers" if name == "ranking" else "dialogue",
            "type": (kind := kinds.get(name, "textarea")),
            "value": {"text" if kind == "textarea" else kind: value},
        }
        for name, value in said.items()
    ]
    call(server, person, f"/api/tasks/{task}/annotations/", {"result": result, "lead_time": 12.5} | more)


def test_what_two_people_say_in_label_studio_is_what_is_decided(folder: Path, label_studio: LabelStudio) -> None:
    receipt = push(folder, Server(label_studio.url, label_studio.people[ADA]), None, "Eve", MONDAY)
    there = list(Server(label_studio.url, label_studio.people[ADA]).tasks(receipt.project))
    tasks = {each["data"]["inference_id"]: each for each in there}
    assert tasks.keys() == {"a", "b", "c", "d", "e"}
    assert tasks["a"]["data"]["dialogue"][0] == {"role": "user", "text": HOSTILE}

    numbers = {name: each["id"] for name, each in tasks.items()}
    annotate(
        label_studio, ADA, numbers["a"], {"verdict": ["accept"], "labels": ["fine", "short"], "note": ["so\nbe it"]}
    )
    annotate(label_studio, BEN, numbers["a"], {"verdict": ["reject"]})
    annotate(label_studio, ADA, numbers["b"], {"verdict": ["correct"], "correction": ["the better\nanswer"]})
    annotate(label_studio, BEN, numbers["c"], {"verdict": ["rank"], "ranking": ["other#1", "c#0"]})
    prediction = call(label_studio, ADA, f"/api/predictions?task={numbers['d']}")[0]["id"]
    annotate(label_studio, ADA, numbers["d"], {"verdict": ["accept"]}, parent_prediction=prediction)
    annotate(label_studio, BEN, numbers["e"], {}, was_cancelled=True)
    path = folder.parent / "export.json"
    export = f"/api/projects/{receipt.project}/export?exportType=JSON&download_all_tasks=true"
    path.write_bytes(orjson.dumps(call(label_studio, ADA, export)))

    people = {str(call(label_studio, each, "/api/current-user/whoami")["id"]): each for each in (ADA, BEN)}
    came = receive(folder, path, "label-studio", "Eve", MONDAY, people)
    assert (came.problems, came.added, came.conflicts) == ([], 6, 1)
    kept = {(each.inference_id, each.verdict): each for each in read(folder)}
    assert kept.keys() == {
        *(("a", "accept"), ("a", "reject"), ("b", "correct"), ("c", "rank"), ("d", "accept"), ("e", "skip")),
    }
    first = kept["a", "accept"]
    assert (first.labels, first.note, first.seconds) == (["fine", "short"], "so\nbe it", 12.5)
    assert kept["b", "correct"].correction == "the better\nanswer"
    assert kept["c", "rank"].ranking == ["other#1", "c#0"]
    assert kept["d", "accept"].agrees_with_prelabels == {"quality": False}
    assert (kept["a", "accept"].reviewer, kept["a", "reject"].reviewer) == (ADA, BEN)
    assert resolved(folder)["a"].standing is Standing.CONFLICT
    assert receive(folder, path, "label-studio", "Eve", MONDAY, people).added == 0


def test_a_push_that_broke_off_goes_on_without_doubles(
    folder: Path, label_studio: LabelStudio, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(label_studio_push, "TASKS", 2)
    token = label_studio.people[ADA]
    with pytest.raises(NotPushed):
        push(folder, Breaking(label_studio.url, token), None, "Eve", MONDAY)
    personal = call(label_studio, ADA, "/api/token/", {})["token"]  # the other kind of token, a JWT
    server = Server(label_studio.url, personal)
    receipt = push(folder, server, None, "Eve", MONDAY)
    again = push(folder, server, None, "Eve", MONDAY)
    assert (receipt.tasks, again) == (5, receipt)
    assert sorted(each["data"]["inference_id"] for each in server.tasks(receipt.project)) == ["a", "b", "c", "d", "e"]
    assert [each.facts["items"] for each in Audit(folder).steps()] == [5, 5], "what broke off may have been given, too"


@pytest.mark.parametrize(
    ("url", "token", "cure"),
    [
        (None, "wrong", "Check SLUICE_LABEL_STUDIO_TOKEN"),
        ("http://127.0.0.1:9", "wrong", "run the same again"),
        ("file:///etc/passwd", "wrong", "--url is where Label Studio is"),
        ("http://[labels]", "wrong", "--url is where Label Studio is"),
        (None, "", "set SLUICE_LABEL_STUDIO_TOKEN"),
    ],
)
def test_what_a_server_refuses_names_the_cure(
    folder: Path, label_studio: LabelStudio, url: str | None, token: str, cure: str
) -> None:
    with pytest.raises(NotPushed, match=cure):
        push(folder, Server(url or label_studio.url, token), None, "Eve", MONDAY)
