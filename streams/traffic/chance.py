"""A seed and a purpose become a source of random numbers of its own, so that one purpose never disturbs another."""

from random import Random


def chance(seed: int, purpose: str) -> Random:
    return Random(f"{seed} {purpose}")  # noqa: S311  # reproducible, not secret
