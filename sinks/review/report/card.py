"""A batch's facts become README.md, a dataset card: YAML for machines on top, Markdown for people below.

It holds numbers and names of our own alone, nothing that a stranger wrote. Its form is that of the Hugging Face Hub:
https://huggingface.co/docs/hub/datasets-cards
"""

from sinks.review.report.marks import MEANINGS
from sinks.review.report.page import Facts, environment
from sinks.review.schema import PICKED, SCHEMA

# What a name does not say by itself.
SAID = {
    "inference_id": "name of the call",
    "time": "of the request, else of the answer; UTC",
    "segment": "service, route, model, environment",
    "input_messages": "dialogue up to the answer: a list of role and parts",
    "output_messages": "the answer, of the same form",
    "input": "what was asked where it is no dialogue",
    "output": "what was answered where it is no dialogue",
    "content_state": "why there is no content, or less of it",
    "user_id": "a pseudonym",
    "duration_s": "seconds",
    "anomaly_score": "the higher, the stranger",
    "reasons": "why it was picked, sorted",
    "why": "a sentence for each reason",
    "inclusion_probabilities": "chance with which each reason took it; 1 where it ranks",
    "control_weight": "eligible inferences that it stands for; null outside the control",
    "findings": "changes near which it lies; position 0 is the finding's own inference",
    "topic": "words of its topic",
    "x": "its place on the map",
    "y": "its place on the map",
    "folded": "near-duplicates that it stands for",
    "alternatives": "other answers to its prompt",
    "prelabels": "what services said of it",
    "late": "of the window before, stored after that was cut",
    "feedback": "all that was said of it in time",
}
SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M"}


def card(facts: Facts) -> bytes:
    """Return README.md; equal facts make equal bytes."""
    counts = facts.manifest.counts
    told = [*(name for name in SCHEMA.names if name in SAID or name in PICKED)]
    page = (
        environment()
        .get_template("card.md")
        .render(
            manifest=facts.manifest,
            counts=counts,
            survey=facts.survey,
            meanings=MEANINGS,
            fields={name: str(SCHEMA.field(name).type).partition("<")[0] for name in told},
            said=SAID,
            size=next((size for most, size in SIZES.items() if counts.items < most), "n>1M"),
        )
    )
    return page.encode()
