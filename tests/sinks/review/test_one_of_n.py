"""One of several answers is picked by who asked for them: from the event to a pair to train on, through people."""

from pathlib import Path

import orjson
from clickhouse_connect.driver.client import Client

from sinks.review.audit import Step
from sinks.review.candidates import Reason
from sinks.review.cut import cut
from sinks.review.decisions import decision
from sinks.review.exports.sheet import sheets
from sinks.review.participation import Participation
from sinks.review.policy import Budget, Policy, Quotas
from sinks.review.recording import record
from sinks.review.release.release import release
from sinks.review.sign_off import sign
from sinks.review.windows import Window
from tests.sinks.review.deciding import minute
from tests.sinks.review.planting import hour, inference, plant
from tests.sinks.review.test_cut import DAY
from tests.streams.test_events import NOON
from tests.streams.test_ingest import TOPICS, batch, event, read

SAID = ("plain", "verse", "rhyme")
WORDS = orjson.dumps([{"role": "assistant", "parts": [{"type": "text", "content": said}]} for said in SAID])


def test_the_picked_one_of_several_answers_is_a_pair_once_people_say_so(client: Client, tmp_path: Path) -> None:
    at = {"time_unix_nano": NOON, "inference_id": "i"}
    picked = {"gen_ai.evaluation.name": "implicit.select", "gen_ai.evaluation.score.value": 1, "feedback.choice": 1}
    asked = [{"role": "user", "parts": [{"type": "text", "content": "Write about the sea."}]}]
    sent = [at | {"gen_ai.input.messages": asked}, at | {"gen_ai.output.messages": orjson.loads(WORDS)}, at | picked]
    block = read(*(batch(topic, 0, 0, [event(topic, **more)]) for topic, more in zip(TOPICS, sent, strict=True)))
    assert not block.letters
    for table, rows in block.tables():
        client.insert_arrow(table, rows)
    plant(client, inference("weeks later", hour(0)))  # so that the week of noon is closed
    quotas = Quotas(**{reason.value: 0 for reason in Reason} | {"preference": 5})
    policy = Policy(quotas=quotas, budget=Budget(items=5), participation=Participation(double_review_share=0.0))
    made = cut(client, Window.week("2025-W47"), policy, tmp_path / "batches", DAY).path

    (item,) = map(orjson.loads, (made / "items.jsonl").read_bytes().splitlines())
    assert item["why"] == ["People preferred answer 2 of 3."]
    others = [(each["choice"], each["preferred"], each["output_messages"]) for each in item["alternatives"]]
    assert others == [(n, n == 1, [orjson.loads(WORDS)[n]]) for n in (1, 2)]
    (row,) = sheets(made)
    assert [(each["id"], each["body"]) for each in row.answers] == [(f"i#{n}", SAID[n]) for n in range(3)]

    ranked = decision(
        batch=made.name,
        inference_id="i",
        reviewer="ann",
        verdict="rank",
        ranking=["i#1", "i#0", "i#2"],
        at=minute(1),
        source="cli",
    )
    record(made, [ranked], Step.DECIDED, "ann", minute(1))
    sign(made, "ann", "curator", minute(2))
    pairs = (release([made], tmp_path / "releases", "1", "bea", minute(3)).path / "dpo.jsonl").read_bytes().splitlines()
    preferred = [(pair["chosen"][0]["content"], pair["rejected"][0]["content"]) for pair in map(orjson.loads, pairs)]
    assert preferred == [("verse", "plain"), ("plain", "rhyme")]
