"""The bookkeeping of a partition: what may be committed never passes what is not acknowledged, whatever happens."""

from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from streams.batch_progress import Delivery, PartitionProgress


class Acknowledgements(RuleBasedStateMachine):
    """Deliveries of any length, acknowledged in any order, taken back and forgotten at any time."""

    def __init__(self) -> None:
        super().__init__()
        self.progress = PartitionProgress(10)
        self.deliveries: list[Delivery] = []
        self.confirmed: set[int] = set()  # offsets that an agent confirmed since they went out last

    @rule(length=st.integers(1, 5))
    def hand_out(self, length: int) -> None:
        self.progress.astray = False
        self.deliveries.append(self.progress.hand_out(self.progress.expected + length - 1, size=length))

    @precondition(lambda self: self.deliveries)
    @rule(data=st.data())
    def acknowledge(self, data: st.DataObject) -> None:
        delivery = data.draw(st.sampled_from(self.deliveries))
        held = delivery in self.progress.window
        assert self.progress.acknowledge(delivery) == held
        if held:
            self.confirmed |= set(range(delivery.first_offset, delivery.next_offset))

    @precondition(lambda self: self.deliveries)
    @rule(data=st.data())
    def take_back(self, data: st.DataObject) -> None:
        delivery = data.draw(st.sampled_from(self.deliveries))
        held = delivery in self.progress.window
        self.progress.take_back(delivery)
        assert self.progress.astray or not held
        if held:
            assert self.progress.expected == delivery.first_offset
            self._forget()

    @rule()
    def rewind(self) -> None:
        self.progress.rewind()
        assert self.progress.expected == self.progress.acked_to
        self._forget()

    @rule()
    def rebalance(self) -> None:
        self.progress = PartitionProgress(self.progress.acked_to)
        self._forget()

    def _forget(self) -> None:
        self.confirmed = {offset for offset in self.confirmed if offset < self.progress.expected}

    @invariant()
    def what_may_be_committed_is_confirmed(self) -> None:
        assert set(range(10, self.progress.acked_to)) <= self.confirmed

    @invariant()
    def the_window_joins_from_there_to_what_is_expected(self) -> None:
        edges = [self.progress.acked_to]
        for delivery in self.progress.window:
            assert delivery.first_offset == edges[-1]
            edges.append(delivery.next_offset)
        assert edges[-1] == self.progress.expected
        assert not self.progress.window or not self.progress.window[0].acked


TestAcknowledgements = Acknowledgements.TestCase


def test_what_is_acknowledged_late_or_twice_counts_nothing() -> None:
    progress = PartitionProgress(0)
    first, second = progress.hand_out(9, size=1), progress.hand_out(19, size=1)
    progress.take_back(second)
    again = progress.hand_out(14, size=1)
    assert not progress.acknowledge(second)
    assert progress.acknowledge(first)
    assert not progress.acknowledge(first)
    assert progress.acked_to == 10
    assert progress.acknowledge(again)
    assert progress.acked_to == 15


def test_only_a_jump_that_repeats_at_once_is_believed() -> None:
    progress = PartitionProgress(0)
    assert not progress.believe(5)
    assert progress.astray
    assert progress.believe(5)
    assert not progress.believe(5), "what was proved holds for one fetch"
    assert progress.believe(0)
    assert not progress.believe(5), "the fetch in between may have got lost"
    progress.rewind()
    assert not progress.believe(5), "a fetch from before the rewind proves nothing"
