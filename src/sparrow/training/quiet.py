"""TensorFlow's native code writes to stderr before any logging setting can reach it; people building should not see that."""

import os
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def native_chatter_hidden() -> Iterator[None]:
    """Send file descriptor 2 to nowhere while the body runs; Python's exceptions are not touched."""
    saved, nowhere = os.dup(2), os.open(os.devnull, os.O_WRONLY)
    try:
        os.dup2(nowhere, 2)
        yield
    finally:
        os.dup2(saved, 2)
        os.close(saved)
        os.close(nowhere)
