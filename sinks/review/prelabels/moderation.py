"""A text goes to a moderation service in the shape of OpenAI's /v1/moderations; the categories it flags come back."""

from typing import Any, Literal

from pydantic import Field

from sinks.review.prelabels.plug import Plug, Prelabel, WrongAnswer, reached


class Moderation(Plug):
    """Says `flagged` of every text, `true` or `false`, scored by the highest category; and `true` of each category
    that was flagged. https://platform.openai.com/docs/api-reference/moderations
    """

    kind: Literal["moderation"]
    model: str = Field("omni-moderation-latest", description="The model to ask for.")

    def body(self, text: str) -> dict[str, Any]:
        return {"model": self.model, "input": [text]}

    def read(self, answer: Any) -> list[Prelabel]:
        flagged = reached(answer, "results", 0, "flagged")
        categories = reached(answer, "results", 0, "categories")
        scores = reached(answer, "results", 0, "category_scores")
        if not (isinstance(flagged, bool) and isinstance(categories, dict) and isinstance(scores, dict)):
            raise WrongAnswer("results of another type")
        each = {name: self.label(name, "true", scores.get(name)) for name in sorted(categories)}
        highest = max((label.score for label in each.values() if label.score is not None), default=None)
        overall = self.label("flagged", "true" if flagged else "false", highest)
        return [overall, *(label for name, label in each.items() if categories[name] is True)]
