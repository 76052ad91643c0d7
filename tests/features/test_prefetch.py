"""The thread that makes the next batches: in order, bounded, ended when nobody reads, and never silent about an error."""

import threading
from collections.abc import Iterator

import pytest

from sparrow.features.prefetch import mapped, prefetched


def threads() -> int:
    return sum(thread.name == "prefetch" for thread in threading.enumerate())


def test_items_come_in_order() -> None:
    with prefetched(range(1_000), depth=3) as items:
        assert list(items) == list(range(1_000))
    assert threads() == 0


def test_it_never_makes_more_than_its_depth_ahead() -> None:
    made, read = 0, 0
    is_ahead = threading.Event()

    def count() -> Iterator[int]:
        nonlocal made
        for number in range(50):
            made += 1
            # One is in the maker's hands and one in the reader's, besides those in the queue.
            if made - read > 4 + 2:
                is_ahead.set()
            yield number

    with prefetched(count(), depth=4) as items:
        for _ in items:
            read += 1
    assert (made, read) == (50, 50)
    assert not is_ahead.is_set()


def test_an_error_surfaces_where_its_item_would_have_come() -> None:
    def broken() -> Iterator[int]:
        yield 1
        yield 2
        raise OSError("disk gone")

    read = []
    with pytest.raises(OSError, match="disk gone"), prefetched(broken(), depth=1) as items:
        for item in items:
            read.append(item)
    assert read == [1, 2]
    assert threads() == 0


def test_leaving_early_ends_the_thread_and_closes_the_maker() -> None:
    closed = threading.Event()

    def endless() -> Iterator[int]:
        try:
            while True:
                yield 1
        finally:
            closed.set()

    maker = endless()
    with prefetched(maker, depth=2) as items:
        assert next(items) == 1
    assert threads() == 0
    maker.close()
    assert closed.is_set()


def test_an_error_in_the_body_is_not_hidden_and_ends_the_thread() -> None:
    with pytest.raises(ValueError, match="mine"), prefetched(iter(int, 1), depth=2):
        raise ValueError("mine")
    assert threads() == 0


def test_mapping_on_threads_keeps_the_order_and_runs_few_ahead() -> None:
    taken: list[int] = []

    def numbers() -> Iterator[int]:
        for number in range(100):
            taken.append(number)
            yield number

    ahead = []
    for place, result in enumerate(mapped(lambda number: -number, numbers(), threads=2)):
        assert result == -place
        ahead.append(len(taken) - place)
    assert len(ahead) == 100
    assert max(ahead) <= 4


def test_what_one_thread_raises_is_raised_in_its_place() -> None:
    results = mapped(lambda number: 1 // (number - 2), range(10), threads=2)
    assert [next(results), next(results)] == [-1, -1]
    with pytest.raises(ZeroDivisionError):
        next(results)
