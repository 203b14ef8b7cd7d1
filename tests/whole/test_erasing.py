"""A person is erased while a worker runs: rows, dead letters and what the detectors remember, and others stay."""

import asyncio
import json
import time
from collections.abc import Iterator

import numpy as np

from detectors.packed import unpack
from detectors.sealed import unseal
from streams import kept_state
from streams.erased import AGAIN_S
from tests.whole.events import SECOND_NS, START_NS, feedback, request, response
from tests.whole.harness import KEY, REQUESTS, Message, World
from tests.whole.side_by_side import side_by_side

SEGMENT = "till|-|-|-"
HERS = range(850, 1_000, 10)  # examples of the change, some of these


def calls() -> Iterator[Message]:
    """Calls of one service, a second apart; from number 900 on they take three times as long."""
    for number in range(1_000):
        seconds = np.random.default_rng(number).lognormal(0.0, 0.3) * (3.0 if number >= 900 else 1.0)
        user = "ann@example.org" if number in HERS else "bob@example.org"
        name = f"till-{number:05d}"
        yield request(name, at_s=number, **{"service.name": "till", "user.id": user})
        yield response(name, at_s=number + 0.5, duration_s=float(seconds), **{"service.name": "till", "user.id": user})


def remembered(world: World) -> str:
    """Return all that the detectors have kept."""
    states = asyncio.run(kept_state.sealed(world.settings))
    return repr([unpack(unseal(state, KEY.encode(), name)) for name, state in states.items()])


@side_by_side
def test_a_person_is_erased_while_a_worker_runs(world: World) -> None:
    world.start()
    world.produce(calls())
    world.produce([feedback("till-00900"), feedback("till-00001"), Message(REQUESTS, b'{"user": "ann@example.org", ')])
    world.settle()
    world.until_at_least(lambda: "till-00990" in remembered(world), 1, "kept states")
    names = [f"till-{number:05d}" for number in HERS]
    assert world.count("dead_letters") == 1

    looked = world.sluice("erase", "--user", "ann@example.org", "--dry-run")
    assert looked.returncode == 0, looked.stderr
    assert world.count("inferences") == 1_000

    said = world.sluice("erase", "--user", "ann@example.org", "--by", "dana", "--json")
    assert said.returncode == 0, said.stdout + said.stderr
    receipt = json.loads(said.stdout)
    assert receipt["left"] == 0
    assert receipt["inferences_found"] == len(HERS)
    assert receipt["places"]["detector state (names)"]["found"] > len(HERS)
    assert "ann" not in said.stdout
    assert "sluice.findings 90 days" in " ".join(receipt["elsewhere"])

    assert (world.count("inferences"), world.count("feedback"), world.count("dead_letters")) == (985, 1, 0)
    assert not [name for name in names if f"'{name}'" in remembered(world)]
    assert "till-00999" in remembered(world)

    checked = world.sluice("erase", "--check", "--user", "ann@example.org")
    assert (checked.returncode, checked.stdout.splitlines()[-1]) == (0, "Nothing is there.")

    time.sleep(AGAIN_S)  # within which the worker may not know yet
    now_s = (time.time_ns() - START_NS) / SECOND_NS
    world.produce(message for message in calls() if b"ann@example.org" in (message.value or b""))
    world.produce([feedback("till-00900"), response("till-00900", at_s=now_s)])
    world.produce(
        [request(f"hers {at_s:.0f}", at_s=at_s, **{"user.id": "ann@example.org"}) for at_s in (2, now_s + 60)]
    )
    world.settle()
    assert world.count("inferences") == 986, "what she does after it is hers to do"
    assert world.rows("SELECT inference_id FROM inferences WHERE startsWith(inference_id, 'hers')") == [
        (f"hers {now_s + 60:.0f}",)
    ]
    assert world.workers[0].metric("sluice_erased_again_total") == 2 * len(HERS) + 3
    checked = world.sluice("erase", "--check")
    assert (checked.returncode, checked.stdout.splitlines()[-1]) == (0, "Nothing is there.")
