"""Inferences get the name of what is watched as one, up to a limit."""

from streams.events import InferenceRequest, InferenceResponse

OTHER = "other"


def segment_name(service: str | None, route: str | None, model: str | None, environment: str | None) -> str:
    """Name what is watched as one: service|route|model|environment, `-` for what the gateway does not say."""
    return "|".join(part or "-" for part in (service, route, model, environment))


class Segments:
    """Names the segment of each response, and of each request, up to a limit.

    The model is the one that was asked for: a failed call names no other, and an alias keeps its segment when the
    model behind it changes, which is what has to be noticed. The first `limit` segments that a worker meets are
    watched apart, the rest is one, so that a gateway with an id in its route costs no memory.
    """

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self._names: dict[tuple[str | None, str | None, str | None, str | None], str] = {}

    def name(self, event: InferenceRequest | InferenceResponse) -> str:
        model = event.request_model or (event.response_model if isinstance(event, InferenceResponse) else None)
        key = (event.service, event.route, model, event.environment)
        name = self._names.get(key)
        if name is None:
            if len(self._names) >= self.limit:
                return OTHER
            name = self._names[key] = segment_name(*key)
        return name
