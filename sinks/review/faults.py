"""What pydantic found wrong becomes a place and a few words, for one line that a person reads."""

from pydantic import ValidationError

from sinks.review.report.visible import line

WHERE, WHAT = 120, 300  # characters: keys are a stranger's, and as long as they like


def first(wrong: ValidationError) -> tuple[str, str]:
    """Return where the first fault is, "" for the whole, and what it is, without a stop at its end."""
    fault = wrong.errors(include_url=False, include_input=False)[0]
    said = fault["msg"].removeprefix("Value error, ").removesuffix(".")
    return line(".".join(map(str, fault["loc"])), WHERE), line(said, WHAT)
