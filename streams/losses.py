"""What was there when workers ran last, and is gone or torn when one starts: found, and said with its cure."""

from dataclasses import dataclass
from typing import Literal, get_args

from clickhouse_connect.driver.client import Client

from sinks import ledger
from sinks.review.torn import torn
from streams import kept_state, offsets, topics
from streams.offsets import Progress
from streams.settings import Settings

What = Literal["state", "ledger", "batch"]
LOSABLE: tuple[What, ...] = get_args(What)


@dataclass(frozen=True, slots=True)
class Loss:
    """Something lost: what of, and a sentence with the cure."""

    what: What
    words: str


async def losses(settings: Settings, client: Client) -> list[Loss]:
    """Look for the detectors' state, the account of what was read, and whole batches. Raises KafkaUnreachable."""
    read = await offsets.progress(settings)
    found = [Loss("batch", words) for words in torn(settings.batches)]
    if _watched(settings, read) and not await kept_state.any_kept(settings):
        found.append(Loss("state", STATE.format(topic=kept_state.changelog(settings))))
    gaps = [gap for account in ledger.read(client, read.committed) for gap in account.gaps]
    if gaps:
        found.append(Loss("ledger", LEDGER.format(count=sum(last - first + 1 for first, last in gaps))))
    return found


def _watched(settings: Settings, read: Progress) -> bool:
    """Whether measurements were watched before: their state is kept before that is committed."""
    name = settings.topic_prefix + topics.MEASUREMENTS.name
    return any(offset > 0 for (topic, _), offset in read.committed.items() if topic == name)


STATE = (
    "The detectors' state is gone: {topic} is empty, though measurements were watched before. Detectors learn anew, "
    "and find little until they know the week. To learn from what Kafka still has, up to a week: stop the workers, "
    "`sluice rewind measurements`, start them. Or `sluice restore` a backup."
)
LEDGER = (
    "{count:,} offsets are committed and not in the ledger: what they hold may be lost (`sluice ledger` names them). "
    "To read them again, as far as Kafka has them: stop the workers, `sluice rewind gaps`, start them."
)
