"""From the event stream into a folder of JSON lines, which Spark Structured Streaming reads as it grows.

Spark has no source for Redis of its own. A relay takes events as a consumer of a group (XREADGROUP), writes them into a file that
appears by one rename, and confirms them (XACK). One that is killed in between takes the same events again when it starts anew
under its name, and writes the same file; so of one consumer each event is in the folder once. Several consumers share the stream.
"""

import os
import socket
from pathlib import Path
from typing import Final

import orjson

from sparrow.stores.redis_events import RedisEvents

GROUP: Final = "spark"
MOST: Final = 5_000
"""Events of a file at most."""


def relay(source: RedisEvents, folder: Path, consumer: str = "", group: str = GROUP) -> int:
    """Write what has come since the last time; gives how many events.

    Args:
        source: the stream.
        folder: gets `{first}-{last}.jsonl`, an event a line with its number as `seq`; ids are raw ones.
        consumer: who takes them; "" is this machine. No two at a time may go by one name.
        group: consumers of one group share the events, each group has all.

    Raises:
        StoreUnavailable: Redis cannot be read.
    """
    folder.mkdir(parents=True, exist_ok=True)
    name, written = consumer or socket.gethostname(), 0
    source.join(group)
    while rows := source.taken(group, name, MOST):
        numbers = [seq for seq, _ in rows]
        lines = (orjson.dumps({"seq": seq, **event}) + b"\n" for seq, event in rows)
        # A leading dot: Spark overlooks it, so half a file is never read.
        hidden = folder / f".{name}.part"
        with hidden.open("wb") as file:
            file.writelines(lines)
            file.flush()
            os.fsync(file.fileno())
        hidden.replace(folder / f"{numbers[0]:020d}-{numbers[-1]:020d}.jsonl")
        source.confirm(group, numbers)
        written += len(rows)
    return written
