"""Weeks of questions that ClickHouse makes by itself: everyday ones, and topics that a test plants."""

from datetime import datetime

from clickhouse_connect.driver.client import Client

from sinks.review.windows import WEEK
from tests.sinks.review.planting import MONDAY

THINGS = [
    "invoice",
    "refund",
    "receipt",
    "parcel",
    "courier",
    "password",
    "account",
    "login",
    "subscription",
    "discount",
    "screen",
    "battery",
]
VERBS = ["check", "correct", "cancel", "download", "renew", "replace", "track", "update", "explain", "compare"]
PLACES = ["berlin", "paris", "lisbon", "oslo", "vienna", "madrid", "dublin", "prague", "athens", "zurich"]
USUAL = "How do I {verb} the {thing} in {place} before friday?"
NEW = "My espresso machine shows descaling error while brewing, how do I clear the {thing}?"
RARE = [
    "The trombone mouthpiece is stuck, can a luthier help?",
    "Which mouthpiece suits a jazz trombone?",
    "The slide of a trombone needs oil, says the luthier",
    "Can a luthier repair the slide and the mouthpiece?",
    "Jazz players ask how a trombone slide is cleaned with oil",
]

_INSERT = """
INSERT INTO inference_parts
    (inference_id, time, ingest_time, request_time, response_time, service, segment, status, input_messages)
WITH sipHash64(number, {salt:UInt64}) AS chance,
    multiIf(
        number % 1000 < {new:UInt64}, {said:String},
        number % 1000 >= 1000 - {rare:UInt64}, {rarely:Array(String)}[1 + chance % 5],
        {usual:String}) AS pattern,
    replaceAll(replaceAll(replaceAll(pattern,
        '{thing}', {things:Array(String)}[1 + chance % 12]),
        '{verb}', {verbs:Array(String)}[1 + intDiv(chance, 16) % 10]),
        '{place}', {places:Array(String)}[1 + intDiv(chance, 1024) % 10]) AS text,
    fromUnixTimestamp64Nano({begin:Int64} + toInt64(number) * intDiv(600000000000000, {count:Int64}), 'UTC') AS at
SELECT {name:String} || toString(number), at, at, at, at, 'chat', 'chat', 'ok',
    '[{"role":"user","parts":[{"type":"text","content":' || toJSONString(text) || '}]}]'
FROM numbers({count:UInt64})
"""


def week(client: Client, number: int, count: int, *, new: int = 0, rare: int = 0, said: str = NEW) -> None:
    """Plant a week of questions, `number` weeks after W46; of a thousand so many are new, and so many rare."""
    begin: datetime = MONDAY + number * WEEK
    names = {"name": f"w{number}-", "salt": number + 100, "begin": int(begin.timestamp()) * 10**9, "count": count}
    words = {"things": THINGS, "verbs": VERBS, "places": PLACES}
    patterns = {"usual": USUAL, "rarely": RARE, "said": said}
    client.command(_INSERT, names | words | patterns | {"new": new, "rare": rare})
