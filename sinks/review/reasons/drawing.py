"""The key of each reason's hash: made of its name, so that a reason that is added later moves no other."""

from hashlib import sha256

from sinks.review.candidates import Reason
from sinks.review.policy import Policy


def key(policy: Policy, reason: Reason) -> dict[str, int]:
    """Return the parameters `seed` and `salt` of `snapshot.ORDER`."""
    return {"seed": policy.seed, "salt": int.from_bytes(sha256(reason.encode()).digest()[:8], "big")}
