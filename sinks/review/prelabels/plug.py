"""What every plug of pre-labels has: an address, patience, and a way to ask about one text and to read the answer."""

from abc import abstractmethod
from dataclasses import dataclass
from hashlib import sha256
from typing import Annotated, Any, Literal

import orjson
from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from sinks.urls import parts_of

NAME = r"^[a-z0-9][a-z0-9_.-]{0,63}$"
LONGEST = 256  # characters of a label's name or value: whatever is longer is no label


class WrongAnswer(Exception):
    """A service answered, and not with labels; the message says what was wrong and quotes nothing of the answer."""


@dataclass(frozen=True, slots=True)
class Prelabel:
    """What a plug says of an item: `name` is the question, `value` its answer, `score` how sure it is, in [0, 1], where
    it says so, and `by` the plug's name."""

    name: str
    value: str
    score: float | None
    by: str


def _plain_url(url: str) -> str:
    parts = parts_of(url)
    try:
        well = parts.scheme in ("http", "https") and parts.hostname is not None and parts.port != 0
    except ValueError:  # the port is not a number, or too great
        well = False
    if not well or parts.username or parts.password or parts.fragment:
        raise ValueError("takes http[s]://host[:port]/path; a token goes into the environment, under the name `token`")
    return url


class Plug(BaseModel):
    """A service that is asked about each item of a cut."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True, allow_inf_nan=False)

    name: str = Field(pattern=NAME, description="What people see as the author of its labels.")
    url: Annotated[str, AfterValidator(_plain_url)] = Field(
        description="The full address to post to. Nothing else is ever asked: redirects are refused."
    )
    token: str | None = Field(
        None,
        pattern=r"^SLUICE_TOKEN_[A-Z0-9_]+$",
        description="Name of the environment variable that holds the bearer token, such as SLUICE_TOKEN_MODERATION.",
    )
    reads: Literal["dialogue", "answer"] = Field(
        "dialogue", description="What it is shown: the whole dialogue, or the model's answer alone."
    )
    timeout_s: float = Field(20.0, gt=0, le=600, description="Seconds that one request may take in all.")
    retries: int = Field(2, ge=0, le=10, description="How often a request is repeated that may succeed later.")
    concurrency: int = Field(8, ge=1, le=64, description="Requests at a time.")
    deadline_s: float = Field(
        600.0, gt=0, le=86_400, description="Seconds for all items of a cut; what is not labelled by then stays so."
    )

    @property
    def sha256(self) -> str:
        """The hash of what decides about the labels: how patiently they were asked for does not."""
        patience = {"token", "timeout_s", "retries", "concurrency", "deadline_s"}
        asked = self.model_dump(mode="json", exclude=patience)
        return sha256(orjson.dumps(asked, option=orjson.OPT_SORT_KEYS)).hexdigest()

    @abstractmethod
    def body(self, text: str) -> dict[str, Any]:
        """Return the JSON to post about one text."""

    @abstractmethod
    def read(self, answer: Any) -> list[Prelabel]:
        """Return the labels in the parsed JSON that came back. Raises WrongAnswer."""

    def label(self, name: object, value: object, score: object) -> Prelabel:
        """Make a label of what a service said. Raises WrongAnswer where it is none."""
        if not isinstance(name, str) or not isinstance(value, str):
            raise WrongAnswer("a label that is no text")
        if not 0 < len(name) <= LONGEST or len(value) > LONGEST:
            raise WrongAnswer(f"a label of no or more than {LONGEST} characters")
        if score is None:
            return Prelabel(name, value, None, self.name)
        if isinstance(score, bool) or not isinstance(score, int | float) or not 0 <= score <= 1:
            raise WrongAnswer("a score that is not between 0 and 1")
        return Prelabel(name, value, round(float(score), 6), self.name)


def reached(answer: Any, *steps: str | int) -> Any:
    """Return what lies in parsed JSON behind these keys and places. Raises WrongAnswer where nothing does."""
    for step in steps:
        try:
            answer = answer[step]
        except (KeyError, IndexError, TypeError):
            raise WrongAnswer(f"no {'.'.join(map(str, steps))} in it") from None
    return answer
