"""A text goes to a classifier over HTTP, in a plain shape or that of KServe's V2 protocol; a class and a score come."""

from typing import Any, Literal

from pydantic import Field

from sinks.review.prelabels.plug import Plug, Prelabel, WrongAnswer, reached


class Classifier(Plug):
    """Says one class of a text.

    plain: `{"texts": [text]}` is answered with `{"predictions": [{"label": "refund", "score": 0.97}]}`.
    kserve_v2: a BYTES input `text` of shape [1] is answered with outputs `label` (BYTES) and, where known, `score`.
    https://kserve.github.io/website/docs/concepts/architecture/data-plane/v2-protocol
    """

    kind: Literal["classifier"]
    label_name: str = Field("class", min_length=1, max_length=64, description="What question its classes answer.")
    protocol: Literal["plain", "kserve_v2"] = Field("plain", description="How the service is asked.")

    def body(self, text: str) -> dict[str, Any]:
        if self.protocol == "plain":
            return {"texts": [text]}
        return {"inputs": [{"name": "text", "shape": [1], "datatype": "BYTES", "data": [text]}]}

    def read(self, answer: Any) -> list[Prelabel]:
        if self.protocol == "plain":
            value = reached(answer, "predictions", 0, "label")
            return [self.label(self.label_name, value, answer["predictions"][0].get("score"))]
        outputs = reached(answer, "outputs")
        if not isinstance(outputs, list):
            raise WrongAnswer("outputs of another type")
        label, score = (
            next((reached(each, "data", 0) for each in outputs if reached(each, "name") == name), None)
            for name in ("label", "score")
        )
        return [self.label(self.label_name, label, score)]
