"""A release that holds what was erased is never passed over: it is left, and said, until it is gone."""

import shutil
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
from clickhouse_connect.driver.client import Client

from sinks.review.erasure.erase import erase
from sinks.review.erasure.marks import Marks
from sinks.review.erasure.receipt import Receipt
from sinks.review.erasure.releases import Releases
from sinks.review.erasure.subject import Subject
from sinks.review.erasure.work import Work
from tests.sinks.review.erasure.planted import MARKED, subject
from tests.sinks.review.erasure.test_erase import NOBODY
from tests.sinks.review.planting import hour, inference, plant, request


def test_a_version_with_her_words_is_left_until_it_is_gone(client: Client, tmp_path: Path) -> None:
    plant(client, [*inference("m1", hour(1)), request("m1", hour(1), user_id=MARKED), *inference("o1", hour(2))])
    releases = tmp_path / "releases"
    for version, name in (("1", "o1"), ("2", "m1"), ("3", "m1")):
        (releases / version).mkdir(parents=True)
        (releases / version / "manifest.json").write_text("{}")
        if version == "3":
            pq.write_table(pa.table({"inference_id": [name]}), releases / version / "sft.parquet")
        else:
            (releases / version / "lineage.jsonl").write_text(f'{{"inference_id": "{name}"}}\n')

    def erased(who: Subject) -> Receipt:
        def elsewhere(work: Work) -> list[Releases]:
            return [Releases(releases, Marks(work))]

        return erase(client, who, tmp_path / "batches", elsewhere=elsewhere, unreached=[])

    first = erased(subject(inferences=()))
    assert first.places["releases (versions)"] == {"found": 2, "left": 2}
    assert first.left == 2
    assert erased(NOBODY).left == 2, "the list of work is kept: nobody has to name her again"
    for version in ("2", "3"):
        shutil.rmtree(releases / version)
    assert erased(NOBODY).left == 0
