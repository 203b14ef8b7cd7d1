"""How much of a batch people decide themselves: chosen by the policy, and recorded with the signature."""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

Share = Annotated[float, Field(ge=0, le=1)]


class Participation(BaseModel):
    """Whatever the mode, nothing leaves without a person's signature; what is sensitive takes two.

    full: a person decides every item. partial: a pre-label stands where people's audit of a sample shows that fewer
    than `max_error_rate` of such labels are wrong, at `confidence`. minimal: people see exceptions only: items without
    a label, or with one that is less sure than `least_score`, sensitive ones, and the audit's sample.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    mode: Literal["full", "partial", "minimal"] = Field("full", description="full, partial or minimal.")
    verdicts: dict[str, Literal["accept", "reject"]] = Field(
        default_factory=dict,
        description='What a pre-label decides where it stands: `name=value`, as in "quality=good", and a verdict.',
    )
    audit_share: Share = Field(0.2, description="Share of the items with such a label that people decide all the same.")
    max_error_rate: Share = Field(0.05, description="Share of wrong labels that is borne.")
    confidence: float = Field(0.95, gt=0.5, lt=1, description="How sure that must be (one-sided, Clopper and Pearson).")
    least_score: Share = Field(0.8, description="In minimal mode: a label that is less sure is an exception.")
    double_review_share: Share = Field(0.1, description="Share of items that two people decide, blind to each other.")
    sensitive_reasons: tuple[str, ...] = Field((), strict=False, description="Items of these reasons are sensitive.")
    sensitive_segments: tuple[str, ...] = Field(
        (), strict=False, description="Items whose segment contains one of these words are sensitive."
    )
    sensitive_labels: tuple[str, ...] = Field(
        (), strict=False, description="Items with a label of one of these names are sensitive."
    )
