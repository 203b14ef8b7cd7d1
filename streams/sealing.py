"""What a block stores passes through, sealed per user where the settings have a key for content."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

import pyarrow as pa

from sinks.clickhouse import ClickHouse
from sinks.joins import Joins
from sinks.sealed import seal
from sinks.sealed.envelope import DataKey, Kek
from sinks.sealed.keys import ContentKeys, require_none
from sinks.sealed.opening import Opener
from streams.ingest import Block
from streams.settings import Settings


def content_keys(settings: Settings, clickhouse: ClickHouse) -> ContentKeys | None:
    """Return the keys of content; None where it is stored as it is."""
    secret = settings.content_key.get_secret_value()
    if not secret:
        return None
    before = [each.strip() for each in settings.content_keys_before.get_secret_value().split(",")]
    return ContentKeys(clickhouse, Kek(secret), [Kek(each) for each in before if each])


def opener(settings: Settings, clickhouse: ClickHouse) -> Opener:
    """Return what opens stored content. Raises WrongKey where some of it was sealed under another key."""
    return Opener(_known_keys(settings, clickhouse))


def require_key(settings: Settings, clickhouse: ClickHouse) -> None:
    """Raise WrongKey where a worker would seal under a key that is not the others', or not at all where they do."""
    if _known_keys(settings, clickhouse) is None:
        require_none(clickhouse)


def _known_keys(settings: Settings, clickhouse: ClickHouse) -> ContentKeys | None:
    keys = content_keys(settings, clickhouse)
    if keys is not None:
        keys.require_known()
    return keys


class Sealing:
    """Seals a block's content with its users' keys. Blocking; raises SinkBusy and SinkBroken.

    An answer that names no user has the key of who asked, in the block or before it. What nobody's name is known of has
    the key of the day on which it is stored. A piece of feedback has the key of the user that it is about, else of who
    gave it.
    """

    def __init__(self, keys: ContentKeys, joins: Joins) -> None:
        self._keys, self._joins = keys, joins

    def forget(self) -> None:
        """Look for keys anew: some may have been destroyed."""
        self._keys.forget()

    def tables(self, block: Block) -> Iterator[tuple[str, pa.Table]]:
        """As the block's own: each table's rows."""
        asked, answered, told = self._owners(block)
        keys = self._keys.of({*asked, *answered, *told})
        for table, rows in block.tables():
            if table == "feedback_events":
                ids, its = rows["feedback_id"].to_pylist(), [keys[owner] for owner in told]
                rows = seal.sealed(seal.sealed(rows, seal.EXPLANATION, ids, its), seal.CORRECTION, ids, its)
            elif table == "inference_parts" and "request_time" in rows.column_names:
                its = [keys[owner] for owner in asked]
                yield "sealed_questions", seal.questions(rows, its)
                rows = _sealed(seal.hashed_prompts(rows, self._keys.kek), seal.REQUEST, its)
            elif table == "inference_parts":
                rows = _sealed(rows, seal.RESPONSE, [keys[owner] for owner in answered])
            yield table, rows

    def _owners(self, block: Block) -> tuple[list[str], list[str], list[str]]:
        """Return whose key seals each request, answer and piece of feedback."""
        nobody = f"day/{datetime.now(UTC):%Y-%m-%d}"
        users = {event.inference_id: event.user_id for event in block.requests.events if event.user_id}
        unknown = [
            (event.inference_id, event.time_unix_nano)
            for event in block.responses.events
            if not event.user_id and event.inference_id not in users
        ]
        users |= self._joins.askers(unknown) if unknown else {}
        return (
            [event.user_id or nobody for event in block.requests.events],
            [event.user_id or users.get(event.inference_id, nobody) for event in block.responses.events],
            [event.user_id or event.rater_id or nobody for event in block.feedback.events],
        )


def _sealed(rows: pa.Table, what: tuple[str, Sequence[str]], keys: Sequence[DataKey]) -> pa.Table:
    return seal.sealed(rows, what, rows["inference_id"].to_pylist(), keys)
