"""What people decided becomes the records that it means, and what is no text is left out for a reason."""

from typing import Any

import orjson
import pytest

from sinks.review.outcomes import Outcome, Standing
from sinks.review.release.shapes import LeftOut, chat, made
from tests.sinks.review.deciding import item

ASKED = {"role": "user", "content": "question of a"}
ANSWERED = {"role": "assistant", "content": "answer of a"}
BETTER = {"role": "assistant", "content": "better"}


def whole(**more: Any) -> dict[str, Any]:
    """Return an item as a line of items.jsonl has it."""
    of = item("a", **more)
    for name in ("input_messages", "output_messages", "system_instructions"):
        if isinstance(of[name], str):
            of[name] = orjson.loads(of[name])
    return of


def decided(verdict: Any, **more: Any) -> Outcome:
    return Outcome("a", Standing.DECIDED, verdict=verdict, **more)


def test_what_is_accepted_is_learned_and_desirable() -> None:
    of = made(whole(), decided("accept"))
    assert of.records == [
        ("sft", {"messages": [ASKED, ANSWERED]}),
        ("kto", {"prompt": [ASKED], "completion": [ANSWERED], "label": True}),
    ]
    assert of.expected == [ANSWERED]


def test_what_is_rejected_is_undesirable_and_no_more() -> None:
    of = made(whole(), decided("reject"))
    assert of.records == [("kto", {"prompt": [ASKED], "completion": [ANSWERED], "label": False})]
    assert of.expected is None


def test_a_correction_is_learned_and_preferred_to_what_it_corrects() -> None:
    of = made(whole(), decided("correct", correction="better"))
    assert [shape for shape, _ in of.records] == ["sft", "kto", "kto", "dpo", "reward"]
    assert of.records[3][1] == {"prompt": [ASKED], "chosen": [BETTER], "rejected": [ANSWERED]}
    assert of.records[4][1] == {"chosen": [ASKED, BETTER], "rejected": [ASKED, ANSWERED]}
    assert [record["label"] for shape, record in of.records if shape == "kto"] == [True, False]


def test_of_a_ranking_each_answer_is_preferred_to_the_next() -> None:
    def other(name: str) -> dict[str, Any]:
        messages = [{"role": "assistant", "parts": [{"type": "text", "content": f"by {name}"}]}]
        return {
            "inference_id": name,
            "choice": 0,
            "response_model": "m",
            "preferred": False,
            "output_messages": messages,
        }

    of = made(whole(alternatives=[other("b"), other("c")]), decided("rank", ranking=["b#0", "a#0", "c#0", "gone#0"]))
    chosen = [
        (record["chosen"][0]["content"], record["rejected"][0]["content"])
        for shape, record in of.records
        if shape == "dpo"
    ]
    assert chosen == [("by b", "answer of a"), ("answer of a", "by c")]
    assert of.expected == [{"role": "assistant", "content": "by b"}]


def test_system_prompts_tools_and_their_results_keep_their_places() -> None:
    call = {"type": "tool_call", "name": "search", "arguments": '{"q": "tide"}'}
    messages = [
        {"role": "user", "parts": [{"type": "text", "content": "When?"}]},
        {"role": "assistant", "parts": [{"type": "reasoning", "content": "hm"}, call]},
        {"role": "tool", "parts": [{"type": "tool_call_response", "response": {"at": 7}}]},
    ]
    assert chat(messages) == [
        {"role": "user", "content": "When?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"type": "function", "function": {"name": "search", "arguments": {"q": "tide"}}}],
        },
        {"role": "tool", "content": '{"at":7}'},
    ]
    of = made(whole(system_instructions=[{"type": "text", "content": "Be brief."}]), decided("accept"))
    assert of.prompt == [{"role": "system", "content": "Be brief."}, ASKED]


@pytest.mark.parametrize(
    ("more", "outcome", "why"),
    [
        ({}, Outcome("a", Standing.OPEN), "not decided"),
        ({}, Outcome("a", Standing.CONFLICT), "not decided"),
        ({"input_messages": None}, decided("accept"), "no content"),
        ({"input_messages": None, "input": [[1.0]]}, decided("accept"), "no dialogue"),
        ({"output_messages": None}, decided("accept"), "no answer"),
        ({"content_state": "truncated"}, decided("accept"), "truncated"),
        (
            {"input_messages": [{"role": "user", "parts": [{"type": "image", "uri": "s3://x"}]}]},
            decided("accept"),
            "parts that are no text",
        ),
        ({}, decided("rank", ranking=["a#0", "gone#0"]), "fewer than two"),
        (
            {"input_messages": [{"role": "developer", "parts": [{"type": "text", "content": "Be brief."}]}]},
            decided("accept"),
            "nothing is asked",
        ),
    ],
)
def test_what_gives_no_record_says_why(more: dict[str, Any], outcome: Outcome, why: str) -> None:
    with pytest.raises(LeftOut, match=why):
        made(whole(**more), outcome)


def test_an_image_in_an_answer_that_nobody_needs_costs_nothing() -> None:
    image = {"role": "assistant", "parts": [{"type": "image", "uri": "s3://x"}]}
    of = whole()
    of["output_messages"] = [*of["output_messages"], image]
    assert made(of, decided("accept")).expected == [ANSWERED]
    of["output_messages"] = [image]
    assert [shape for shape, _ in made(of, decided("correct", correction="better")).records] == ["sft", "kto"]
    with pytest.raises(LeftOut, match="no text"):
        made(of, decided("accept"))


def test_tools_keep_the_ids_by_which_calls_and_results_belong_together() -> None:
    call = {"type": "tool_call", "id": "c1", "name": "search", "arguments": {}}
    result = {"type": "tool_call_response", "id": "c1", "response": "7"}
    said = chat([{"role": "assistant", "parts": [call]}, {"role": "tool", "parts": [result]}])
    assert (said[0]["tool_calls"][0]["id"], said[1]["tool_call_id"]) == ("c1", "c1")
