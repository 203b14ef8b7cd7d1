"""A decided item becomes training records, in the shapes that TRL loads: conversational SFT, DPO, KTO and reward.

An accepted answer is one to learn from (SFT, and KTO's desirable); a rejected one is KTO's undesirable; a correction is
to be learned and preferred to what it corrects (DPO, reward); of a ranking each answer is preferred to the next. What
cannot be put into messages of text and tool calls is left out, for a reason that is counted: nothing is lost without a
word.

The shapes are those of TRL's "Dataset formats and types", conversational: `messages`; `prompt`, `chosen`, `rejected`;
`prompt`, `completion`, `label`.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal

import orjson

from sinks.review.outcomes import Outcome, Standing

Shape = Literal["sft", "dpo", "kto", "reward"]
SHAPES: tuple[Shape, ...] = ("sft", "dpo", "kto", "reward")
Message = dict[str, Any]
Record = dict[str, Any]


class LeftOut(Exception):
    """An item gives no record; the message is the reason, a word or two, by which it is counted."""


@dataclass(frozen=True)
class Made:
    """The records of one item, and the prompt that they share: chat messages."""

    prompt: list[Message]
    records: list[tuple[Shape, Record]]
    expected: list[Message] | None  # the answer that people stand for, where there is one


def made(item: Mapping[str, Any], outcome: Outcome) -> Made:
    """Turn an item, as a line of items.jsonl has it, and what people decided into records. Raises LeftOut."""
    of = _made(item, outcome)
    try:
        orjson.dumps([of.prompt, of.expected, [record for _, record in of.records]])
    except orjson.JSONEncodeError:
        raise LeftOut("nested too deep, or numbers of more than 64 bits") from None
    return of


def _made(item: Mapping[str, Any], outcome: Outcome) -> Made:
    if outcome.standing is not Standing.DECIDED:
        raise LeftOut("not decided")
    prompt, answers = _prompt(item), _answers(item)
    first = answers.get(f"{item['inference_id']}#0")
    match outcome.verdict:
        case "accept":
            answer = _required(first)
            return Made(prompt, [_sft(prompt, answer), _kto(prompt, answer, label=True)], answer)
        case "reject":
            return Made(prompt, [_kto(prompt, _required(first), label=False)], None)
        case "correct":
            better, own = _corrected(outcome.correction), _text_of(first)
            records = [_sft(prompt, better), _kto(prompt, better, label=True)]
            if own is not None and own != better:
                records += [_kto(prompt, own, label=False), *_preferred(prompt, better, own)]
            return Made(prompt, records, better)
        case "rank":
            named = (_text_of(answers.get(name)) for name in outcome.ranking or ())
            ranked = [answer for answer in named if answer is not None]
            if len(ranked) < 2:
                raise LeftOut("fewer than two ranked answers have content")
            return Made(
                prompt, [each for one, other in pairwise(ranked) for each in _preferred(prompt, one, other)], ranked[0]
            )
    raise LeftOut("skipped")


def _sft(prompt: list[Message], answer: list[Message]) -> tuple[Shape, Record]:
    return "sft", {"messages": [*prompt, *answer]}


def _kto(prompt: list[Message], answer: list[Message], *, label: bool) -> tuple[Shape, Record]:
    return "kto", {"prompt": prompt, "completion": answer, "label": label}


def _preferred(prompt: list[Message], one: list[Message], other: list[Message]) -> list[tuple[Shape, Record]]:
    if one == other:
        return []
    return [
        ("dpo", {"prompt": prompt, "chosen": one, "rejected": other}),
        ("reward", {"chosen": [*prompt, *one], "rejected": [*prompt, *other]}),
    ]


def _prompt(item: Mapping[str, Any]) -> list[Message]:
    if item["input_messages"] is None:
        raise LeftOut("no dialogue" if item["input"] is not None else "no content")
    if item["content_state"] == "truncated":
        raise LeftOut("truncated")
    system = item["system_instructions"]
    instructed = [{"role": "system", "content": _text(system)}] if system else []
    prompt = [*instructed, *chat(item["input_messages"])]
    # TRL refuses a whole dataset for one prompt that ends otherwise: nothing is asked there.
    if prompt and prompt[-1]["role"] not in ("user", "tool", "assistant"):
        raise LeftOut("nothing is asked")
    return prompt


def _answers(item: Mapping[str, Any]) -> dict[str, Mapping[str, Any]]:
    """Return the answers of an item by `inference_id#choice`, its own and its alternatives', as messages of parts."""
    own = {f"{item['inference_id']}#{n}": message for n, message in enumerate(item["output_messages"] or ())}
    others = {
        f"{other['inference_id']}#{other['choice']}": other["output_messages"][0]
        for other in item["alternatives"] or ()
        if other["output_messages"]
    }
    return others | own


