"""Blocks cut into batches of one size: nothing lost, nothing twice, whatever the blocks' sizes."""

from itertools import pairwise

import numpy as np
import pytest

from sparrow.training.batches import Batch, batched


def block(start: int, stop: int) -> Batch:
    """Rows numbered start..stop: an id, a history of 3 and a label each."""
    numbers = np.arange(start, stop)
    histories = numbers[:, None] * 10 + np.arange(3)
    return Batch(
        {"id": numbers, "history": histories},
        {"choice": numbers.astype(np.float32)[:, None]},
        {"choice": np.ones(len(numbers), np.float32)},
    )


def blocks(sizes: list[int]) -> list[Batch]:
    ends = np.cumsum([0, *sizes]).tolist()
    return [block(start, stop) for start, stop in pairwise(ends)]


@pytest.mark.parametrize("sizes", [[7], [1] * 9, [3, 0, 4, 11], [8, 8], [2, 30, 1]])
@pytest.mark.parametrize("size", [1, 4, 8])
def test_rows_keep_their_order_and_batches_their_size(sizes: list[int], size: int) -> None:
    batches = list(batched(blocks(sizes), size, keep_rest=True))
    assert np.array_equal(np.concatenate([batch.inputs["id"] for batch in batches]), np.arange(sum(sizes)))
    assert {batch.rows for batch in batches[:-1]} <= {size}
    assert batches[-1].rows == (sum(sizes) % size or size)
    for batch in batches:
        assert np.array_equal(batch.inputs["history"][:, 0], 10 * batch.inputs["id"])
        assert np.array_equal(batch.labels["choice"][:, 0], batch.inputs["id"])
        assert batch.labels["choice"].shape == (batch.rows, 1)
        assert batch.weights["choice"].shape == (batch.rows,)


def test_what_is_left_over_is_dropped_unless_it_is_all() -> None:
    assert [batch.rows for batch in batched(blocks([3, 7]), 4)] == [4, 4]
    assert [batch.rows for batch in batched(blocks([1, 2]), 4)] == [3]
    assert list(batched([], 4)) == []


def test_blocks_are_not_asked_for_before_they_are_needed() -> None:
    asked: list[int] = []

    def endless():
        for number in range(1_000):
            asked.append(number)
            yield block(10 * number, 10 * number + 10)

    batches = batched(endless(), 25)
    next(batches)
    assert len(asked) == 3


def test_rows_are_taken_in_the_order_chosen() -> None:
    taken = block(0, 5).take(np.array([4, 0]))
    assert taken.inputs["id"].tolist() == [4, 0]
    assert taken.inputs["history"].tolist() == [[40, 41, 42], [0, 1, 2]]
