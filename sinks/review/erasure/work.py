"""The list of work: what a subject's names lead to in ClickHouse, collected before anything of it is gone.

It is a table, `erasing`, so that a run that was killed is taken up where it stood: whatever rows are deleted already,
the list still says what to look for elsewhere. The hashes in `erased` stay for good.
"""

from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime

from clickhouse_connect.driver.client import Client

from sinks.erased import quick, seed
from sinks.review.erasure.subject import Subject

LIST = "erasing"
ROUNDS = 4  # of twins of twins
LONG = {"max_execution_time": 0}

# SQL is made of names of our own tables and columns; what a person gives comes as a parameter, or lies in a table.
# Names that many inferences share lead nowhere from one of them.
_OWN_ALIAS = "NOT startsWith(alias, 'trace:') AND NOT startsWith(alias, 'sess:')"


def _hash(name: str) -> str:
    return f"lower(hex(SHA256(concat({{salt:String}}, ifNull({name}, '')))))"


def _found(kind: str, key: str, rest: str) -> str:
    return f"INSERT INTO erasing SELECT DISTINCT '{kind}', {key}, {{before:DateTime64(9, 'UTC')}} {rest}"


def _of_users(kind: str, key: str, table: str, column: str) -> list[str]:
    """Return what finds a table's rows of the users who are being erased, and late rows of those who were."""
    return [
        _found(
            kind,
            key,
            f"FROM {table} INNER JOIN (SELECT {name} AS user, max(before) AS until FROM {of} WHERE kind = 'user'"  # noqa: S608
            f" GROUP BY user) AS users ON {expression} = users.user WHERE {table}.time < users.until",
        )
        for name, of, expression in (("name", "erasing", f"ifNull({column}, '')"), ("hash", "erased", _hash(column)))
    ]


_INFERENCES = "(SELECT name FROM erasing WHERE kind = 'inference')"
_ERASED_INFERENCES = "(SELECT hash FROM erased WHERE kind = 'inference')"

FIRST = [
    *_of_users("inference", "inference_id", "inference_parts", "user_id"),
    _found("inference", "inference_id", f"FROM inference_parts WHERE {_hash('inference_id')} IN {_ERASED_INFERENCES}"),
]
# Two accounts of one call hold the same words.
TWINS = [
    _found(
        "inference",
        "assumeNotNull(shadowed_by)",
        f"FROM inference_parts WHERE shadowed_by IS NOT NULL AND inference_id IN {_INFERENCES}",
    ),
    _found("inference", "inference_id", f"FROM inference_parts WHERE shadowed_by IN {_INFERENCES}"),
]
LAST = [
    _found("alias", "alias", f"FROM aliases WHERE inference_id IN {_INFERENCES} AND {_OWN_ALIAS}"),
    *_of_users("feedback", "feedback_id", "feedback_events", "user_id"),
    *_of_users("feedback", "feedback_id", "feedback_events", "rater_id"),
    _found(
        "feedback",
        "feedback_id",
        f"FROM feedback_events WHERE inference_id IN {_INFERENCES} OR {_hash('inference_id')} IN {_ERASED_INFERENCES}"  # noqa: S608
        " OR arrayExists(alias -> alias IN (SELECT name FROM erasing WHERE kind = 'alias'), aliases)"
        f" OR arrayExists(alias -> {_hash('alias')} IN (SELECT hash FROM erased WHERE kind = 'alias'), aliases)",
    ),
    # What is about a trace or a session goes when nothing else that it is about is left.
    _found(
        "feedback",
        "feedback_id",
        f"FROM feedback_targets GROUP BY feedback_id HAVING countIf(assumeNotNull(target) NOT IN {_INFERENCES}) = 0",
    ),
    _found(
        "finding",
        "finding_id",
        "FROM finding_events WHERE subject IN (SELECT name FROM erasing WHERE kind = 'user')"  # noqa: S608
        f" OR {_hash('subject')} IN (SELECT hash FROM erased WHERE kind = 'user')",
    ),
]
REMEMBERED = (
    "SELECT kind, name, max(before) FROM erasing WHERE kind IN ('inference', 'user', 'alias') GROUP BY kind, name"
)


