"""Tags, a batch at a time: those with words, about a movie that exists, at a plausible time."""

from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Final

import numpy as np
import pyarrow as pa

from sparrow.datasets.canonical import TAGS_SCHEMA
from sparrow.datasets.catalogue import Catalogue
from sparrow.datasets.faults import EMPTY_TAG, UNKNOWN_MOVIE
from sparrow.datasets.report import Tally
from sparrow.datasets.rows import TagRow
from sparrow.datasets.rules import check_times

BATCH: Final = 50_000


def tag_tables(rows: Iterable[TagRow], catalogue: Catalogue, tally: Tally, latest: int) -> Iterator[pa.Table]:
    """Tables of `TAGS_SCHEMA` in file order; what is left out is counted in `tally`.

    Args:
        latest: seconds, UTC; a later timestamp lies in the future.
    """
    remaining = iter(rows)
    while batch := list(islice(remaining, BATCH)):
        yield _table([row for row in batch if _is_sound(row, catalogue, tally)], catalogue.first_line, tally, latest)


def _is_sound(row: TagRow, catalogue: Catalogue, tally: Tally) -> bool:
    line = row.row + catalogue.first_line
    if not row.tag:
        tally.note(EMPTY_TAG, (line,), row.tag)
    elif row.movie_id not in catalogue:
        tally.note(UNKNOWN_MOVIE, (line,), row.movie_id)
    else:
        return True
    return False


def _table(rows: list[TagRow], first_line: int, tally: Tally, latest: int) -> pa.Table:
    lines = np.array([row.row + first_line for row in rows], dtype=np.int64)
    written = np.array([row.timestamp for row in rows], dtype=np.int64)
    times, alive, mended = check_times(written, lines, tally, latest)
    repaired = mended | np.array([row.repaired for row in rows], dtype=bool)
    tally.repaired += int((repaired & alive).sum())
    columns = ([row.user_id for row in rows], [row.movie_id for row in rows], [row.tag for row in rows], times)
    return pa.Table.from_arrays(
        [pa.array(column, type=field.type) for column, field in zip(columns, TAGS_SCHEMA, strict=True)],
        schema=TAGS_SCHEMA,
    ).filter(pa.array(alive))
