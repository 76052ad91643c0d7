"""How the loops of this room are compiled: by numba, at their first call, without the interpreter's lock."""

from collections.abc import Callable
from typing import Any, TypeVar

from numba import njit

F = TypeVar("F", bound=Callable[..., Any])


def compiled(function: F) -> F:
    """Compile; kept on disk where numba finds a place to write, else compiled once in each process.

    A function that it calls must be compiled too. Threads may run it side by side.
    """
    try:
        fast: F = njit(nogil=True, cache=True)(function)
    except RuntimeError:  # numba's "no locator available": neither the package's folder nor the home can be written
        fast = njit(nogil=True)(function)
    return fast


def inlined(function: F) -> F:
    """Compile into every place that calls it: what is called some 100 million times a second must not be a call."""
    always: F = njit(inline="always")(function)
    return always
