"""Topics become questions and answers, put together from words and patterns so that no two need be alike."""

from dataclasses import dataclass

from streams.traffic.chance import chance
from streams.traffic.fleet import CODE
from streams.traffic.patterns import PATTERNS, Patterns
from streams.traffic.words import WORDS, Words

SENTENCES = 240  # composed once for each topic and language; an answer picks among them without repeating itself
SNIPPETS = (
    "```python\ndef {name}(rows):\n    return [row for row in rows if row[{number}] is not None]\n```",
    "```python\nwith open(path) as lines:\n    {name} = sum(len(line) > {number} for line in lines)\n```",
    "```sql\nSELECT {name}, count(*) FROM events\nWHERE day >= today() - {number}\nGROUP BY {name}\n```",
    '```shell\nfor host in a b c; do\n  curl --max-time {number} "http://$host/{name}"\ndone\n```',
    "```python\n{name} = {{key: value for key, value in pairs if value > {number}}}\n```",
)
NAMES = ("total", "region", "retries", "status", "latency", "owner", "queue", "batch", "pending")


@dataclass(slots=True)
class _Pool:
    words: Words
    patterns: Patterns
    sentences: list[str]
    mean_chars: float
    snippets: list[str]


class Texts:
    """Composes questions and answers; the same seed and calls give the same texts."""

    def __init__(self, seed: int, purpose: str) -> None:
        self._random = chance(seed, purpose)
        self._pools = {
            (language, topic): self._pool(language, topic)
            for topic, languages in WORDS.items()
            for language in languages
        }

    def system(self, language: str) -> str:
        return PATTERNS[language].system

    def tokens(self, language: str, chars: int) -> int:
        """Return about how many tokens a tokenizer would make of so many characters."""
        return max(1, round(chars / PATTERNS[language].chars_per_token))

    def question(self, language: str, topic: str, *, follow_up: bool, context_tokens: float) -> str:
        """Compose a question, after as much text for it to be about as `context_tokens` asks for."""
        pool = self._pools[language, topic]
        asked = self._fill(pool.patterns.follow_ups if follow_up else pool.patterns.questions, pool)
        if not context_tokens:
            return asked
        return f"{self._prose(pool, context_tokens * pool.patterns.chars_per_token)}\n\n{asked}"

    def answer(self, language: str, topic: str, tokens: int, *, listed: bool) -> str:
        """Compose an answer of about that many tokens, whole sentences only."""
        pool = self._pools[language, topic]
        chars = tokens * pool.patterns.chars_per_token
        if chars < 2 * pool.mean_chars:
            return self.sentence(language, topic)
        if listed:
            return "\n".join(f"{n}. {said}" for n, said in enumerate(self._pick(pool, chars), 1))
        opener = self._fill(pool.patterns.openers, pool) + pool.patterns.space
        snippet = ""
        if pool.snippets and chars > 400 and self._random.random() < 0.5:
            snippet = "\n\n" + self._random.choice(pool.snippets)
        return opener + self._prose(pool, chars - len(opener) - len(snippet)) + snippet

    def refusal(self, language: str, topic: str) -> str:
        pool = self._pools[language, topic]
        return self._fill(pool.patterns.refusals, pool)

    def sentence(self, language: str, topic: str) -> str:
        return self._random.choice(self._pools[language, topic].sentences)

    def _pool(self, language: str, topic: str) -> _Pool:
        pool = _Pool(WORDS[topic][language], PATTERNS[language], [], 0.0, [])
        pool.sentences = [self._fill(pool.patterns.sentences, pool) for _ in range(SENTENCES)]
        pool.mean_chars = sum(map(len, pool.sentences)) / SENTENCES + len(pool.patterns.space)
        if topic in CODE:
            pool.snippets = [
                snippet.format(name=name, number=self._random.randrange(1, 90))
                for snippet in SNIPPETS
                for name in NAMES
            ]
        return pool

    def _fill(self, patterns: tuple[str, ...], pool: _Pool) -> str:
        pick, words = self._random.choice, pool.words
        thing, other = self._random.sample(words.things, 2)
        filled = pick(patterns).format(
            thing=thing,
            other=other,
            verb=pick(words.verbs),
            step=pick(words.steps),
            cause=pick(words.causes),
            time=pick(pool.patterns.times),
            who=pick(pool.patterns.people),
        )
        return filled if filled[0].isupper() else filled[0].upper() + filled[1:]

    def _pick(self, pool: _Pool, chars: float) -> list[str]:
        count = max(1, round(chars / pool.mean_chars))
        if count > SENTENCES:
            return self._random.choices(pool.sentences, k=count)
        return self._random.sample(pool.sentences, count)

    def _prose(self, pool: _Pool, chars: float) -> str:
        sentences = self._pick(pool, chars)
        space = pool.patterns.space
        return "\n\n".join(space.join(sentences[start : start + 6]) for start in range(0, len(sentences), 6))
