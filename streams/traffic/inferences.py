"""A draw becomes an inference: who asked what in which dialogue, what came back, and how long it took."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from streams.scenarios import Change, ErrorStep, LatencyStep, LongerAnswers
from streams.traffic.chance import chance
from streams.traffic.draws import Draw
from streams.traffic.fleet import FLEET, Gateway
from streams.traffic.text import Texts

ERROR_RATE = 0.02
REFUSED, BROKEN = 0.012, 0.004  # shares of answers; only streams break off
OPEN_DIALOGUES = 40  # of a gateway, from which a follow-up picks one
TURNS = 8


@dataclass(slots=True)
class Failure:
    """How a call failed: a low-cardinality type, what the client was answered, and a message for people."""

    type: str
    http_status: int
    message: str


FAILURES = (
    (0.35, Failure("rate_limit", 429, "Too many requests, try again later.")),
    (0.60, Failure("timeout", 504, "The model did not answer in time.")),
    (0.90, Failure("upstream_error", 502, "The model server closed the connection.")),
    (1.00, Failure("content_filter", 400, "The prompt was blocked by the content filter.")),
)
UPSTREAM = FAILURES[2][1]


@dataclass(slots=True)
class Dialogue:
    """What a person and an application have said to each other so far."""

    conversation_id: str | None
    user_id: str | None
    language: str
    topic: str
    turns: int = 0
    last: tuple[str, str] | None = None  # question and answer


@dataclass(slots=True)
class Inference:
    """One call as it was; None where the gateway does not know."""

    gateway: Gateway
    run: str  # of the simulation, 8 hex digits
    number: str  # of this inference, 16 hex digits
    start_unix_nano: int
    dialogue: Dialogue
    before: tuple[str, str] | None
    question: str
    stream: bool
    changes: list[Change]
    response_model: str | None
    input_tokens: int | None = None
    cached_input_tokens: int | None = None
    output_tokens: int | None = None
    duration_s: float = 0.0
    time_to_first_chunk_s: float | None = None
    cost_usd: float | None = None
    cache_hit: bool | None = None
    answer: str | None = None
    status: str = "ok"
    finish_reasons: list[str] = field(default_factory=list)
    failure: Failure | None = None
    absurd: bool = False  # it reports what cannot be
    counted: bool = False  # one of its halves was produced

    @property
    def inference_id(self) -> str:
        return f"{self.run}-{self.number}"

    @property
    def end_unix_nano(self) -> int:
        return self.start_unix_nano + round(self.duration_s * 1e9)


class Inferences:
    """Makes inferences of draws that come in order of time; it remembers the dialogues that are going on."""

    def __init__(self, seed: int, run: int, changes: Sequence[Change]) -> None:
        self._texts = Texts(seed, "answers")
        self._random = chance(seed, "dialogues")
        self._run = run
        self._open: list[list[Dialogue]] = [[] for _ in FLEET]
        self._changes = [[change for change in changes if change.scenario.segment == g.segment] for g in FLEET]

    def make(self, draw: Draw) -> Inference:
        gateway = FLEET[draw.gateway]
        number = (draw.ordinal * 0x9E3779B97F4A7C15 + self._run) % 2**64  # odd factor: distinct, and looks random
        dialogue = self._dialogue(draw, gateway, f"{number:016x}")
        inference = Inference(
            gateway=gateway,
            run=f"{self._run >> 32:08x}",
            number=f"{number:016x}",
            start_unix_nano=draw.time_unix_nano,
            dialogue=dialogue,
            before=dialogue.last,
            question=self._texts.question(
                dialogue.language,
                dialogue.topic,
                follow_up=dialogue.turns > 0,
                context_tokens=gateway.route.context_tokens * 2.0**draw.context,
            ),
            stream=draw.stream < gateway.route.streamed,
            changes=[c for c in self._changes[draw.gateway] if draw.time_unix_nano >= c.start_unix_nano],
            response_model=gateway.model.version,
        )
        self._run_model(inference, draw)
        dialogue.turns += 1
        dialogue.last = (inference.question, inference.answer) if inference.answer else dialogue.last
        return inference

    def _dialogue(self, draw: Draw, gateway: Gateway, number: str) -> Dialogue:
        """Continue one of the gateway's open dialogues, or begin another."""
        going, route = self._open[draw.gateway], gateway.route
        if going and draw.dialogue < 0.45:
            dialogue = self._random.choice(going)
            if dialogue.turns < TURNS:
                return dialogue
            going.remove(dialogue)
        dialogue = Dialogue(
            conversation_id=f"conv-{number}" if route.users else None,
            # The cube skews it: a tenth of the users ask nearly half of the questions.
            user_id=f"user-{int(route.users * draw.user**3):05d}" if route.users else None,
            language="zh" if draw.language < route.chinese else "en",
            topic=route.topics[int(draw.topic * len(route.topics))],
        )
        if route.users:
            going.append(dialogue)
            if len(going) > OPEN_DIALOGUES:
                going.pop(0)
        return dialogue

    def _run_model(self, inference: Inference, draw: Draw) -> None:
        gateway, route = inference.gateway, inference.gateway.route
        error_rate, length = ERROR_RATE, draw.length_factor
        inference.duration_s = route.seconds * gateway.model.slowness * draw.duration_factor
        for change in inference.changes:
            match change.scenario:
                case ErrorStep(size=size):
                    error_rate = size
                case LatencyStep(size=size):
                    inference.duration_s *= size
                case LongerAnswers(size=size, response_model=version):
                    length *= size
                    inference.response_model = version
        if draw.error < error_rate * draw.error_factor:
            self._fail(inference, draw, more=1 - ERROR_RATE / error_rate)
        else:
            self._succeed(inference, draw, length)

    def _fail(self, inference: Inference, draw: Draw, more: float) -> None:
        """Fail the call; of what exceeds the usual rate, all are the model server's failures."""
        usual = (draw.cause - more) / (1 - more)
        failure = UPSTREAM if usual < 0 else next(failure for share, failure in FAILURES if usual < share)
        inference.failure = failure
        inference.status = "error"
        inference.response_model = None
        if failure.type == "timeout":
            inference.duration_s = 20.0
        elif failure.type == "rate_limit":
            inference.duration_s *= 0.05

    def _succeed(self, inference: Inference, draw: Draw, length: float) -> None:
        route, dialogue = inference.gateway.route, inference.dialogue
        if inference.stream:
            inference.time_to_first_chunk_s = inference.duration_s * (0.1 + 0.2 * draw.cause)
        if route.cache is not None:
            inference.cache_hit = draw.cache < route.cache
            if inference.cache_hit:
                inference.duration_s *= 0.01
                inference.time_to_first_chunk_s = inference.duration_s if inference.stream else None
        if route.answer_tokens:
            tokens = max(1, round(route.answer_tokens * length))
            inference.output_tokens = min(tokens, route.max_tokens)
            inference.finish_reasons = ["length" if tokens > route.max_tokens else "stop"]
            self._write(inference, draw)
        read = (self._texts.system(dialogue.language), inference.question, *(inference.before or ()))
        inference.input_tokens = self._texts.tokens(dialogue.language, sum(map(len, read)))
        self._bill(inference)
        if inference.status == "partial" or (inference.stream and not route.usage_on_streams):
            inference.input_tokens = inference.cached_input_tokens = inference.output_tokens = None
            inference.cost_usd = None

    def _write(self, inference: Inference, draw: Draw) -> None:
        """Compose the answer; some are refusals, and some streams break off half way."""
        gateway, dialogue, tokens = inference.gateway, inference.dialogue, inference.output_tokens or 0
        if gateway.route.labels:
            inference.answer = dialogue.topic
        elif draw.ending < REFUSED:
            inference.answer = self._texts.refusal(dialogue.language, dialogue.topic)
            inference.output_tokens = self._texts.tokens(dialogue.language, len(inference.answer))
            inference.finish_reasons = ["stop"]
        else:
            listed = draw.stream < gateway.model.listing
            inference.answer = self._texts.answer(dialogue.language, dialogue.topic, tokens, listed=listed)
            if inference.stream and draw.ending > 1 - BROKEN:
                inference.status, inference.finish_reasons = "partial", []
                inference.answer = inference.answer[: len(inference.answer) // 2]
            elif inference.finish_reasons == ["length"]:
                inference.answer = inference.answer[: -len(inference.answer) // 50]  # cut in mid-sentence

    def _bill(self, inference: Inference) -> None:
        prices = inference.gateway.model.usd_per_million
        if prices is None:
            return
        read, written = inference.input_tokens or 0, inference.output_tokens or 0
        inference.cached_input_tokens = round(0.8 * read) if inference.before else 0
        billed = 0.0 if inference.cache_hit else read * prices[0] + written * prices[1]
        inference.cost_usd = billed / 1_000_000
