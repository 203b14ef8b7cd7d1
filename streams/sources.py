"""What a topic carries and what of it may be kept: said by the settings, never guessed from the bytes."""

from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

Format = Literal[
    "native_requests",
    "native_responses",
    "native_feedback",
    "otlp_traces",
    "otlp_logs",
    "cloudevents",
    "litellm",
    "langfuse_ingestion",
    "langfuse_scores",
    "langsmith_feedback",
    "phoenix_annotations",
    "kong",
    "apisix",
]
FORMAT_HEADER = "sluice-format"  # of a record that the receiver wrote: which of the formats its body is in

Content = Literal["full", "redacted", "hashed", "none"]


class Source(BaseModel):
    """A topic that ingest reads, as a table `[sources."its name"]` of sluice.toml has it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    format: Format | Literal["received"] = Field(
        description="What its records are; received: each names its own, as the receiver does."
    )
    content: Content = Field(
        "redacted",
        description="What is kept of prompts and answers: full, redacted, hashed (equal texts stay equal) or none.",
    )
    counted: bool = Field(
        True, description="False where a gateway reports the same calls: stored and joined, but not watched twice."
    )
    synthetic: bool = Field(False, description="True where no person asked for any of it: probes, load tests.")
