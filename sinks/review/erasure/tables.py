"""The tables of ClickHouse, each with what of it is listed to be erased: counted, and deleted where it lies."""

from dataclasses import dataclass

from clickhouse_connect.driver.client import Client

from sinks.review.erasure.work import Work

# A mutation writes the parts that hold such rows anew; a lightweight delete would only hide them. It is waited for, on
# all replicas. A replicated table takes a subquery only when told that it is the same everywhere, which the list is.
WAIT = {"mutations_sync": 2, "allow_nondeterministic_mutations": 1, "max_execution_time": 0}

_INFERENCES = "(SELECT name FROM erasing WHERE kind = 'inference')"
_FINDINGS = "(SELECT name FROM erasing WHERE kind = 'finding')"
_HOLDS = """
SELECT DISTINCT table FROM system.columns
INNER JOIN system.tables ON system.tables.database = system.columns.database AND system.tables.name = table
WHERE system.columns.database = {database:String} AND system.columns.name = 'inference_id'
  AND endsWith(engine, 'MergeTree')
ORDER BY table
"""
_APART = ("finding_events", "feedback_events", "inference_parts")


@dataclass(frozen=True)
class Table:
    """Rows of a table, and what becomes of them: DELETE, or UPDATE with what is left of them."""

    table: str
    where: str
    change: str = "DELETE"
    about: str = "rows"


@dataclass(frozen=True)
class RowsOf:
    """A table as a place to erase from. SQL is made of names of our own tables and columns, never of a value."""

    work: Work
    table: Table

    @property
    def name(self) -> str:
        return f"{self.table.table} ({self.table.about})"

    def count(self) -> int:
        sql = f"SELECT count() FROM `{self.table.table}` WHERE {self.table.where}"  # noqa: S608
        ((count,),) = self.work.client.query(self.work.sql(sql)).result_rows
        return int(count)

    def erase(self) -> None:
        """Change the rows, and return once no part holds them as they were."""
        sql = f"ALTER TABLE `{self.table.table}` {self.table.change} WHERE {self.table.where}"
        self.work.client.command(self.work.sql(sql), settings=WAIT)


_LISTED = f"each -> each IN {_INFERENCES}"
_LEFT = f"each -> each NOT IN {_INFERENCES}"
FINDINGS = [
    Table("finding_events", f"finding_id IN {_FINDINGS}", about="about the user"),
    Table("finding_acks", f"finding_id IN {_FINDINGS}", about="about the user"),
    Table(
        "finding_events",
        f"inference_id IN {_INFERENCES} OR arrayExists({_LISTED}, arrayConcat(examples_before, examples_after))",
        f"UPDATE inference_id = if(inference_id IN {_INFERENCES}, '', inference_id), "
        f"examples_before = arrayFilter({_LEFT}, examples_before), "
        f"examples_after = arrayFilter({_LEFT}, examples_after)",
        about="examples",
    ),
]
FEEDBACK = Table("feedback_events", "feedback_id IN (SELECT name FROM erasing WHERE kind = 'feedback')")
KEYS = Table("content_keys", "owner IN (SELECT name FROM erasing WHERE kind = 'user')", about="keys of users")
PARTS = Table("inference_parts", f"inference_id IN {_INFERENCES}")


def tables(client: Client) -> list[Table]:
    """Return what there is to erase from but keys, all else with a column `inference_id` included; inferences last."""
    holding = (name for (name,) in client.query(_HOLDS, {"database": client.database}).result_rows)
    others = [Table(name, f"inference_id IN {_INFERENCES}") for name in holding if name not in _APART]
    return [*FINDINGS, FEEDBACK, *others, PARTS]
