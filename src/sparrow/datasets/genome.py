"""The tag genome of ml-20m, ml-25m and ml-latest: how much each of 1,128 tags fits a movie, as one vector a movie.

The scores stream by in blocks and land in one array of movies x tags, so that their order in the file is free. Pages
of movies without scores are never touched: the 13,816 movies of ml-25m take 80 MB.

Vig, Sen & Riedl (2012), The Tag Genome. https://doi.org/10.1145/2362394.2362395
"""

from collections.abc import Iterator
from itertools import chain
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from sparrow.datasets.attributes import write_attributes
from sparrow.datasets.faults import (
    DUPLICATE_ID,
    DUPLICATE_SCORE,
    INCOMPLETE_VECTOR,
    RELEVANCE_OUT_OF_RANGE,
    UNKNOWN_GENOME_TAG,
    UNKNOWN_MOVIE,
    BrokenField,
    FaultKind,
)
from sparrow.datasets.fields import identity, number
from sparrow.datasets.number_columns import NumberBlock, Parse, read_numbers
from sparrow.datasets.records import TextFile, read_records
from sparrow.datasets.report import FileReport, Tally
from sparrow.schema import Columns

GENOME: Final = "genome"
"""What the attribute is called."""

TAG_ID: Final = "tagId"
SCORES: Final[dict[str, Parse]] = {Columns.MOVIE: identity, TAG_ID: identity, "relevance": number}
BATCH: Final = 1024


def write_genome(
    scores: TextFile, tags: TextFile | None, movies: NDArray[np.int64], folder: Path
) -> tuple[FileReport, ...]:
    """Write `movie_attributes.parquet` with the vector "genome", tags in the order of their ids, unless none is there.

    Args:
        scores: movieId, tagId, relevance.
        tags: tagId, tag; without it no score has a meaning and all are dropped, in words.
        movies: (n,) the movies of the catalogue, ascending.
        folder: the canonical folder.
    """
    reports, tag_ids = _read_tags(tags) if tags else ((), np.array([], dtype=np.int64))
    tally = Tally(scores.path.name, required=False)
    genome = Genome(movies, tag_ids, scores.form.first_line)
    for block in read_numbers(scores, SCORES, tally):
        genome.add(block, tally)
    tables = genome.tables(tally)
    if first := next(tables, None):
        write_attributes(folder, "movies", chain([first], tables), {GENOME: "vector"})
    return (tally.report(kept=genome.kept), *reports)


def _read_tags(file: TextFile) -> tuple[tuple[FileReport, ...], NDArray[np.int64]]:
    tally = Tally(file.path.name, required=False)
    known: set[int] = set()
    for record in read_records(file, (TAG_ID,), tally):
        try:
            tag = identity(record, 0)
        except BrokenField as fault:
            record.drop(fault.kind, fault.value)
            continue
        if tag in known:
            record.drop(DUPLICATE_ID, str(tag))
        else:
            known.add(tag)
            tally.repaired += record.repaired
    return (tally.report(kept=len(known)),), np.array(sorted(known), dtype=np.int64)


class Genome:
    """Scores of n movies under w tags; a score that is missing counts as 0.

    Attributes:
        kept: scores taken in.
    """

    def __init__(self, movies: NDArray[np.int64], tags: NDArray[np.int64], first_line: int) -> None:
        self.kept = 0
        self._movies, self._tags, self._first_line = movies, tags, first_line
        self._scores = np.zeros(len(movies) * len(tags), dtype=np.float32)
        self._given = np.zeros(len(movies) * len(tags), dtype=np.bool_)
        self._line = np.zeros(len(movies), dtype=np.int64)

    def add(self, block: NumberBlock, tally: Tally) -> None:
        """Take in a block of scores: (movie, tag, relevance). The first score of a pair counts."""
        movie, tag, relevance = block.columns
        lines = block.row + self._first_line
        movie_at, movie_known = _places(self._movies, movie)
        tag_at, tag_known = _places(self._tags, tag)
        cells = movie_at * len(self._tags) + tag_at
        stays = np.ones(len(lines), dtype=np.bool_)

        def drop(kind: FaultKind, wrong: NDArray[np.bool_], values: NDArray[np.generic]) -> None:
            met = stays & wrong
            if met.any():
                tally.note(kind, lines[met].tolist(), values[met][0])
            stays[met] = False

        drop(UNKNOWN_MOVIE, ~movie_known, movie)
        drop(UNKNOWN_GENOME_TAG, ~tag_known, tag)
        drop(RELEVANCE_OUT_OF_RANGE, ~((relevance >= 0) & (relevance <= 1)), relevance)
        drop(DUPLICATE_SCORE, self._seen(cells, stays), movie)
        self._scores[cells[stays]] = relevance[stays]
        self._given[cells[stays]] = True
        self._remember_lines(movie_at[stays], lines[stays])
        self.kept += int(stays.sum())
        tally.repaired += int((block.repaired & stays).sum())

    def tables(self, tally: Tally) -> Iterator[pa.Table]:
        """The movies that have scores, ascending, a batch at a time; vectors with gaps are noted in `tally`."""
        width = len(self._tags)
        for start in range(0, len(self._movies) if width else 0, BATCH):
            rows = slice(start, start + BATCH)
            given = self._given[start * width : (start + BATCH) * width].reshape(-1, width)
            some = given.any(axis=1)
            gaps = some & ~given.all(axis=1)
            if gaps.any():
                example = f"movie {self._movies[rows][gaps][0]}"
                tally.note(INCOMPLETE_VECTOR, sorted(self._line[rows][gaps].tolist()), example)
            if some.any():
                scores = self._scores[start * width : (start + BATCH) * width].reshape(-1, width)[some]
                vectors = pa.FixedSizeListArray.from_arrays(pa.array(scores.ravel()), width)
                yield pa.table({Columns.MOVIE: self._movies[rows][some], GENOME: vectors})

    def _seen(self, cells: NDArray[np.int64], among: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """(n,) whether a cell was given before, in this block or an earlier one; only rows `among` count."""
        seen = np.zeros(len(cells), dtype=np.bool_)
        wanted = cells[among]
        again = np.ones(len(wanted), dtype=np.bool_)
        again[np.unique(wanted, return_index=True)[1]] = False
        seen[among] = again | self._given[wanted]
        return seen

    def _remember_lines(self, movie_at: NDArray[np.int64], lines: NDArray[np.int64]) -> None:
        """Where each movie's first score stands."""
        fresh = self._line[movie_at] == 0
        # Of several values written to one place the last stays: backwards, that is the first line.
        self._line[movie_at[fresh][::-1]] = lines[fresh][::-1]


def _places(ids: NDArray[np.int64], wanted: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Where each of `wanted` stands in the ascending `ids`, and whether it is there at all; both (n,)."""
    if not len(ids):
        return np.zeros(len(wanted), dtype=np.int64), np.zeros(len(wanted), dtype=np.bool_)
    at = np.minimum(np.searchsorted(ids, wanted), len(ids) - 1)
    return at, ids[at] == wanted
