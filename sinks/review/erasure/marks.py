"""Which inferences, users and feedback are to go, for files that hold them by name: known by their hashes."""

from datetime import UTC, datetime, timedelta

from sinks.review.erasure.letters import patterns
from sinks.review.erasure.subject import Subject
from sinks.review.erasure.work import Work

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


class Marks:
    """All that was ever erased, and what is listed now."""

    def __init__(self, work: Work) -> None:
        self.subject: Subject = work.subject
        self.work = work
        self._inferences = work.hashes("inference")
        self._users = work.users()
        self._feedback = frozenset(work.names("feedback"))
        names = {*work.names("inference"), *work.names("user"), *work.subject.raw_users}
        self.patterns = [pattern.encode() for pattern in patterns(sorted(names))]

    def inference(self, name: str) -> bool:
        return self.subject.hash(name) in self._inferences

    def user(self, name: str | None, time_unix_nano: int | None) -> bool:
        """Whether a pseudonym's deed of some time is to go; one whose time is not known does."""
        before = self._users.get(self.subject.hash(name)) if name else None
        if before is None:
            return False
        return time_unix_nano is None or _EPOCH + timedelta(microseconds=time_unix_nano // 1000) < before

    def feedback(self, name: str) -> bool:
        return name in self._feedback
