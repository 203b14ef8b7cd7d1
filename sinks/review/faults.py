"""What pydantic found wrong becomes a place and a few words, for one line that a person reads."""

from collections.abc import Sequence

from pydantic import ValidationError

from sinks.review.report.visible import line

WHERE, WHAT = 120, 300  # characters: keys are a stranger's, and as long as they like
NAMED = 5  # files


def first(wrong: ValidationError) -> tuple[str, str]:
    """Return where the first fault is, "" for the whole, and what it is, without a stop at its end."""
    fault = wrong.errors(include_url=False, include_input=False)[0]
    said = fault["msg"].removeprefix("Value error, ").removesuffix(".")
    return line(".".join(map(str, fault["loc"])), WHERE), line(said, WHAT)


def are_not(names: Sequence[str], manifest: str) -> str:
    """Say that these files, of which there is one at least, are not what a manifest says of them; name the first."""
    named = ", ".join(line(name, WHERE) for name in names[:NAMED])
    more = f" and {len(names) - NAMED:,} more" if len(names) > NAMED else ""
    return f"{named}{more} {'is' if len(names) == 1 else 'are'} not what {manifest} says"
