"""Sheets become Label Studio's project configuration and its tasks, with what services said as predictions.

Shapes: https://labelstud.io/guide/tasks, https://labelstud.io/guide/predictions, https://labelstud.io/tags.
"""

from collections.abc import Iterable, Iterator, Mapping
from itertools import islice
from pathlib import Path
from typing import Any

import orjson

from sinks.review.exports.sheet import Sheet, named

TASKS = 5000  # of a file
CONFIG = """\
<View>
  <Header value="$about"/>
  <Paragraphs name="dialogue" value="$dialogue" layout="dialogue" nameKey="role" textKey="text"/>
  <Choices name="verdict" toName="dialogue" choice="single" required="true" showInLine="true">
    <Choice value="accept" hotkey="a"/>
    <Choice value="reject" hotkey="r"/>
    <Choice value="correct" hotkey="c"/>
    <Choice value="rank" hotkey="k"/>
    <Choice value="skip" hotkey="s"/>
  </Choices>
  <TextArea name="correction" toName="dialogue" rows="6" maxSubmissions="1" editable="true"
            placeholder="The better answer, for the verdict correct"/>
  <List name="answers" value="$answers" title="Answers to order, best first, for the verdict rank"/>
  <Ranker name="ranking" toName="answers"/>
  <TextArea name="labels" toName="dialogue" rows="1" editable="true" placeholder="A label; several one by one"/>
  <TextArea name="note" toName="dialogue" rows="2" maxSubmissions="1" editable="true" placeholder="A note"/>
</View>
"""

Task = dict[str, Any]


def write(folder: Path, sheets: Iterable[Sheet]) -> int:
    """Write config.xml and tasks-00001.json, …, TASKS each; return how many tasks."""
    (folder / "config.xml").write_text(CONFIG, encoding="utf-8")
    left, total = iter(sheets), 0
    while chunk := list(islice(left, TASKS)):
        (folder / f"tasks-{total // TASKS + 1:05d}.json").write_bytes(orjson.dumps(list(map(task, chunk))))
        total += len(chunk)
    return total


def task(sheet: Sheet) -> Task:
    """Return a sheet as a task. `overlap` is how many people are to annotate it."""
    about = sheet.segment if sheet.blind else f"{sheet.segment} · {' '.join(sheet.why)}"
    meta = {"batch": sheet.batch, "inference_id": sheet.inference_id, "fingerprint": sheet.fingerprint}
    return {
        "data": {"about": about, **shown(sheet), **meta},
        "meta": {**meta, "reasons": sheet.reasons, "topic": sheet.topic, "overlap": sheet.overlap},
        "overlap": sheet.overlap,
        "predictions": list(_predictions(sheet)),
    }


def shown(sheet: Sheet) -> dict[str, Any]:
    """Return what of a task's data people decide on."""
    return {"dialogue": sheet.dialogue, "answers": sheet.answers}


def _predictions(sheet: Sheet) -> Iterator[Task]:
    """A prediction's labels are there to be kept or taken out: an annotation that begins with it says which hold."""
    if not sheet.labels:
        return
    names = [named(each) for each in sheet.labels]
    result = [_result("labels", "textarea", {"text": names})]
    prediction: Task = {"model_version": ", ".join(sorted({each["by"] for each in sheet.labels}))}
    if sheet.suggested:
        verdict, score = sheet.suggested
        result.append(_result("verdict", "choices", {"choices": [verdict]}))
        prediction |= {} if score is None else {"score": score}
    yield prediction | {"result": result}


def _result(name: str, kind: str, value: Mapping[str, Any]) -> Task:
    return {"id": name, "from_name": name, "to_name": "dialogue", "type": kind, "value": dict(value)}
