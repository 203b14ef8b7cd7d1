"""What a cut may take of people's time, and of what: review.toml, read, checked, and known by its hash."""

import tomllib
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Literal

import orjson
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from sinks.review.faults import WHAT, first
from sinks.review.participation import Participation
from sinks.review.prelabels.labeller import AnyPlug
from sinks.review.refusals import InvalidPolicy
from sinks.review.report.visible import line

LONGEST = 64 * 1024  # bytes of a policy: what reads TOML takes the square of its length in time, at worst

Quota = Annotated[int, Field(ge=0, le=100_000)]
Cap = Annotated[int, Field(ge=1, le=100_000)]
Neighbours = Annotated[int, Field(ge=0, le=1000)]


class Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Budget(Section):
    """What people have for a batch. The smaller of the two limits holds."""

    items: Annotated[int, Field(ge=1, le=100_000)] = Field(500, description="Items in a batch, at most.")
    minutes: Annotated[int, Field(ge=1, le=10_000_000)] | None = Field(
        None, description="Minutes of review, at most; none: no limit."
    )
    seconds_per_item: Annotated[int, Field(ge=1, le=86_400)] = Field(
        45, description="What an item takes, for the limit in minutes; `sluice batch status` shows what it took."
    )

    @property
    def size(self) -> int:
        """The number of items that both limits allow."""
        return self.items if self.minutes is None else min(self.items, self.minutes * 60 // self.seconds_per_item)


class Quotas(Section):
    """Items for each reason. One that several reasons want counts in the quota of each, and in the budget once."""

    control: Quota = Field(
        100,
        description="Drawn uniformly from all eligible inferences, whatever else picks them: the only ones from which "
        "rates of the whole traffic may be estimated. At most half of the budget, where other reasons have a quota.",
    )
    correction: Quota = Field(80, description="Answers that people corrected or edited, drawn uniformly among them.")
    preference: Quota = Field(60, description="Prompts with several answers of which people preferred one.")
    negative_feedback: Quota = Field(80, description="Answers that a person rated down, drawn uniformly among them.")
    discovery: Quota = Field(60, description="Of topics that the reference weeks do not know.")
    anomaly: Quota = Field(60, description="The highest anomaly scores.")
    finding: Quota = Field(60, description="Both sides of each finding, nearest first.")
    worst_slice: Quota = Field(40, description="Defects of the parts of the traffic that fail most.")
    disagreement: Quota = Field(30, description="Where signals contradict one another: praised errors, raters apart.")
    recurring_topic: Quota = Field(30, description="Of rare topics that come back week after week.")


class Caps(Section):
    """How much of a batch one source may be: a batch is a set, and nobody's in particular."""

    per_user: Cap = Field(5, description="Items of one user.")
    per_topic: Cap = Field(60, description="Items of one topic, where an item has one.")


class Folding(Section):
    """Near-duplicates are one item, which names the others."""

    jaccard: float = Field(
        0.9,
        ge=0.5,
        le=1.0,
        description="Share of word shingles that two texts have in common, from which they are one.",
    )


class FindingSection(Section):
    """What lies around a finding's inference, in its segment, by event time."""

    before: Neighbours = Field(5, description="Inferences to take before it.")
    after: Neighbours = Field(5, description="Inferences to take after it.")


class Discovery(Section):
    """What counts as a new topic."""

    reference_weeks: int = Field(4, ge=1, le=26, description="Weeks before the window that are known.")
    sample: int = Field(
        100_000, ge=1000, le=2_000_000, description="Inferences of the window, and of the weeks before, that are read."
    )
    least: int = Field(5, ge=2, le=1_000_000, description="Inferences of the sample that make a topic.")


class Map(Section):
    """Where the items of a batch lie among one another."""

    vectors: Literal["hashed", "minilm"] = Field(
        "hashed", description="By the words of questions; or by what they mean, which takes the extra `embeddings`."
    )


class Slices(Section):
    """Which parts of the traffic are looked at for defects."""

    least: int = Field(200, ge=10, le=1_000_000_000, description="Inferences that a part must have to be judged.")


class Release(Section):
    """What leaves, once it is signed."""

    evaluation_share: float = Field(
        0.1, ge=0, lt=1, description="Share of conversations that are kept for evaluation, for good, by a hash."
    )


class Policy(Section):
    """Every value has a default, so that review.toml holds what differs."""

    seed: int = Field(
        0,
        ge=0,
        lt=2**63,
        description="Key of the hashes that draw and order items. Another seed draws others, as fairly.",
    )
    budget: Budget = Budget()
    quotas: Quotas = Quotas()
    caps: Caps = Caps()
    folding: Folding = Folding()
    finding: FindingSection = FindingSection()
    discovery: Discovery = Discovery()
    map: Map = Map()
    slices: Slices = Slices()
    prelabels: tuple[AnyPlug, ...] = Field(
        (), strict=False, description="Services that label items before people do: moderation, a classifier, a judge."
    )
    participation: Participation = Participation()
    release: Release = Release()

    @classmethod
    def read(cls, path: Path) -> "Policy":
        """Read review.toml; where there is no such file, the defaults hold. Raises InvalidPolicy."""
        if not path.exists():
            return cls()
        try:
            written = path.read_bytes()
            if len(written) > LONGEST:
                raise InvalidPolicy(f"{path} has {len(written):,} bytes: a policy has {LONGEST:,} at most.")
            return cls.model_validate(tomllib.loads(written.decode()))
        except ValidationError as wrong:
            where, what = first(wrong)
            raise InvalidPolicy(
                f"{path}: {where}: {what}. `sluice batch policy` prints every value with its meaning."
            ) from None
        # ValueError: no TOML, no UTF-8, or a number of thousands of digits; the other: lists in lists in lists.
        except (ValueError, OSError, RecursionError) as wrong:
            raise InvalidPolicy(f"{path} cannot be read as TOML: {line(str(wrong), WHAT)}.") from None

    @property
    def control(self) -> int:
        """How many the control draws: a short budget is not all for measuring, and nothing for what is to be found."""
        size, alone = self.budget.size, not any(quota for name, quota in self.quotas if name != "control")
        return min(self.quotas.control, size if alone else (size + 1) // 2)

    def said(self) -> "Policy":
        """Return the same policy, of which every value counts as said, defaults included."""
        return Policy.model_validate(self.model_dump())

    @property
    def sha256(self) -> str:
        """The hash of every value, defaults included."""
        return self.said().said_sha256

    @property
    def said_sha256(self) -> str:
        """The hash of the values that were said."""
        said = self.model_dump(mode="json", exclude_unset=True)
        return sha256(orjson.dumps(said, option=orjson.OPT_SORT_KEYS)).hexdigest()
