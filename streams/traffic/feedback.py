"""An answered inference becomes what people, programs and judges say about it, minutes to days later."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import orjson

from streams.scenarios import ThumbsDownFlood
from streams.traffic.chance import chance
from streams.traffic.inferences import Inference
from streams.traffic.text import Texts

LAST_NS = 6 * 24 * 3_600_000_000_000  # nobody speaks up later than six days after
CHANGED_MIND = 0.04  # share of thumbs that are turned or withdrawn later
FLOOD_S = (1.0, 5.0)  # seconds after an answer at which a scenario makes people turn their thumbs down
MODEL_UNREACHABLE = 0.03  # share of judgements by a model that failed


@dataclass(frozen=True, slots=True)
class Habit:
    """One way of speaking up: how often an answer of these services gets it, and how long after (log-normal)."""

    name: str
    rate: float
    rater_kind: str
    data_type: str
    delay_s: float  # median
    sigma: float
    services: tuple[str, ...]


HABITS = (
    Habit("user.thumbs", 0.022, "human", "boolean", 120, 1.6, ("support-desk", "code-assistant", "study-portal")),
    Habit("user.rating", 0.008, "human", "numeric", 1_800, 1.5, ("study-portal",)),
    Habit("implicit.regenerate", 0.025, "implicit", "boolean", 20, 1.0, ("support-desk", "study-portal")),
    Habit("implicit.copy", 0.060, "implicit", "boolean", 15, 1.0, ("code-assistant", "study-portal")),
    Habit("implicit.edit", 0.012, "implicit", "correction", 300, 1.5, ("code-assistant", "support-desk")),
    Habit("tests.passed", 0.050, "code", "boolean", 40, 0.8, ("code-assistant",)),
    Habit("judge.helpfulness", 0.015, "llm", "numeric", 20_000, 0.4, ("support-desk", "study-portal")),
    Habit("review.label", 0.004, "human", "categorical", 130_000, 0.7, ("support-desk",)),
)
COMPLAINTS = ("That is not what I asked.", "Too long.", "This is out of date.", "没有回答我的问题。", "内容不对。")
STOP = re.compile(r"[.。]\s*")
LABELS = ("good", "good", "good", "incomplete", "wrong", "off_topic")


class Said(NamedTuple):
    """One feedback event as JSON; `again` when an earlier event of the same feedback_id came before it, `flood` where a
    scenario makes people say it."""

    time_unix_nano: int
    key: bytes
    value: bytes
    again: bool = False
    flood: bool = False


class Listeners:
    """Draws feedback for inferences; the same seed and inferences give the same feedback."""

    def __init__(self, seed: int) -> None:
        self._random = chance(seed, "feedback")
        self._flood = chance(seed, "flood of thumbs")
        self._texts = Texts(seed, "corrections")

    def about(self, inference: Inference) -> Iterator[Said]:
        """Yield what is said about an inference that was answered, in no particular order of time."""
        if inference.answer is None or inference.gateway.synthetic:
            return
        for number, habit in enumerate(HABITS):
            if inference.gateway.route.service in habit.services and self._random.random() < habit.rate:
                yield from self._say(inference, habit, number)
        for change in inference.changes:
            if isinstance(change.scenario, ThumbsDownFlood) and self._flood.random() < change.scenario.size:
                yield self._thumb_down(inference)

    def _thumb_down(self, inference: Inference) -> Said:
        time = inference.end_unix_nano + round(self._flood.uniform(*FLOOD_S) * 1e9)
        feedback_id = f"fb-{inference.number}-flood"
        event = _begun(inference, HABITS[0], feedback_id, time) | _thumb(up=False)
        event["inference_id"] = inference.inference_id
        return Said(time, inference.inference_id.encode(), orjson.dumps(event), flood=True)

    def _say(self, inference: Inference, habit: Habit, number: int) -> Iterator[Said]:
        feedback_id = f"fb-{inference.number}-{number}"
        time = inference.end_unix_nano + self._delay(habit.delay_s, habit.sigma)
        event = self._event(inference, habit, feedback_id, time) | self._judgement(inference, habit)
        key = (event.get("inference_id") or feedback_id).encode()
        yield Said(time, key, orjson.dumps(event))
        if habit.name == "user.thumbs" and self._random.random() < CHANGED_MIND:
            changed = event | {
                "event_id": f"{feedback_id}/2",
                "time_unix_nano": time + self._delay(60.0, 1.0),
            }
            if self._random.random() < 0.5:
                changed["feedback.deleted"] = True
            else:
                changed |= _thumb(up=not event["gen_ai.evaluation.score.value"])
                changed.pop("gen_ai.evaluation.explanation", None)
            yield Said(changed["time_unix_nano"], key, orjson.dumps(changed), again=True)

    def _delay(self, median_s: float, sigma: float) -> int:
        return 1 + min(LAST_NS, round(median_s * self._random.lognormvariate(0.0, sigma) * 1e9))

    def _event(self, inference: Inference, habit: Habit, feedback_id: str, time: int) -> dict[str, Any]:
        """Write who speaks of what: some know the inference, some only the id of the response, some the dialogue."""
        dialogue = inference.dialogue
        event = _begun(inference, habit, feedback_id, time)
        known = self._random.random()
        if habit.name == "user.rating" and known < 0.3 and dialogue.conversation_id is not None:
            return event | {"target_scope": "session", "gen_ai.conversation.id": dialogue.conversation_id}
        if known < 0.75:
            event["inference_id"] = inference.inference_id
        if known > 0.60:
            event["aliases"] = [f"resp:cmpl-{inference.number}"]
        if dialogue.user_id is not None and habit.rater_kind in ("human", "implicit") and habit.name != "review.label":
            event["user.id"] = dialogue.user_id
        return event

    def _judgement(self, inference: Inference, habit: Habit) -> dict[str, Any]:
        random = self._random
        good = 0.4 if inference.status == "partial" or inference.finish_reasons == ["length"] else 0.88
        match habit.name:
            case "user.thumbs":
                up = random.random() < good
                return _thumb(up) | ({"gen_ai.evaluation.explanation": random.choice(COMPLAINTS)} if not up else {})
            case "user.rating":
                return _score(min(5, max(1, round(random.gauss(3.0 + 1.4 * good, 0.9)))), 1, 5)
            case "implicit.edit":
                return self._edit(inference)
            case "tests.passed":
                passed = random.random() < 0.9
                return _score(int(passed), 0, 1) | {"gen_ai.evaluation.score.label": "passed" if passed else "failed"}
            case "judge.helpfulness":
                judge = {"feedback.rater_id": "aurora-large-2026-03"}
                if random.random() < MODEL_UNREACHABLE:
                    return judge | {"error.type": "timeout"}
                return judge | _score(round(random.betavariate(8, 2), 2), 0, 1)
            case "review.label":
                return {
                    "gen_ai.evaluation.score.label": random.choice(LABELS),
                    "feedback.rater_id": f"reviewer-{random.randrange(4)}",
                }
            case _:  # regenerate, copy: that it happened is all there is to say
                return {"gen_ai.evaluation.score.value": 1}

    def _edit(self, inference: Inference) -> dict[str, Any]:
        """Replace the answer's beginning; the score is the share of the characters that were replaced."""
        answer, dialogue = inference.answer or "", inference.dialogue
        least = int(len(answer) * self._random.betavariate(1.5, 5))
        stop = STOP.search(answer, least)
        cut = stop.end() if stop else len(answer)
        corrected = self._texts.sentence(dialogue.language, dialogue.topic) + answer[cut:]
        return _score(round(cut / len(answer), 4), 0, 1) | {"feedback.correction": corrected}


def _begun(inference: Inference, habit: Habit, feedback_id: str, time: int) -> dict[str, Any]:
    return {
        "schema_version": 1,
        "kind": "feedback",
        "event_id": f"{feedback_id}/1",
        "feedback_id": feedback_id,
        "time_unix_nano": time,
        "source.format": "native",
        "service.name": inference.gateway.route.service,
        "gen_ai.evaluation.name": habit.name,
        "feedback.data_type": habit.data_type,
        "feedback.source": habit.rater_kind,
    }


def _score(value: float, lowest: int, highest: int) -> dict[str, Any]:
    return {"gen_ai.evaluation.score.value": value, "feedback.range": [lowest, highest]}


def _thumb(up: bool) -> dict[str, Any]:
    return _score(int(up), 0, 1) | {"gen_ai.evaluation.score.label": "up" if up else "down"}
