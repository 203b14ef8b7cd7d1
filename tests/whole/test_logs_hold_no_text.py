"""What people and models said is in no line of a worker's log, however wrong the record is in which they said it."""

import orjson

from tests.whole.events import feedback, request, response
from tests.whole.harness import FEEDBACK, REQUESTS, RESPONSES, Message, World, ended, logged
from tests.whole.side_by_side import side_by_side

SAID = "kumquat-seven-lanterns"  # what nobody else would say


def said(message: Message, **more: object) -> bytes:
    assert message.value is not None
    return orjson.dumps(orjson.loads(message.value) | more)


def records() -> list[Message]:
    """Of each kind one in which it is said where it may be, and several in which it stands where it should not."""
    told = [{"role": "user", "parts": [{"type": "text", "content": SAID}]}]
    good = [
        (REQUESTS, said(request("asked"), **{"gen_ai.input.messages": told, "input": SAID})),
        (RESPONSES, said(response("asked"), **{"gen_ai.output.messages": told, "error.message": SAID, "output": SAID})),
        (FEEDBACK, said(feedback("asked"), **{"gen_ai.evaluation.explanation": SAID, "feedback.correction": SAID})),
    ]
    wrong = [
        (REQUESTS, f'{{"kind": "request", "input": "{SAID}'.encode()),
        (REQUESTS, said(request("w1"), time_unix_nano=SAID)),
        (REQUESTS, said(request("w2"), **{SAID: SAID, "gen_ai.input.messages": SAID})),
        (RESPONSES, said(response("w3"), duration_s=SAID, status=SAID)),
        (RESPONSES, SAID.encode()),
        (FEEDBACK, said(feedback("w4"), **{"gen_ai.evaluation.score.value": SAID})),
    ]
    return [Message(topic, value) for topic, value in [*good, *wrong]]


@side_by_side
def test_no_line_of_a_worker_holds_what_was_said(world: World) -> None:
    worker = world.start(log_level="DEBUG")
    world.produce(records())
    world.until_at_least(lambda: world.count("dead_letters"), 5, "dead letters")
    world.settle()
    assert world.count("inferences") >= 1
    world.produce(Message(RESPONSES, f"{number} {SAID}".encode()) for number in range(12_000))
    assert ended(worker) == 1, "most of a window cannot be read, and that is said"
    lines = logged(worker)
    assert any("cannot be read" in line.message for line in lines)
    assert SAID not in worker.log.read_text()
