"""A planted world is multiplied inside ClickHouse: other inferences, other texts, the same shares of everything.

A copy's number is its original's, so that the truth of the one is that of the other. What most views would make of each
row anew is copied too, which takes a third of the time.
"""

from clickhouse_connect.driver.client import Client

VIEWS = ("aliases_of_parts", "awaited_of_parts", "prompt_vectors_of_parts", "segments_of_parts")
# A mark of two letters is no term: a copy's terms are those of the original, and half of its shingles are not.
_ID = "concat(substring(lower(hex(sipHash64(inference_id, '{mark}'))), 1, 8), '-{mark}-', substring(inference_id, 10))"
_TEXT = "replaceAll(replaceAll({column}, '. ', '. {mark} '), '。', '。{mark}')"
_ASKED, _ANSWERED = _TEXT.replace("{column}", "input_messages"), _TEXT.replace("{column}", "output_messages")
_COPIES = {
    "inference_parts": f"""
        {_ID} AS inference_id, concat(conversation_id, '-{{mark}}') AS conversation_id,
        concat(response_id, '-{{mark}}') AS response_id,
        {_ASKED} AS input_messages, {_ANSWERED} AS output_messages, sipHash64({_ASKED}) AS prompt_hash
    """,
    "aliases": f"concat(alias, '-{{mark}}') AS alias, {_ID} AS inference_id",
    "prompt_vectors": f"{_ID} AS inference_id, sipHash64({_ID}) AS draw",
    "feedback_events": f"""
        concat('f-', {_ID}) AS feedback_id, concat('f-', {_ID}) AS event_id, {_ID} AS inference_id
    """,
}
# Parts as large as merging would make them, which takes longer than the copying.
_SETTINGS = {"max_insert_block_size": 1 << 20, "min_insert_block_size_rows": 1 << 20, "min_insert_block_size_bytes": 0}
_ORIGINAL = "NOT match(inference_id, '^.{8}-c[a-z]-')"


def multiply(client: Client, copies: range) -> None:
    """Add copies 1 to 26 of all that was planted.

    Args:
        client: of a database that holds what `plant` stored, and copies of lower numbers.
        copies: their numbers.
    """
    for view in VIEWS:
        client.command(f"DETACH TABLE IF EXISTS {view}")
    for number in copies:
        mark = f"c{chr(ord('a') + number - 1)}"
        for table, replaced in _COPIES.items():
            original = f"SELECT * FROM {table} WHERE {_ORIGINAL}"  # noqa: S608  our own names
            copied = f"SELECT * REPLACE ({replaced.format(mark=mark)}) FROM ({original})"  # noqa: S608
            client.command(f"INSERT INTO {table} {copied}", settings=_SETTINGS)
    for view in VIEWS:
        client.command(f"ATTACH TABLE IF NOT EXISTS {view}")
