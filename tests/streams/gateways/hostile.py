"""JSON that a format's own words appear in everywhere but where they belong."""

from typing import Any

from hypothesis import strategies as st


def misplaced(*words: str) -> st.SearchStrategy[Any]:
    """Make values of any JSON type, NaN, huge numbers and lone surrogates too, whose objects have these keys."""
    plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=9) | st.sampled_from(words)
    return st.recursive(
        plain,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(words), inner, max_size=5),
        max_leaves=12,
    )
