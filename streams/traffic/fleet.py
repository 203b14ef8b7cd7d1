"""The simulated fleet: which applications ask which models through which routes, and what their gateways know."""

from dataclasses import dataclass

Segment = tuple[str | None, str | None, str | None, str | None]  # service, route, requested model, environment

SUPPORT = ("billing", "parcels", "accounts", "travel")
CODE = ("python", "databases", "networks")
STUDY = ("cooking", "gardening", "fitness", "repairs", "astronomy")


@dataclass(frozen=True, slots=True)
class Model:
    """A model behind the gateways; `version` is the response model that answers for the name, until a change."""

    name: str
    version: str
    provider: str
    usd_per_million: tuple[float, float] | None  # tokens read, tokens written; None: nobody bills for it
    slowness: float  # factor on durations
    listing: float  # share of answers written as a list


@dataclass(frozen=True, slots=True)
class Route:
    """A route of one application's gateway: what is asked there, and what the gateway reports."""

    service: str
    path: str
    operation: str
    topics: tuple[str, ...]
    chinese: float  # share of dialogues
    answer_tokens: float  # median; 0 where no text is written
    seconds: float  # median duration
    max_tokens: int
    context_tokens: float = 0  # median of the text that comes along with the question; 0 for none
    streamed: float = 0.0  # share of calls
    usage_on_streams: bool = True  # whether tokens are known when the answer was streamed
    cache: float | None = None  # share of answers from the gateway's cache; None where it has none
    users: int = 0  # how many there are; 0 where the gateway does not know them
    traced: bool = True
    captured: bool = True  # whether the gateway sends prompts and answers at all
    labels: bool = False  # whether an answer is only the name of a topic


@dataclass(frozen=True, slots=True)
class Gateway:
    """One segment of the fleet with its share of the traffic."""

    route: Route
    model: Model
    environment: str | None
    share: float
    synthetic: bool = False

    @property
    def segment(self) -> Segment:
        return self.route.service, self.route.path, self.model.name, self.environment


_LARGE = Model("aurora-large", "aurora-large-2026-03", "aurora", (3.0, 12.0), 1.3, 0.35)
_MINI = Model("aurora-mini", "aurora-mini-2026-05", "aurora", (0.2, 0.8), 0.6, 0.2)
_BASALT = Model("basalt-70b", "basalt-70b-r2", "self-hosted", None, 1.1, 0.1)
_COBALT = Model("cobalt-chat", "cobalt-chat-4", "cobalt", (1.0, 4.0), 1.0, 0.5)
_DELTA = Model("delta-embed", "delta-embed-1", "cobalt", (0.05, 0.0), 0.5, 0.0)

_CHAT = Route("support-desk", "/v1/chat", "chat", SUPPORT, 0.3, 110, 1.6, 1024, streamed=0.8, cache=0.05, users=4000)
_SUMMARIZE = Route("support-desk", "/v1/summarize", "chat", SUPPORT, 0.3, 60, 1.1, 400, context_tokens=350)
_CLASSIFY = Route(
    "support-desk", "/v1/classify", "text_completion", SUPPORT, 0.3, 2, 0.3, 16, traced=False, labels=True
)
_COMPLETE = Route(
    "code-assistant", "/v1/complete", "chat", CODE, 0.2, 130, 2.0, 2048, streamed=0.9, usage_on_streams=False, users=600
)
_REVIEW = Route(
    "code-assistant", "/v1/review", "chat", CODE, 0.1, 180, 3.5, 2048, context_tokens=300, users=600, captured=False
)
_ANSWER = Route(
    "study-portal", "/v1/answer", "chat", STUDY, 0.6, 150, 1.8, 1536, streamed=0.6, cache=0.03, users=9000, traced=False
)
_EMBED = Route("study-portal", "/v1/embed", "embeddings", STUDY, 0.6, 0, 0.08, 0, traced=False)
_PROBE = Route("prober", "/v1/chat", "chat", ("accounts",), 0.0, 12, 0.7, 64, traced=False)

FLEET = (
    Gateway(_CHAT, _LARGE, "production", 0.20),
    Gateway(_ANSWER, _COBALT, "production", 0.17),
    Gateway(_COMPLETE, _BASALT, "production", 0.16),
    Gateway(_CHAT, _MINI, "production", 0.11),
    Gateway(_REVIEW, _LARGE, "production", 0.07),
    Gateway(_SUMMARIZE, _MINI, "production", 0.06),
    Gateway(_CLASSIFY, _MINI, "production", 0.05),
    Gateway(_ANSWER, _BASALT, "production", 0.045),
    Gateway(_EMBED, _DELTA, "production", 0.04),
    Gateway(_COMPLETE, _MINI, "production", 0.03),
    Gateway(_ANSWER, _MINI, None, 0.02),  # a gateway that does not say where it runs
    Gateway(_CHAT, _LARGE, "staging", 0.012),
    Gateway(_ANSWER, _COBALT, "staging", 0.01),
    Gateway(_COMPLETE, _BASALT, "staging", 0.008),
    Gateway(_REVIEW, _LARGE, "staging", 0.005),
    Gateway(_PROBE, _LARGE, "production", 0.01, synthetic=True),
)
