"""What models of tables are given and predict: rows, objects and tensors become features, numbers and classes."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from streams.measure.tabular import FEATURES, Features, prediction


def tensor(name: str, data: Any, shape: list[int], datatype: str = "FP32") -> dict[str, Any]:
    return {"name": name, "shape": shape, "datatype": datatype, "data": data}


@pytest.mark.parametrize(
    ("given_", "features"),
    [
        ([[6.8, 2, "red"]], {"feature.0": 6.8, "feature.1": 2.0, "feature.2": "red"}),
        ([[1, 2], [3, 4]], {"feature.0": 2.0, "feature.1": 3.0}),
        (
            [{"age": 40, "plan": "yearly", "new": True}],
            {"feature.age": 40.0, "feature.plan": "yearly", "feature.new": 1.0},
        ),
        ([{"age": 40}, {"age": None}, {"age": 50}], {"feature.age": 45.0}),
        ([3, 5], {"feature.0": 4.0}),
        (
            [tensor("age", [40, 50], [2]), tensor("plan", ["a", "b"], [2, 1], "BYTES")],
            {"feature.age": 45.0, "feature.plan": "a"},
        ),
        ([tensor("x", [1, 2, 3, 4], [2, 2])], {"feature.x.0": 2.0, "feature.x.1": 3.0}),
        ([tensor("x", [[1, 2], [3, 4]], [2, 2])], {"feature.x.0": 2.0, "feature.x.1": 3.0}),
        ([{"age": float("nan"), "huge": 10**400}], {}),
        ([[[1, 2], [3, 4]]], {}),  # an image
        ([], {}),
        ([None], {}),
        ("text", {}),
        ({"a": 1}, {}),
        ([tensor("x", [], [0])], {}),
        ([{"name": "Ann", "data": 3}], {}),
    ],
)
def test_features_have_their_names_or_their_places(given_: Any, features: dict[str, Any]) -> None:
    assert Features().read("s", given_) == features


def test_the_first_names_of_a_segment_are_known_and_no_others() -> None:
    features = Features()
    first = features.read("s", [{f"f{n}": n for n in range(FEATURES + 4)}])
    assert list(first) == [f"feature.f{n}" for n in range(FEATURES)]
    assert features.read("s", [{"new": 1, "f3": 7}]) == {"feature.f3": 7.0}
    assert features.read("another", [{"new": 1}]) == {"feature.new": 1.0}
    assert features.read("another", [{"n" * 65: 1}]) == {}, "no name is that long"


@pytest.mark.parametrize(
    ("output", "number", "named"),
    [
        ([0.25], 0.25, None),
        ([0.25, 0.75], 0.5, None),
        ([[0.25]], 0.25, None),
        ([[0.1, 0.7, 0.2], [0.9, 0.1, 0.0]], None, "1"),
        ([2], 2.0, "2"),
        ([True], 1.0, "1"),
        ([1234], 1234.0, None),
        (["spam", "ham"], None, "spam"),
        ([{"label": "cat", "score": 0.9}], None, "cat"),
        ([{"prediction": 3.5}, {"prediction": 4.5}], 4.0, None),
        ([tensor("predict", [3.5, 4.5], [2, 1])], 4.0, None),
        ([tensor("predict", [1], [1], "INT64"), tensor("predict_proba", [0.1, 0.9], [1, 2])], 1.0, "1"),
        ([tensor("probabilities", [0.1, 0.2, 0.7], [1, 3])], None, "2"),
        ([tensor("label", ["spam"], [1], "BYTES")], None, "spam"),
        ([[["deep"]]], None, "deep"),
        ([[0.1, None]], None, None),
        ([], None, None),
        (None, None, None),
        ({"score": 1}, None, None),
        ("spam", None, None),
        ([float("inf")], None, None),
    ],
)
def test_predictions(output: Any, number: float | None, named: str | None) -> None:
    assert prediction(output) == (number, named)


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=3),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["name", "data", "shape", "label", "x"]), inner, max_size=4)
    ),
    max_leaves=12,
)


@given(JSON)
def test_whatever_comes_is_read_without_a_fault(anything: Any) -> None:
    number, named = prediction(anything)
    assert number is None or abs(number) < float("inf")
    assert named is None or isinstance(named, str)
    assert all(isinstance(said, float | str) for said in Features().read("s", anything).values())
