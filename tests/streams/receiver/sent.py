"""What the tests send: one piece of feedback of the contract, as small and as large as it is needed."""

import json
from typing import Any

FEEDBACK: dict[str, Any] = {
    "kind": "feedback",
    "event_id": "f-1",
    "time_unix_nano": 1_763_726_402_500_000_000,
    "inference_id": "call-1",
    "gen_ai.evaluation.name": "user.thumbs",
    "gen_ai.evaluation.score.value": 1.0,
}


def feedback_of(size: int) -> bytes:
    """Return valid feedback of exactly so many bytes."""
    bare = json.dumps(FEEDBACK | {"gen_ai.evaluation.explanation": ""})
    return json.dumps(FEEDBACK | {"gen_ai.evaluation.explanation": "x" * (size - len(bare))}).encode()
