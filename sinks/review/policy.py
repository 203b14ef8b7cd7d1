"""The policy of a cut: how many items each reason may take, and the key of the draw."""

from hashlib import sha256
from typing import Annotated

import orjson
from pydantic import BaseModel, ConfigDict, Field

Quota = Annotated[int, Field(ge=0, le=100_000)]
Neighbours = Annotated[int, Field(ge=0, le=1000)]


class Policy(BaseModel):
    """A human budget, in items a batch. An item that several reasons pick counts in the quota of each."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    seed: int = Field(
        0,
        ge=0,
        lt=2**64,
        description="Key of the hashes that draw and order items. Another seed draws others, as fairly.",
    )
    control: Quota = Field(
        100,
        description="Items drawn uniformly from all eligible inferences, whatever else picks them: the only ones from "
        "which rates of the whole traffic may be estimated.",
    )
    negative_feedback: Quota = Field(
        100, description="Items that a person rated down or corrected, drawn uniformly among these."
    )
    anomaly: Quota = Field(100, description="Items with the highest anomaly scores.")
    finding: Quota = Field(
        100,
        description="Items around findings, those nearest to a finding's inference first: where the quota is short, "
        "every finding keeps its nearest neighbours.",
    )
    finding_before: Neighbours = Field(
        5, description="Inferences to take before a finding's, in the same segment, by event time."
    )
    finding_after: Neighbours = Field(5, description="Inferences to take after it.")

    @property
    def sha256(self) -> str:
        """The hash of every value, defaults included."""
        return sha256(orjson.dumps(self.model_dump(mode="json"), option=orjson.OPT_SORT_KEYS)).hexdigest()
