"""A release's records from Spark straight into Redis: every executor writes its own rows.

Movies and people, with all their ratings, are the bulk; they never pass through the driver. Vectors, neighbour lists and outside
ids are read back from the release's own `features.lmdb` in bounded batches. `meta` comes last and makes the release whole, so a
publish finds it there and only flips the pointer.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import pyarrow as pa

from sparrow.build.assemble import movie_record, user_record
from sparrow.features.engines import EngineChoice, open_engine
from sparrow.stores.feature_store import META_KEY, FeatureStore
from sparrow.stores.lmdb_store import LmdbStore
from sparrow.stores.redis_connection import RedisConnection
from sparrow.stores.redis_store import RedisStore, write_partition

BULK = ("mf:", "uf:")
"""Keys that the executors write."""


@dataclass(frozen=True)
class WriteRecords:
    """Writes rows of `movies.parquet` or `users.parquet` from wherever it runs, over a connection of its own."""

    url: str
    release: str
    who: Literal["movies", "users"]

    def __call__(self, batches: Iterator[pa.RecordBatch]) -> int:
        connection = RedisConnection(self.url)
        store = FeatureStore(RedisStore(connection, self.release))
        rows = (row for batch in batches for row in batch.to_pylist())
        try:
            if self.who == "movies":
                return store.write_movies(map(movie_record, rows))
            return store.write_users(map(user_record, rows))
        finally:
            connection.close()


def fill_store(choice: EngineChoice, features: Path, folder: Path, scratch: Path, url: str) -> int:
    """Make the release in `folder` whole in Redis; its pointer is not touched.

    Args:
        choice: the engine that made `features`.
        features: `movies.parquet` and `users.parquet` of the release fit.
        folder: the sealed release.
        scratch: where the engine spills.
        url: of Redis.

    Returns:
        How many records were written.

    Raises:
        StoreUnavailable: Redis cannot be written; the next publish of the release removes what was.
    """
    written = 0
    with open_engine(choice, scratch) as engine:
        for who in ("movies", "users"):
            engine.read(f"stored_{who}", features / f"{who}.parquet")
            written += engine.hand_over(f"SELECT * FROM stored_{who}", WriteRecords(url, folder.name, who))
    source = LmdbStore(folder / "features.lmdb")
    rest = (item for item in source.scan("") if not item[0].startswith(BULK) and item[0] != META_KEY)
    written += write_partition(url, folder.name, rest)
    return written + write_partition(url, folder.name, source.scan(META_KEY))
