"""Where a batch stands is said in words: who has it, and what comes next."""

from datetime import datetime
from typing import Any

from sinks.review.audit import State
from streams.review_loop import BatchStanding

NEXT = {
    State.CUT: "waits for people: export it, or decide with `sluice batch review`",
    State.EXPORTED: "is with people; what they decide is imported",
    State.IN_REVIEW: "is being decided",
    State.DECIDED: "is decided, and waits for a signature: `sluice batch sign`",
    State.SIGNED_OFF: "is signed, and may go into a release: `sluice release cut`",
    State.RELEASED: "is released",
    State.REJECTED: "was rejected: nothing of it leaves",
}
ENDED = {State.SIGNED_OFF, State.RELEASED, State.REJECTED}


def batch(each: BatchStanding, now: datetime) -> dict[str, Any]:
    """Return what the list shows of a batch; its report has the rest."""
    days = (now - each.closed).days
    waits = f"; people could have decided for {days} days" if days > 1 and each.state not in ENDED else ""
    return {
        "name": each.name,
        "state": each.state,
        "words": f"{NEXT[each.state]}{waits}",
        "eligible": each.eligible,
        "items": each.items,
        "decided": each.decided,
        "report": each.report is not None,
    }
