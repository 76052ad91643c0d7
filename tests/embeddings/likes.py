"""Files of known rows, as a fit's `known.parquet`."""

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from sparrow.schema import LIKED_RATING
from tests.worlds import World


def write_known(path: Path, rows: list[tuple[int, int, int, bool]], group: int = 1024) -> Path:
    """Rows of (userId, movieId, timestamp, liked) in the order given, `group` rows to a row group."""
    users, movies, times, liked = zip(*rows, strict=True) if rows else ([], [], [], [])
    columns = {"userId": users, "movieId": movies, "timestamp": times}
    table = {name: pa.array(values, pa.int64()) for name, values in columns.items()}
    pq.write_table(pa.table(table | {"liked": pa.array(liked, pa.bool_())}), path, row_group_size=group)
    return path


def known_of(world: World, path: Path) -> Path:
    """A world's ratings in file order."""
    rows = [(one.user_id, one.movie_id, one.timestamp, one.score >= LIKED_RATING) for one in world.ratings]
    return write_known(path, rows)
