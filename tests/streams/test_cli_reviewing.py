"""People decide in a terminal, stop and go on, settle what they disagree about, and sign."""

from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from sinks.review.audit import State, state
from sinks.review.decisions import read
from sinks.review.outcomes import resolved, survey
from streams.cli import main
from tests.sinks.review.deciding import batch, item, labelled

HOSTILE = '[{"role":"user","parts":[{"type":"text","content":"\\u001b]0;owned\\u0007\\u001b[2J\\u202eevil [red]"}]}]'
OTHER: dict[str, Any] = {"inference_id": "z", "choice": 0, "response_model": "m", "preferred": False}
OTHER |= {"output_messages": '[{"role":"assistant","parts":[{"type":"text","content":"the other answer"}]}]'}


def run(*arguments: str | Path, keys: str = "", **settings: str) -> Result:
    return CliRunner().invoke(main, ["batch", *map(str, arguments)], input=keys, env=settings)


def test_a_sitting_is_taken_up_where_it_was_left(tmp_path: Path) -> None:
    folder = batch(tmp_path, [item(name) for name in "abcd"])
    first = run("review", folder, "--by", "Ada", keys="axrq")
    assert (first.exit_code, first.output.splitlines()[-1]) == (0, "2 decided; 2 are left for you.")
    assert "question of a" in first.output
    assert "answer of b" in first.output
    second = run("review", folder, "--by", "Ada", keys="sc\nbetter\n\nanswer\n.\n")
    assert second.output.splitlines()[-1] == "2 decided; nothing is left for you."
    said = {each.inference_id: (each.verdict, each.correction) for each in read(folder)}
    assert said == {
        "a": ("accept", None),
        "b": ("reject", None),
        "c": ("skip", None),
        "d": ("correct", "better\n\nanswer"),
    }
    assert all(each.seconds is not None for each in read(folder))


def test_what_strangers_wrote_does_nothing_to_a_terminal(tmp_path: Path) -> None:
    hostile = item("a\x1b[1m", input_messages=HOSTILE, segment="s\x07", why=["w\x9b"])
    shown = run("review", batch(tmp_path, [hostile]), "--by", "Ada", keys="q").output
    assert r"\x1b]0;owned\x07\x1b[2J\u202eevil [red]" in shown
    assert all(each.isprintable() for each in shown.replace("\n", ""))


def test_several_answers_are_ranked_by_their_numbers(tmp_path: Path) -> None:
    folder = batch(tmp_path, [item("a", alternatives=[OTHER]), item("b")])
    shown = run("review", folder, "--by", "Ada", keys="k2\n2 2\n2 1\nkq").output
    assert "the other answer" in shown
    assert read(folder)[0].ranking == ["z#0", "a#0"]
    assert len(read(folder)) == 1  # b has one answer: k is no key there


def test_a_second_person_sees_neither_what_the_first_said_nor_the_label(tmp_path: Path) -> None:
    folder = batch(tmp_path, [labelled("a", "good")], double_review_share=1.0, verdicts={"quality=good": "accept"})
    run("decide", folder, "a", "--verdict", "correct", "--correction", "mine", "--by", "Ada", "--note", "spoiler")
    shown = run("review", folder, "--by", "Ben", keys="q").output
    assert "question of a" in shown
    assert not [word for word in ("mine", "spoiler", "Ada", "correct:", "quality") if word in shown]
    assert "Nobody disagrees" in run("conflicts", folder).output


def test_a_label_is_shown_where_it_is_not_being_checked(tmp_path: Path) -> None:
    shown = run("review", batch(tmp_path, [labelled("a", "good")]), "--by", "Ada", keys="q").output
    assert "labelled quality=good (judge)" in shown


