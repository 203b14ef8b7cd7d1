"""The table of data keys: made for whoever says something first, read by id to open, deleted to erase.

Without its key nothing opens, in whatever backup it lies: that is erasure where no command reaches.
"""

from collections.abc import Iterable, Sequence
from functools import partial

import orjson
from clickhouse_connect.driver.client import Client

from sinks.clickhouse import INSERT, ClickHouse
from sinks.sealed.envelope import DataKey, Kek

COLUMNS = ["owner", "key_id", "wrapped_by", "wrapped"]
CHUNK = 5_000  # names in one query
QUERY = {"max_query_size": 2**24}  # bytes
HELD = 50_000  # keys that a process holds, about 600 bytes each

# Names stand in the query's text, in hex: parameters travel in its address, which is too short.
# Of two keys that two workers made at once the smaller one is used from then on; both open what they have sealed.
_OF_OWNERS = """
SELECT owner, key_id, wrapped_by, wrapped FROM content_keys FINAL
WHERE owner IN (SELECT arrayJoin(JSONExtract(unhex('{names}'), 'Array(String)')))
ORDER BY key_id DESC
"""
_BY_ID = """
SELECT owner, key_id, wrapped_by, wrapped FROM content_keys FINAL
WHERE key_id IN (SELECT arrayJoin(JSONExtract(unhex('{names}'), 'Array(String)')))
"""
_FOREIGN = """
SELECT wrapped_by, count() FROM content_keys FINAL
WHERE wrapped_by NOT IN {known:Array(String)} GROUP BY wrapped_by ORDER BY wrapped_by
"""
_ANY = "SELECT 1 FROM content_keys LIMIT 1"
_OLD = "SELECT owner, key_id, wrapped_by, wrapped FROM content_keys FINAL WHERE wrapped_by != {now:String}"


class WrongKey(Exception):
    """Keys of content are wrapped under a key that the settings do not have; the message names the cure."""


def require_none(clickhouse: ClickHouse) -> None:
    """Raise WrongKey where there are keys of content: whoever has no key would store in plain what others seal."""
    if clickhouse.ask(partial(_result, sql=_ANY, parameters={})):
        raise WrongKey(
            "Content is sealed here, and SLUICE_CONTENT_KEY is not set: what comes would be stored in plain text. Set "
            "the key of the other workers. To seal nothing any more, and lose what is sealed, empty content_keys."
        )


class ContentKeys:
    """Data keys by owner and by id. Blocking; raises SinkBusy and SinkBroken.

    Args:
        clickhouse: a connection whose database is migrated.
        kek: wraps new keys.
        before: unwraps what was wrapped under an earlier one.
    """

    def __init__(self, clickhouse: ClickHouse, kek: Kek, before: Sequence[Kek] = ()) -> None:
        self.kek = kek
        self._clickhouse = clickhouse
        self._keks = {each.name: each for each in (*before, kek)}
        self._of_owner: dict[str, DataKey] = {}
        self._by_id: dict[bytes, DataKey | None] = {}

    def require_known(self) -> None:
        """Raise WrongKey where a stored key is wrapped under none of ours."""
        rows = self._rows(_FOREIGN, known=list(self._keks))
        if rows:
            told = ", ".join(f"{count} under {name or 'no name'}" for name, count in rows)
            raise WrongKey(
                f"Keys of content are wrapped under another SLUICE_CONTENT_KEY ({told}; this one is {self.kek.name}): "
                "put the key of before into SLUICE_CONTENT_KEYS_BEFORE, and run `sluice rewrap`."
            )

    def forget(self) -> None:
        """Look anew from now on: a key may have been destroyed."""
        self._of_owner, self._by_id = {}, {}

    def of(self, owners: Iterable[str]) -> dict[str, DataKey]:
        """Return the owners' keys, each stored before it is returned."""
        wanted, known = set(owners), self._of_owner  # which another thread may have replaced meanwhile
        missing = sorted(wanted - known.keys())
        for row in self._named(_OF_OWNERS, missing):
            known[row[0]] = self._unwrapped(*row)
        fresh = {owner: DataKey.fresh() for owner in missing if owner not in known}
        if fresh:
            self._store(fresh.items(), self.kek)
            known |= fresh
        if len(known) > HELD:
            self._of_owner = {}
        return {owner: known[owner] for owner in wanted}

    def by_id(self, ids: Iterable[bytes]) -> dict[bytes, DataKey | None]:
        """Return the keys of these ids; None where a key was destroyed."""
        wanted, known = set(ids), self._by_id
        missing = sorted(wanted - known.keys())
        known |= dict.fromkeys(missing)
        for row in self._named(_BY_ID, [each.hex() for each in missing]):
            key = self._unwrapped(*row)
            known[key.key_id] = key
        if len(known) > HELD:
            self._by_id = {}
        return {each: known[each] for each in wanted}

    def lost(self) -> bool:
        """Whether there is not one key: then the table is gone, which no erasure does."""
        return not self._rows(_ANY)

    def rewrap(self) -> int:
        """Wrap under the present key what an earlier one has wrapped, and return how many; content stays as it is."""
        old = [(row[0], self._unwrapped(*row)) for row in self._rows(_OLD, now=self.kek.name)]
        if old:
            self._store(old, self.kek)
            self._clickhouse.ask(lambda client: client.command("OPTIMIZE TABLE content_keys FINAL"))
        return len(old)

    def _store(self, keys: Iterable[tuple[str, DataKey]], kek: Kek) -> None:
        rows = [[owner, key.key_id.hex(), kek.name, kek.wrap(key, owner).hex()] for owner, key in keys]
        self._clickhouse.ask(lambda client: client.insert("content_keys", rows, COLUMNS, settings=INSERT))

    def _unwrapped(self, owner: str, key_id: str, wrapped_by: str, wrapped: str) -> DataKey:
        if wrapped_by not in self._keks:
            self.require_known()
        return self._keks[wrapped_by].unwrap(bytes.fromhex(key_id), bytes.fromhex(wrapped), owner)

    def _named(self, sql: str, names: Sequence[str]) -> Iterable[Sequence[str]]:
        for start in range(0, len(names), CHUNK):
            yield from self._rows(sql.format(names=orjson.dumps(names[start : start + CHUNK]).hex()))

    def _rows(self, sql: str, **parameters: object) -> Sequence[Sequence[str]]:
        return self._clickhouse.ask(partial(_result, sql=sql, parameters=parameters))


def _result(client: Client, sql: str, parameters: dict[str, object]) -> Sequence[Sequence[str]]:
    rows: Sequence[Sequence[str]] = client.query(sql, parameters, settings=QUERY).result_rows
    return rows
