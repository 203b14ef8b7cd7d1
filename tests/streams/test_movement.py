"""A partition is behind by what is written and not confirmed, since when that is so, and may stand still or move."""

from streams.movement import Movement, Place, Standing

P, Q = ("t", 0), ("t", 1)


def test_without_lag_nothing_is_behind_however_long_it_stands() -> None:
    movement = Movement()
    for now in (0.0, 1000.0):
        assert movement.note({P: Place(5, 5)}, now) == {P: Standing(0, 0.0, 0.0)}


def test_what_has_work_and_does_not_move_stands_still_from_the_first_look_on_that_saw_it_so() -> None:
    movement = Movement()
    movement.note({P: Place(5, 5)}, 0)
    assert movement.note({P: Place(5, 9)}, 10)[P].still_s == 10, "since it was seen to have no work"
    assert movement.note({P: Place(5, 9)}, 40)[P].still_s == 40
    assert movement.note({P: Place(6, 9)}, 50)[P] == Standing(3, 50.0, 0.0), "it moved"
    assert movement.note({P: Place(6, 9)}, 55)[P].still_s == 5


def test_seconds_behind_are_counted_from_when_the_log_ended_where_it_is_confirmed_to() -> None:
    movement = Movement()
    for second in range(0, 100, 5):  # ten records a second, confirmed eight seconds later
        standing = movement.note({P: Place(max(0, (second - 8) * 10), second * 10)}, second)[P]
    assert 8 <= standing.behind_s <= 13
    assert standing.lag == 80
    assert standing.still_s == 0


def test_a_partition_that_was_elsewhere_meanwhile_begins_anew() -> None:
    movement = Movement()
    movement.note({P: Place(5, 9), Q: Place(0, 1)}, 0)
    movement.note({Q: Place(0, 1)}, 100)
    assert movement.note({P: Place(5, 9), Q: Place(0, 1)}, 200) == {
        P: Standing(4, 0.0, 0.0),
        Q: Standing(1, 200.0, 200.0),
    }