def test_a_conflict_is_settled_by_a_third_and_signed_by_whom_it_takes(tmp_path: Path) -> None:
    folder = batch(tmp_path, [item("a")], double_review_share=1.0, sensitive_reasons=("control",))
    assert run("decide", folder, "a", "--verdict", "accept", "--by", "Ada").output == (
        "a is open still: it needs another person. 1 of 1 are open.\n"
    )
    assert "a is in conflict" in run("decide", folder, "a", "--verdict", "reject", "--by", "Ben").output
    assert "1 conflicts." in run("conflicts", folder).output
    refused = run("sign", folder, "--by", "Cleo", "--role", "curator")
    assert refused.exit_code == 2
    assert "1 of 1 items are open, 1 of them in conflict" in refused.output
    assert "a third person adjudicates" in run("adjudicate", folder, "a", "--verdict", "accept", "--by", "ben").output
    assert "a is decided" in run("adjudicate", folder, "a", "--verdict", "accept", "--by", "Cleo").output
    assert resolved(folder)["a"].adjudicated_by == "Cleo"
    assert "a second person has to sign" in run("sign", folder, "--by", "Cleo", "--role", "curator").output
    assert "is signed off" in run("sign", folder, "--by", "Dan", "--role", "lead").output
    assert state(folder) is State.SIGNED_OFF
    log = run("audit", folder).output
    assert [step for step in ("decided", "adjudicated", "signed_off", "The chain is whole.") if step not in log] == []


@pytest.mark.parametrize(
    ("arguments", "cure"),
    [
        (("decide", "a", "--verdict", "correct", "--by", "Ada"), "a correction goes with the verdict `correct`"),
        (("decide", "b", "--verdict", "accept", "--by", "Ada"), "b is no item of 2026-W46"),
        (("adjudicate", "a", "--verdict", "accept", "--by", "Ada"), "Nobody disagrees about a"),
        (("sign", "--by", "Ada", "--role", "curator"), "1 of 1 items are open"),
    ],
)
def test_a_refusal_is_one_line_that_names_the_cure(tmp_path: Path, arguments: tuple[str, ...], cure: str) -> None:
    folder = batch(tmp_path, [item("a")])
    refused = run(arguments[0], folder, *arguments[1:])
    assert (refused.exit_code, cure in refused.output) == (2, True)
    assert "Traceback" not in refused.output


def test_a_refusal_quotes_strangers_harmlessly(tmp_path: Path) -> None:
    refused = run("decide", batch(tmp_path, [item("a")]), "\x1b[2J", "--verdict", "accept", "--by", "Ada")
    assert r"\x1b[2J is no item of 2026-W46" in refused.output


def test_status_shows_every_batch_and_what_comes_next(tmp_path: Path) -> None:
    folder = batch(tmp_path, [labelled("a", "good"), item("b")], verdicts={"quality=good": "accept"})
    steps: list[tuple[tuple[str | Path, ...], str]] = [
        (("decide", folder, "a", "--verdict", "accept", "--by", "Ada"), "decide: sluice batch review"),
        (("decide", folder, "b", "--verdict", "accept", "--by", "Ada"), "sign: sluice batch sign"),
        (("sign", folder, "--by", "Cleo", "--role", "curator"), "release it: sluice release cut"),
        (("decide", folder, "b", "--verdict", "reject", "--by", "Ada"), "What Cleo signed is void"),
        (("reject", folder, "--by", "Cleo", "--why", "wrong week"), "nothing: it was rejected"),
    ]
    for command, comes_next in steps:
        assert run(*command).exit_code == 0
        assert comes_next in run("status", SLUICE_BATCHES=str(tmp_path)).output
    details = run("status", folder).output
    assert "1 of 1" in details  # accepted of what the judge called good
    assert survey(folder).open == []


def test_verifying_looks_at_what_people_said_too(tmp_path: Path) -> None:
    folder = batch(tmp_path, [item("a")])
    run("decide", folder, "a", "--verdict", "accept", "--by", "Ada")
    assert "Its log is whole, 1 steps, and so are 1 decisions." in run("verify", folder).output
    said = folder / "review" / "decisions.jsonl"
    said.write_bytes(said.read_bytes().replace(b"accept", b"reject"))
    refused = run("verify", folder)
    assert (refused.exit_code, "decisions.jsonl is not what the audit log says" in refused.output) == (2, True)


def test_status_names_a_broken_batch_and_hides_no_other(tmp_path: Path) -> None:
    broken = batch(tmp_path, [item("a")])
    run("decide", broken, "a", "--verdict", "accept", "--by", "Ada")
    log = broken / "review" / "audit.jsonl"
    log.write_bytes(log.read_bytes().replace(b"Ada", b"Eve").replace(b"}\n", b"} \n"))
    broken.rename(tmp_path / "broken")
    batch(tmp_path, [item("a")])
    shown = run("status", SLUICE_BATCHES=str(tmp_path)).output
    assert "audit.jsonl, line 1" in shown
    assert "2026-W46" in shown
