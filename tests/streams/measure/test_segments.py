"""Responses and requests are named by segment, and placed by partition and position."""

from streams.measure import ITEMS, OTHER, Segments, position_of, segment_name, source_of
from tests.streams.measure.made import request, response

NAMES = {
    "service.name": "chat",
    "http.route": "/v1",
    "gen_ai.request.model": "small",
    "deployment.environment.name": "production",
}


def test_a_segment_is_service_route_asked_model_and_environment() -> None:
    answered = NAMES | {"gen_ai.response.model": "small-2025"}
    assert Segments(10).name(response(**answered)) == "chat|/v1|small|production"
    assert Segments(10).name(response(**answered | {"gen_ai.request.model": None})) == "chat|/v1|small-2025|production"
    assert Segments(10).name(response()) == "-|-|-|-" == segment_name("", None, "", None)


def test_a_request_is_of_its_answers_segment() -> None:
    segments = Segments(10)
    assert segments.name(request(**NAMES)) == segments.name(response(**NAMES))


def test_segments_beyond_the_limit_are_one_and_those_within_keep_their_names() -> None:
    segments = Segments(2)
    services = ["a", "b", "c", "a", "d", "b"]
    names = [segments.name(response(**{"service.name": service})) for service in services]
    assert names == ["a|-|-|-", "b|-|-|-", OTHER, "a|-|-|-", OTHER, "b|-|-|-"]


def test_partitions_of_different_topics_are_different_sources() -> None:
    numbers = {source_of(topic, partition) for topic in ("a", "b", "eu.a") for partition in (0, 1, 1023)}
    assert len(numbers) == 9
    assert all(0 <= number < 2**63 for number in numbers)
    assert source_of("inference.responses", 3) == 1874531534956331011, "it is the same in every worker and for ever"


def test_positions_rise_with_the_offset_and_within_a_record() -> None:
    places = [(0, 0), (0, 1), (0, ITEMS + 5), (1, 0), (2**42, 3)]
    assert sorted(position_of(*place) for place in places) == [position_of(*place) for place in places]
