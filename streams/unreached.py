"""What an erasure cannot reach is said, with how long it stays: Kafka's topics, and copies that others have made."""

from streams.settings import Settings
from streams.topics import ALL, WEEK, sources


def unreached(settings: Settings, *, own_ids: bool) -> list[str]:
    """Return sentences for a receipt. `own_ids`: whether a user was named by their own, as dead letters have them."""
    own = {settings.topic_prefix + topic.name: topic.retention for topic in ALL}
    kept = dict.fromkeys(sources(settings), WEEK) | own
    topics = ", ".join(f"{name} {kept[name].days} days" for name in sorted(kept))
    sealed = (
        "What was sealed for the users opens in no backup of the traffic: their keys are destroyed here. Let no older "
        "content_keys come back."
    )
    days = settings.keep_dead_letters_days
    letters = (
        "No user was named by their own id, by which dead letters have them: those that hold no more than that stay "
        + (f"for {days} days. " if days else "until they are deleted. ")
        + "Erase again with the own id."
    )
    return [
        *([] if own_ids else [letters]),
        *([sealed] if settings.content_key.get_secret_value() else []),
        f"Kafka deletes no single record. As Sluice makes the topics, records stay: {topics}. A topic that was made "
        "otherwise has its own retention.ms.",
        "Backups of ClickHouse, batches and releases are not reached: erase again after restoring one.",
        "ClickHouse deletes the parts that it has rewritten about 8 minutes later (old_parts_lifetime).",
    ]
