"""One builder or publisher per home: an advisory lock on a file, let go by the system even when its holder is killed."""

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sparrow.errors import Busy


@contextmanager
def exclusive(home: Path, what: str) -> Iterator[None]:
    """Hold `{home}/{what}.lock` while the body runs.

    Raises:
        Busy: another process holds it; the message names its process id.
    """
    home.mkdir(parents=True, exist_ok=True)
    path = home / f"{what}.lock"
    with path.open("a+", encoding="ascii") as file:
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            file.seek(0)
            holder = file.read().strip() or "unknown"
            raise Busy(
                f"Another `sparrow {what}` (process {holder}) is at work in {home}; wait for it to end or choose another --home."
            ) from None
        file.truncate(0)
        file.write(str(os.getpid()))
        file.flush()
        yield