def _required(answer: Mapping[str, Any] | None) -> list[Message]:
    if answer is None:
        raise LeftOut("no answer")
    return chat([answer])


def _text_of(answer: Mapping[str, Any] | None) -> list[Message] | None:
    """Return an answer that an item can do without; None where it is none, or is no text."""
    try:
        return None if answer is None else chat([answer])
    except LeftOut:
        return None


def _corrected(correction: object) -> list[Message]:
    if isinstance(correction, str):
        return [{"role": "assistant", "content": correction}]
    if isinstance(correction, list) and all(map(_is_message, correction)):
        return [each if "content" in each else chat([each])[0] for each in correction]
    raise LeftOut("a correction that is no messages")


def _is_message(said: Mapping[str, Any]) -> bool:
    """Whether this is a chat message, or one of parts: people write corrections with tools of their own."""
    if "content" in said:
        return isinstance(said["content"], str) and isinstance(said.get("role"), str)
    parts = said.get("parts")
    return isinstance(parts, list) and all(isinstance(part, dict) for part in parts)


def chat(messages: Sequence[Mapping[str, Any]]) -> list[Message]:
    """Turn messages of parts into chat messages. Raises LeftOut where a part is neither text nor a tool's.

    Reasoning is not part of an answer: what a model thought is not what people decided on.
    """
    return [turned for message in messages for turned in _turned(message)]


def _turned(message: Mapping[str, Any]) -> Iterator[Message]:
    parts = message.get("parts") or []
    calls = [part for part in parts if part.get("type") == "tool_call"]
    results = [part for part in parts if part.get("type") == "tool_call_response"]
    rest = [part for part in parts if part.get("type") not in ("tool_call", "tool_call_response", "reasoning")]
    if rest or not (calls or results):
        said: Message = {"role": message.get("role") or "user", "content": _text(rest)}
        yield said | ({"tool_calls": [_call(part) for part in calls]} if calls else {})
    elif calls:
        yield {"role": "assistant", "content": "", "tool_calls": [_call(part) for part in calls]}
    for part in results:
        result = part.get("response", part.get("result", ""))
        text = result if isinstance(result, str) else orjson.dumps(result, option=orjson.OPT_SORT_KEYS).decode()
        yield {"role": "tool", "content": text} | ({"tool_call_id": part["id"]} if part.get("id") else {})


def _text(parts: Sequence[Mapping[str, Any]]) -> str:
    if any(part.get("type") not in ("text", None) or not isinstance(part.get("content"), str) for part in parts):
        raise LeftOut("parts that are no text")
    return "\n".join(str(part["content"]) for part in parts)


def _call(part: Mapping[str, Any]) -> Message:
    arguments = part.get("arguments")
    if isinstance(arguments, str):
        try:
            arguments = orjson.loads(arguments)
        except ValueError:
            raise LeftOut("arguments of a tool that are no JSON") from None
    call = {"type": "function", "function": {"name": part.get("name") or "", "arguments": arguments or {}}}
    return call | ({"id": part["id"]} if part.get("id") else {})
