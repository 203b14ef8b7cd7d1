"""What people ask about: topics that no week knew before, and rare ones that come back week after week."""

from hashlib import blake2b

from sinks.review.candidates import Candidate, Draw, Reason
from sinks.review.corpus import Corpus, corpus
from sinks.review.policy import Policy
from sinks.review.snapshot import Snapshot
from sinks.review.topics import Topic, discovered, in_turn, recurring


def topical(snapshot: Snapshot, policy: Policy, more: int) -> dict[Reason, list[Candidate]]:
    """Name candidates of both reasons, `more` for each item of a quota; the questions are read once for both.

    Within a topic they are drawn uniformly, from the sample.
    """
    quotas = policy.quotas
    if not quotas.discovery and not quotas.recurring_topic:
        return {}
    read, least = corpus(snapshot, policy), policy.discovery.least
    every = max(1.0, snapshot.funnel.eligible / policy.discovery.sample)  # of so many one is in the sample
    before = f"the {policy.discovery.reference_weeks} weeks before"
    found: dict[Reason, list[Candidate]] = {}
    if quotas.discovery:
        new = [_shuffled(topic, policy.seed) for topic in discovered(read, least)]
        found[Reason.DISCOVERY] = [
            _candidate(topic, name, read, f"asked about now, hardly in {before}", every)
            for topic, name in in_turn(new, quotas.discovery * more)
        ]
    if quotas.recurring_topic:
        back = [_shuffled(topic, policy.seed) for topic in recurring(read, least)]
        found[Reason.RECURRING_TOPIC] = [
            _candidate(topic, name, read, f"rare, and asked about in {before} too", every)
            for topic, name in in_turn(back, quotas.recurring_topic * more)
        ]
    return found


def _candidate(topic: Topic, name: str, read: Corpus, how: str, every: float) -> Candidate:
    share = len(topic.inferences) / read.questions
    draw = Draw(topic.inferences.index(name) + 1, len(topic.inferences) * every, topic.name)
    return Candidate(name, f"{topic.name}: {how}; {100 * share:.2g}% of the questions.", draw, topic=topic.name)


def _shuffled(topic: Topic, seed: int) -> Topic:
    """Put a topic's inferences into the order of a keyed hash."""
    key = seed.to_bytes(8, "big")
    order = sorted(topic.inferences, key=lambda name: blake2b(name.encode(), digest_size=16, key=key).digest())
    return Topic(topic.words, tuple(order))
