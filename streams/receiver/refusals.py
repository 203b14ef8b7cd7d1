"""What the receiver does not take: a status, a reason of one word and a detail that names the cure."""


class CannotServe(Exception):
    """The receiver must not, or cannot, listen where the settings say; the message names the setting and the cure."""


class Refused(Exception):
    """A request that ends without a 2xx: `status` is that of HTTP, `retry_after` seconds where trying again helps."""

    def __init__(self, status: int, reason: str, detail: str, retry_after: int | None = None) -> None:
        super().__init__(f"{reason}: {detail}")
        self.status = status
        self.reason = reason
        self.detail = detail
        self.retry_after = retry_after


class Busy(Exception):
    """Kafka is slow or away, or too much waits for it: nothing was accepted, and the same request may pass later."""
