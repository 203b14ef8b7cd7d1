"""The story of one inference: what a gateway sends to Kafka is met again everywhere that Sluice is looked at.

Read it from top to bottom: it is also the shortest way to learn what Sluice does.
"""

from pathlib import Path
from typing import Any

import numpy as np
import orjson

from deploy.local.broker import KafkaServer
from sinks.review.windows import WEEK
from streams.measure import unpack
from streams.pseudonyms import Pseudonyms
from tests.whole.events import feedback, request, response
from tests.whole.harness import World

CALL: dict[str, Any] = {"service.name": "shop", "http.route": "/v1/chat", "gen_ai.request.model": "clever"}
SEGMENT = "shop|/v1/chat|clever|-"  # service, route, model, environment: what is watched as one


def text(role: str, words: str) -> list[dict[str, object]]:
    return [{"role": role, "parts": [{"type": "text", "content": words}]}]


def test_one_inference_is_met_again_everywhere(broker: KafkaServer, clickhouse_url: str, tmp_path: Path) -> None:
    with World(broker.bootstrap, clickhouse_url, tmp_path) as world:
        # A shop asks a model something through its gateway. The gateway sends Kafka two events: what was asked …
        asked = request("call-1", **CALL | {"user.id": "u-42", "gen_ai.input.messages": text("user", "Red or blue?")})
        # … and what became of it. It does not know how many tokens that took, so it leaves them out.
        answered = response(
            "call-1", **CALL | {"duration_s": 1.25, "gen_ai.output.messages": text("assistant", "Red, no.")}
        )
        # A minute later the customer presses the thumb that points down.
        judged = feedback("call-1")
        world.produce([asked, answered, judged])

        # A worker reads them. It acknowledges to Kafka what every sink has confirmed, and nothing before.
        worker = world.start()
        ledgers = world.settle()

        # ClickHouse now holds ONE row of the inference, with what the request knew and what the response knew.
        (row,) = world.client.query("SELECT * FROM inferences").named_results()
        assert row["inference_id"] == "call-1"
        assert (row["status"], row["duration_s"]) == ("ok", 1.25)
        # Who the customer is, nobody can read there: the same customer has the same pseudonym, and that is all.
        assert row["user_id"] == Pseudonyms(world.settings.pseudonyms).of_user("u-42")
        assert (row["segment"], row["output_chars"]) == (SEGMENT, len("Red, no."))
        assert row["output_tokens"] is None, "nobody said: that is not 0"
        # It says from which Kafka records it came, so that nobody has to believe it.
        assert row["request_record"].startswith(f"{world.settings.topic_prefix}inference.requests/")

        # The feedback is a row of its own: there may be more of it, and it may come days later.
        (said,) = world.client.query("SELECT * FROM feedback").named_results()
        assert (said["inference_id"], said["name"], said["score"]) == ("call-1", "user.thumbs", 0.0)

        # For the detectors the response became a measurement and the thumb another, in a message for their segment:
        # numbers, without any content.
        (message,) = world.consumed("sluice.measurements", count=1)
        measured = unpack(message)
        assert measured.inference_id == ["call-1", "call-1"]
        (answer,), (thumb,) = (np.flatnonzero(measured.values[name] >= 0) for name in ("error", "thumbs_down"))
        assert measured.values["duration_s"][answer] == 1.25
        assert (measured.values["error"][answer], measured.values["thumbs_down"][thumb]) == (0, 1)
        assert b"no." not in message

        # How unusual is it? The detectors have seen one answer of this segment: they do not know, and say so.
        assert row["anomaly_score"] is None

        # The ledger accounts for all that was read: the three events, and the measurement that stage 2 read.
        assert sorted((each.topic.removeprefix(world.settings.topic_prefix), each.offsets) for each in ledgers) == [
            ("inference.feedback", 1),
            ("inference.requests", 1),
            ("inference.responses", 1),
            ("sluice.measurements", 1),
        ]
        proof = world.sluice("ledger")
        assert (proof.returncode, proof.stdout.splitlines()[-1]) == (0, "Gapless.")

        # Prometheus can count it.
        assert worker.metric("sluice_records_total", outcome="written") == 4
        assert worker.metric("sluice_inferences_total", segment=SEGMENT, status="ok") == 1
        assert worker.metric("sluice_segments") == 1

        # Life goes on: a thousand calls like it, all in the same week, and one unlike any of them.
        others = [
            response(f"call-{number}", number, **CALL | {"duration_s": 1.0 + 0.001 * (number * 37 % 500)})
            for number in range(2, 1_002)
        ]
        odd = response("call-odd", 2_000, **CALL | {"duration_s": 90.0})
        # The week closes for review when events a day later than its end have come: late ones had that long.
        later = response("next-week", (WEEK * 1.2).total_seconds(), **CALL)
        world.produce([*others, odd, later])
        world.settle()

        # By now the detectors know this segment: what is new gets a score between 0 and 1, and the odd one a high one.
        scores = dict(world.rows("SELECT inference_id, anomaly_score FROM inferences"))
        assert scores["call-1"] is None, "what was not known then is not made up later"
        assert 0 < scores["call-1001"] < 0.999 < scores["call-odd"] < 1

        # The week is cut: a few hundred of its inferences at most go before people, and each says why.
        cut = world.sluice("batch", "cut", "--week", "2025-W24")
        assert cut.returncode == 0, cut.stderr
        batch = world.settings.batches / "2025-W24"
        items = {
            item["inference_id"]: item for item in map(orjson.loads, (batch / "items.jsonl").read_bytes().splitlines())
        }
        ours = items["call-1"]
        assert "negative_feedback" in ours["reasons"], "the customer's thumb"
        assert "anomaly" in items["call-odd"]["reasons"]
        # A reviewer sees the whole dialogue and what was said about it.
        assert ours["input_messages"] == text("user", "Red or blue?")
        assert ours["output_messages"] == text("assistant", "Red, no.")
        assert [each["score"] for each in ours["feedback"]] == [0.0]
        # The batch can prove that nobody changed it since.
        assert world.sluice("batch", "verify", str(batch)).returncode == 0
