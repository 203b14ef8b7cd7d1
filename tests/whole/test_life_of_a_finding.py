"""The life of a finding: it opens, is looked at, acknowledged and accepted, and what is new is expected next."""

import re
from collections.abc import Iterator

import numpy as np

from tests.whole.events import response
from tests.whole.harness import Message, World, logged
from tests.whole.side_by_side import side_by_side

SEGMENT = "till|-|-|-"


def answers(first: int, last: int) -> Iterator[Message]:
    """Responses of one service, a second apart; from number 900 on they take three times as long."""
    for number in range(first, last):
        seconds = np.random.default_rng(number).lognormal(0.0, 0.3) * (3.0 if number >= 900 else 1.0)
        yield response(f"till-{number:05d}", at_s=number, duration_s=float(seconds), **{"service.name": "till"})


def told(world: World, *words: str) -> list[str]:
    """Return the lines that a command says."""
    said = world.sluice(*words)
    assert said.returncode == 0, said.stderr
    return said.stdout.splitlines()


@side_by_side
def test_a_finding_opens_is_acknowledged_accepted_and_over(world: World) -> None:
    worker = world.start()
    world.produce(answers(0, 1_000))
    world.settle()

    # It is listed, and explained.
    _, line, pages = told(world, "findings")
    assert pages == f"Each has a page: {world.settings.finding_page('ID')}"
    state, short, _, what, *_, where = re.split(r" {2,}", line)
    assert (state, what, where) == ("open", "duration_s up", SEGMENT)
    page = told(world, "findings", "show", short)
    assert page[0] == f"OPEN  duration_s up  {SEGMENT}"
    assert any(re.match(r"  since +\S+Z, the segment's inference 900 ", line) for line in page)
    assert "  e.g. after  till-00900" in page

    # Somebody is on it; everybody sees who.
    told(world, "findings", "ack", short, "--by", "ann", "--note", "a larger model")
    assert told(world, "findings")[1].startswith(f"acknowledged (ann)  {short}")

    # It is meant to be so. The detectors hear of it through Kafka.
    (line,) = told(world, "findings", "accept", short, "--by", "ann")
    assert line == f"The new normal of {SEGMENT}, says ann: duration_s."
    world.settle()
    assert told(world, "findings") == ["Nothing is open."]
    assert told(world, "findings", "--all")[1].startswith(f"closed  {short}")
    assert world.rows("SELECT state, acknowledged_by, acknowledged_note FROM findings") == [
        ("closed", "ann", "accepted as the new normal")
    ]
    assert world.rows("SELECT segment, metric, action, by FROM reference_log") == [
        (SEGMENT, "duration_s", "accept", "ann")
    ]

    # From then on it is what is expected: at the new level nothing opens.
    drawn = told(world, "reference", "show", "till", "duration_s")
    assert drawn[0] == f"duration_s of {SEGMENT}"
    assert drawn[1].startswith("  learning; learned from ")
    (expected,) = world.rows("SELECT expected FROM references FINAL WHERE metric = 'duration_s'")
    assert 2.0 < np.nanmean(expected) < 4.0
    world.produce(answers(1_000, 2_000))
    world.settle()
    assert told(world, "findings") == ["Nothing is open."]

    # Who watches the log alone has met it when it opened, and when it was over.
    first, *_, last = (line for line in logged(worker) if line.logger == "sluice.walk")
    assert (first.level, last.level) == ("WARNING", "INFO")
    assert re.search(rf"^duration_s up in till.* finding {short}$", first.message)
    assert re.search(rf"^OVER: duration_s up in till.* finding {short}$", last.message)
    assert worker.metric("sluice_findings_total", segment=SEGMENT, metric="duration_s", direction="up") == 1
