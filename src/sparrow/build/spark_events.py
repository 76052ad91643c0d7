"""The event stream in Spark: a folder of JSON lines (`stores.event_relay`) into Parquet by day, each event once.

Structured Streaming remembers in its checkpoint which files it has read, and drops an `eventId` that it has seen within
`LATE`: what two relays wrote, or one wrote twice, stands in the table once.
"""

from pathlib import Path
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from pyspark.sql import DataFrame, SparkSession

LATE: Final = "7 days"
"""How long event ids are remembered, by the time that events tell."""

SCHEMA: Final = (
    "seq LONG, eventId STRING, type STRING, userId LONG, movieId LONG, value DOUBLE, position INT, recommendationId STRING, "
    "timestamp LONG"
)


def event_stream(session: "SparkSession", folder: Path) -> "DataFrame":
    """The folder as a stream of events, `at` being their time; any query may stand on it."""
    from pyspark.sql import functions as f

    events = session.readStream.schema(SCHEMA).json(str(folder.resolve()), pathGlobFilter="*.jsonl")
    timed = events.withColumn("at", f.timestamp_seconds("timestamp"))
    return timed.withWatermark("at", LATE).dropDuplicatesWithinWatermark(["eventId"])


def stream_to_parquet(session: "SparkSession", folder: Path, out: Path) -> None:
    """Take in what the folder has got since the last time, and end; a cluster's scheduler calls again.

    Args:
        session: Spark; folder and out are paths that its driver and workers share.
        folder: what relays write.
        out: gets `events/day=YYYY-MM-DD/*.parquet`, and the checkpoint.
    """
    from pyspark.sql import functions as f

    by_day = event_stream(session, folder).withColumn("day", f.to_date("at"))
    writing = by_day.writeStream.format("parquet").partitionBy("day").trigger(availableNow=True)
    target, checkpoint = (out / name for name in ("events", "checkpoint"))
    writing.option("checkpointLocation", str(checkpoint.resolve())).start(str(target.resolve())).awaitTermination()
