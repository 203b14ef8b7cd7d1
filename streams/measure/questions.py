"""Requests go in; rows for those of them whose features or texts are watched come out."""

from collections.abc import Sequence

from streams.events import InferenceRequest, Message
from streams.measure.kept import kept
from streams.measure.rows import Row
from streams.measure.segments import Segments
from streams.measure.tabular import Features
from streams.measure.texts import sampled
from streams.sources import Content


class Questions:
    """Measures what is asked by itself: it is the same in whatever block its answer comes.

    Args:
        segments: names what is watched as one.
        share: that of the inferences whose texts are watched.
    """

    def __init__(self, segments: Segments, share: float) -> None:
        self.share = share
        self._segments = segments
        self._features = Features()

    def read(self, request: InferenceRequest, source: int, position: int, content: Content) -> Row | None:
        """Return a request's row, as its source's policy has it; None where nothing of it is watched, or it says no
        model and so no segment."""
        tabular = request.operation == "predict" and request.input is not None
        texts = request.input_messages is not None and sampled(request.inference_id, self.share)
        if not (tabular or texts) or request.request_model is None:
            return None
        segment = self._segments.name(request)
        given = self._features.read(segment, request.input) if tabular else {}
        said = {name: value for name, value in given.items() if not isinstance(value, str) or kept(value, content)}
        text = question(request.input_messages or ()) if texts else None
        if not said and text is None:
            return None
        return Row(segment, source, position, request.time_unix_nano, request.inference_id, said, text)


def question(messages: Sequence[Message]) -> str | None:
    """Return what a person asks: the text of the last message of a user's."""
    for message in reversed(messages):
        if message.get("role") == "user":
            contents = (part.get("content") for part in message.get("parts", ()))
            return "\n".join(content for content in contents if isinstance(content, str)) or None
    return None
