"""A cut's items go by the policy's plugs; what these say of each comes back beside it.

What a service says today it may not say tomorrow, so labels are an input of a cut, as its rows are: each is kept in
`.prelabels` beside the batches, by plug, configuration and text. A window that lies there cut is cut again from what is
kept, without a question to anybody: here the bytes are the same. Elsewhere, or without a network, the same window gives
the same items unlabelled.
"""

import asyncio
import logging
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import aiohttp
from pydantic import Field

from sinks.review.prelabels.asking import Unanswered, ask
from sinks.review.prelabels.classifier import Classifier
from sinks.review.prelabels.judge import Judge
from sinks.review.prelabels.kept import Kept, fingerprint
from sinks.review.prelabels.moderation import Moderation
from sinks.review.prelabels.plug import Plug, Prelabel
from sinks.review.prelabels.texts import text_of

AnyPlug = Annotated[Moderation | Classifier | Judge, Field(discriminator="kind")]  # an entry of the policy's section
Item = Mapping[str, Any]
log = logging.getLogger("sluice.prelabels")


class Labeller:
    """Labels the items of one cut, a chunk at a time.

    Args:
        plugs: the policy's section `prelabels`.
        tokens: the value of each environment variable that a plug names.
        batches: the folder of batches.
        ask: whether to ask the services about what is not kept: not where the window lies there cut.
    """

    def __init__(self, plugs: Sequence[Plug], tokens: Mapping[str, str], batches: Path, *, ask: bool) -> None:
        self._turns = [_Turn(plug, tokens.get(plug.token or ""), Kept(batches, plug)) for plug in plugs]
        self._ask = ask

    def label(self, items: Sequence[Item]) -> list[list[dict[str, Any]]]:
        """Return for each item its labels, as `prelabels` of the schema has them, plug by plug.

        Whatever a service does, nothing is raised: what fails leaves the item without its labels.
        """
        by_plug = [turn.take(items, ask=self._ask) for turn in self._turns]
        return [[asdict(label) for labels in by_plug for label in labels[number]] for number in range(len(items))]

    @property
    def counts(self) -> dict[str, dict[str, int]]:
        """Of each plug, about how many items it was asked, now or before, how many it labelled and how many not."""
        return {
            turn.plug.name: {"asked": turn.asked, "labelled": turn.labelled, "failed": turn.asked - turn.labelled}
            for turn in self._turns
        }


class _Turn:
    """One plug during one cut: what it has said before, how long it may still take, and what came of it."""

    def __init__(self, plug: Plug, token: str | None, kept: Kept) -> None:
        self.plug, self.token, self.kept = plug, token, kept
        self.left_s = plug.deadline_s
        self.asked = self.labelled = 0

    def take(self, items: Sequence[Item], *, ask: bool) -> list[list[Prelabel]]:
        """Return the labels of each item, [] where there are none; one without content is not asked about."""
        texts = [text_of(item, self.plug.reads) for item in items]
        names = [fingerprint(item["inference_id"], text) for item, text in zip(items, texts, strict=True)]
        missing = [n for n, text in enumerate(texts) if text and self.kept.get(names[n]) is None]
        if ask and missing:
            began = time.monotonic()
            answers = asyncio.run(self._answers([texts[n] for n in missing], began + self.left_s))
            self.left_s -= time.monotonic() - began
            self._keep([(items[n]["inference_id"], names[n]) for n in missing], answers)
        labels = [self.kept.get(name) if text else None for name, text in zip(names, texts, strict=True)]
        self.asked += sum(map(bool, texts))
        self.labelled += sum(each is not None for each in labels)
        return [each or [] for each in labels]

    async def _answers(self, texts: Sequence[str], until: float) -> list[list[Prelabel] | Unanswered]:
        room = asyncio.Semaphore(self.plug.concurrency)
        async with aiohttp.ClientSession(auto_decompress=False, cookie_jar=aiohttp.DummyCookieJar()) as session:

            async def answer(text: str) -> list[Prelabel] | Unanswered:
                async with room:
                    try:
                        return await ask(session, self.plug, self.token, text, until)
                    except Unanswered as why:
                        return why

            return await asyncio.gather(*map(answer, texts))

    def _keep(self, asked: Sequence[tuple[str, str]], answers: Sequence[list[Prelabel] | Unanswered]) -> None:
        failed: Counter[str] = Counter()
        for (inference_id, name), answer in zip(asked, answers, strict=True):
            if isinstance(answer, Unanswered):
                failed[str(answer)] += 1
            else:
                self.kept.add(inference_id, name, answer)
        if failed:
            reasons = ", ".join(f"{count} of {reason}" for reason, count in failed.most_common())
            log.warning("%s left %d of %d items unlabelled: %s", self.plug.name, failed.total(), len(asked), reasons)