class Work:
    """The list of one run. `take` fills it, `done` empties it.

    Args:
        client: a connection whose database is migrated.
        subject: whom or what.
        table: where the list is; SQL of this room calls it `erasing`, whatever its name.
    """

    def __init__(self, client: Client, subject: Subject, table: str = LIST) -> None:
        self.client, self.subject, self._table = client, subject, table

    @classmethod
    @contextmanager
    def looking(cls, client: Client, subject: Subject) -> Iterator["Work"]:
        """Give a list of its own, which begins with what a killed run has left: nobody takes it up to erase."""
        table = f"{LIST}_looked"
        client.command(f"DROP TABLE IF EXISTS {table}")
        client.command(f"CREATE TABLE {table} AS {LIST}")
        try:
            client.command(f"INSERT INTO {table} SELECT * FROM {LIST}")  # noqa: S608  our own names
            yield cls(client, subject, table)
        finally:
            client.command(f"DROP TABLE IF EXISTS {table}")

    def sql(self, text: str) -> str:
        """Return SQL about the list under its name."""
        return text.replace(LIST, self._table)

    def take(self) -> None:
        """List the subject, and all that it leads to in ClickHouse."""
        named = [("user", name) for name in self.subject.users]
        named += [("inference", name) for name in self.subject.inferences]
        self.add(named)
        for sql in FIRST:
            self._run(sql)
        before = -1
        for _ in range(ROUNDS):
            listed = self.count("inference")
            if listed == before:
                break
            before = listed
            for sql in TWINS:
                self._run(sql)
        for sql in LAST:
            self._run(sql)

    def add(self, named: Iterable[tuple[str, str]]) -> None:
        """List further names, (kind, name)."""
        rows = [[kind, name, self.subject.at] for kind, name in named]
        if rows:
            self.client.insert(self._table, rows, ["kind", "name", "before"])

    def remember(self) -> None:
        """Keep the hashes of what is listed, also those by which a worker knows what is delivered again."""
        listed = self.client.query(self.sql(REMEMBERED)).result_rows
        fast = quick((name for _, name, _ in listed), seed(self.subject.salt))
        rows = [
            [kind, self.subject.hash(name), before.replace(tzinfo=UTC), 0 if kind == "user" else known]
            for (kind, name, before), known in zip(listed, fast, strict=True)
        ]
        if rows:
            self.client.insert("erased", rows, ["kind", "hash", "before", "quick"])

    def names(self, kind: str) -> list[str]:
        """Return what is listed of a kind, sorted."""
        sql = "SELECT DISTINCT name FROM erasing WHERE kind = {kind:String} ORDER BY name"
        return [name for (name,) in self.client.query(self.sql(sql), {"kind": kind}).result_rows]

    def count(self, kind: str) -> int:
        """Return how many of a kind are listed."""
        sql = "SELECT uniqExact(name) FROM erasing WHERE kind = {kind:String}"
        ((count,),) = self.client.query(self.sql(sql), {"kind": kind}).result_rows
        return int(count)

    def hashes(self, kind: str) -> set[str]:
        """Return the hashes of all of a kind that was ever erased, and of what is listed."""
        sql = "SELECT DISTINCT hash FROM erased WHERE kind = {kind:String}"
        known = {name for (name,) in self.client.query(sql, {"kind": kind}).result_rows}
        return known | {self.subject.hash(name) for name in self.names(kind)}

    def users(self) -> dict[str, datetime]:
        """Return the hashes of all users that were ever erased, or are listed, each with the time before which."""
        sql = "SELECT hash, max(before) FROM erased WHERE kind = 'user' GROUP BY hash"
        known = {name: before.replace(tzinfo=UTC) for name, before in self.client.query(sql).result_rows}
        return known | {self.subject.hash(name): self.subject.at for name in self.names("user")}

    def done(self) -> None:
        """Empty the list."""
        self.client.command(f"TRUNCATE TABLE {self._table}")

    def _run(self, sql: str) -> None:
        self.client.command(self.sql(sql), {"salt": self.subject.salt, "before": self.subject.at}, settings=LONG)
