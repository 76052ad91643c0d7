"""The next items are made in a thread of their own while this one is used: reading, kernels, writing and training overlap.

`tf.data` does the same for training, slower (docs/training.md): every batch crosses from Python into a graph and back.
"""

import queue
import threading
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Final, TypeVar

S = TypeVar("S")
T = TypeVar("T")

DEPTH: Final = 16
"""Items made ahead; memory holds so many more of them."""

PATIENCE_S: Final = 0.1
"""How soon a full queue notices that nobody reads it any more."""


@dataclass(frozen=True, slots=True)
class _End:
    """The last thing in the queue; `error` is what stopped the maker, if anything did."""

    error: BaseException | None = None


def mapped(function: Callable[[S], T], items: Iterable[S], threads: int) -> Iterator[T]:
    """`map` on several threads, in order; holds at most `threads` items and as many results.

    Example:
        >>> list(mapped(abs, [-3, 1, -2], threads=2))
        [3, 1, 2]
    """
    with ThreadPoolExecutor(threads, thread_name_prefix="mapped") as pool:
        at_work: deque[Future[T]] = deque()
        for item in items:
            at_work.append(pool.submit(function, item))
            if len(at_work) > threads:
                yield at_work.popleft().result()
        while at_work:
            yield at_work.popleft().result()


@contextmanager
def prefetched(items: Iterable[T], depth: int = DEPTH) -> Iterator[Iterator[T]]:
    """Make items in a thread of their own, at most `depth` ahead of their use.

    What the maker raises is raised where its item would have come; leaving the body, by an error or early, ends the thread.

    Example:
        >>> with prefetched(iter("abc")) as letters:
        ...     list(letters)
        ['a', 'b', 'c']
    """
    ahead: queue.Queue[T | _End] = queue.Queue(depth)
    left = threading.Event()
    maker = threading.Thread(target=_make, args=(items, ahead, left), name="prefetch", daemon=True)
    maker.start()
    try:
        yield _taken(ahead)
    finally:
        left.set()
        maker.join()


def _make(items: Iterable[T], ahead: "queue.Queue[T | _End]", left: threading.Event) -> None:
    try:
        for item in items:
            if not _offer(item, ahead, left):
                return
        _offer(_End(), ahead, left)
    except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that waits for the item
        _offer(_End(error), ahead, left)


def _offer(item: T | _End, ahead: "queue.Queue[T | _End]", left: threading.Event) -> bool:
    """Wait for a free place; False when the reader has left."""
    while not left.is_set():
        try:
            ahead.put(item, timeout=PATIENCE_S)
            return True
        except queue.Full:
            continue
    return False


def _taken(ahead: "queue.Queue[T | _End]") -> Iterator[T]:
    while not isinstance(item := ahead.get(), _End):
        yield item
    if item.error is not None:
        raise item.error
