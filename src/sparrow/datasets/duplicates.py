"""One rating per person and movie: the latest.

MovieLens files are ordered by (person, movie), and in a strictly increasing file no pair can come twice: seeing that
costs nothing. Only a file in another order is searched, by DuckDB, which spills to disk rather than die.
"""

from pathlib import Path
from typing import Final

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.datasets.faults import DUPLICATE_RATING
from sparrow.datasets.report import Tally
from sparrow.datasets.rows import Ratings
from sparrow.schema import Columns

MEMORY_LIMIT: Final = "4GB"

_OLDER: Final = f"""
    WITH doubled AS (
        SELECT {Columns.USER}, {Columns.MOVIE} FROM read_parquet($path) GROUP BY ALL HAVING count(*) > 1
    ), aged AS (
        SELECT *, row_number() OVER (
            PARTITION BY {Columns.USER}, {Columns.MOVIE} ORDER BY {Columns.TIMESTAMP} DESC, "{Columns.ROW}" DESC
        ) AS age
        FROM read_parquet($path) SEMI JOIN doubled USING ({Columns.USER}, {Columns.MOVIE})
    )
    SELECT {Columns.USER} AS person, {Columns.MOVIE} AS movie, "{Columns.ROW}" AS place
    FROM aged WHERE age > 1 ORDER BY place
"""


class OrderWatch:
    """Sees whether (person, movie) strictly increases from row to row, over all blocks."""

    def __init__(self) -> None:
        self.is_increasing = True
        self._last = (0, 0)

    def watch(self, block: Ratings) -> None:
        """Look at the next block."""
        if not len(block) or not self.is_increasing:
            return
        user, movie = block.user, block.movie
        inside = (user[1:] > user[:-1]) | ((user[1:] == user[:-1]) & (movie[1:] > movie[:-1]))
        self.is_increasing = bool(inside.all()) and self._last < (int(user[0]), int(movie[0]))
        self._last = (int(user[-1]), int(movie[-1]))


def drop_older_duplicates(path: Path, tally: Tally, first_line: int) -> NDArray[np.int64]:
    """Take out of a ratings file all but the latest row of each (person, movie); of equal times the last row stays.

    Args:
        path: a ratings.parquet, rewritten when something goes.
        first_line: the line of row 0.

    Returns:
        (n,) the rows taken out, ascending.
    """
    settings: dict[str, str | bool | int | float | list[str]] = {
        "memory_limit": MEMORY_LIMIT,
        "temp_directory": str(path.with_suffix(".spill")),
    }
    with duckdb.connect(config=settings) as connection:
        found = connection.execute(_OLDER, {"path": str(path)}).fetchnumpy()
    rows = np.asarray(found["place"], dtype=np.int64)
    if len(rows):
        example = f"user {found['person'][0]}, movie {found['movie'][0]}"
        tally.note(DUPLICATE_RATING, (rows[:100] + first_line).tolist(), example, count=len(rows))
        _rewrite_without(rows, path)
    return rows


def _rewrite_without(rows: NDArray[np.int64], path: Path) -> None:
    written = path.with_suffix(".rewritten")
    with pq.ParquetFile(path) as file, pq.ParquetWriter(written, file.schema_arrow) as writer:
        for group in range(file.num_row_groups):
            table = file.read_row_group(group)
            stays = np.isin(table.column(Columns.ROW).to_numpy(), rows, invert=True)
            writer.write_table(table.filter(pa.array(stays)))
    written.replace(path)
