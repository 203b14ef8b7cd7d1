"""Erasure, on one page: what a subject leads to is listed, erased place by place, and looked for once more."""

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path

from clickhouse_connect.driver.client import Client

from sinks.review.erasure.batches import Batches
from sinks.review.erasure.decided import Decisions
from sinks.review.erasure.letters import DeadLetters
from sinks.review.erasure.marks import Marks
from sinks.review.erasure.place import Place
from sinks.review.erasure.receipt import Receipt, append, verified
from sinks.review.erasure.releases import Releases
from sinks.review.erasure.review_files import Exports, KeptLabels
from sinks.review.erasure.subject import Subject
from sinks.review.erasure.tables import KEYS, RowsOf, tables
from sinks.review.erasure.work import Work
from sinks.review.folder import workshop
from sinks.review.windows import iso

Elsewhere = Callable[[Work], Sequence[Place]]  # places that lie outside of ClickHouse and of the folders


def erase(
    client: Client,
    subject: Subject,
    out: Path,
    releases: Path,
    *,
    elsewhere: Elsewhere,
    unreached: Sequence[str],
) -> Receipt:
    """Erase a subject from every place, and return the receipt, which is written to the log.

    It may be run again at any time: what is gone is found nowhere, a run that was killed is taken up where it stood,
    and what came late of anything erased before goes too. The worker may run meanwhile.

    Args:
        client: a connection whose database is migrated, and that waits for as long as a mutation takes.
        subject: whom or what, and by whose word.
        out: the folder of batches.
        releases: the folder of releases.
        elsewhere: further places.
        unreached: sentences about what cannot be reached.

    Raises:
        CutUnderWay: a cut or another erasure is at it.
        BrokenLog: the log of erasures was changed.
    """
    _clear(releases)
    with workshop(out, "erasing") as own:
        _clear_of(out, own)
        verified(out)
        work = Work(client, subject)
        work.take()
        work.remember()
        # Before anything that may fail: from here on nothing opens that was sealed for the user, in no backup either.
        keys = RowsOf(work, KEYS)
        found = {keys.name: keys.count()}
        keys.erase()
        _list_items(work, out)
        work.remember()
        places = _places(work, out, releases, elsewhere)
        found |= {place.name: place.count() for place in places}
        inferences, sent_on = work.count("inference"), _sent_on(work, out, releases)
        for place in places:
            place.erase()
        left = {place.name: place.count() for place in (keys, *places)}
        told = [*sent_on, *Batches(out, Marks(work)).mentioned(), *unreached]
        receipt = _receipt(subject, inferences, found, left, told)
        append(out, receipt)
        if not receipt.left:
            work.done()
    return receipt


def look(client: Client, subject: Subject, out: Path, releases: Path, *, elsewhere: Elsewhere) -> Receipt:
    """Return what an erasure would find, of the subject and of all that was erased before, and change nothing."""
    with workshop(out, "erasing"), Work.looking(client, subject) as work:
        work.take()
        _list_items(work, out)
        places = [RowsOf(work, KEYS), *_places(work, out, releases, elsewhere)]
        found = {place.name: place.count() for place in places}
        inferences, sent_on = work.count("inference"), _sent_on(work, out, releases)
    return _receipt(subject, inferences, found, found, sent_on)


def _clear(releases: Path) -> None:
    """As `_clear_of`, where there are releases. Raises CutUnderWay while one is written, of what may be to go."""
    if releases.is_dir():
        with workshop(releases, "erasing") as own:
            _clear_of(releases, own)


def _clear_of(folder: Path, own: Path) -> None:
    """Remove what was killed while it was written: nobody is at it, and none of it is gone on with."""
    for left in folder.glob(".*.partial"):
        if left != own:
            shutil.rmtree(left)


def _list_items(work: Work, out: Path) -> None:
    """List the items that the subject leads to, also those whose rows are long gone."""
    work.add(("inference", name) for name in sorted(Batches(out, Marks(work)).names() - {*work.names("inference")}))


def _sent_on(work: Work, out: Path, releases: Path) -> list[str]:
    """Say who was given what is to go: exports and pushes of batches, and releases."""
    batches = Batches(out, Marks(work))
    return [*batches.sent_on(), *Releases(releases, Marks(work), batches.touched()).sent_on()]


def _places(work: Work, out: Path, releases: Path, elsewhere: Elsewhere) -> list[Place]:
    """Return all places but the keys, in the order in which they are erased: the rows last, which lead to the rest."""
    marks = Marks(work)
    batches = Batches(out, marks)
    files: list[Place] = [Releases(releases, marks, batches.touched()), Exports(out, marks), Decisions(out, marks)]
    files += [KeptLabels(out, marks), batches]
    inferences, aliases = work.names("inference"), [name.partition(":")[2] for name in work.names("alias")]
    people = [*work.subject.raw_users, *work.names("user")]
    letters = DeadLetters(work.client, sorted({*inferences, *aliases, *people}))
    return [*elsewhere(work), *files, letters, *(RowsOf(work, table) for table in tables(work.client))]


def _receipt(
    subject: Subject,
    inferences: int,
    found: dict[str, int],
    left: dict[str, int],
    unreached: Sequence[str],
) -> Receipt:
    return Receipt(
        at=iso(subject.at),
        by=subject.by,
        users=[subject.hash(name) for name in subject.users],
        inferences=[subject.hash(name) for name in subject.inferences],
        inferences_found=inferences,
        places={name: {"found": found[name], "left": left[name]} for name in found},
        elsewhere=list(unreached),
    )
