"""The movies of one import, gathered from the source's list, its ratings and its links. Held in memory."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.datasets.canonical import MOVIES_SCHEMA
from sparrow.datasets.faults import DUPLICATE_MOVIE, EMPTY_TITLE, UNKNOWN_MOVIE, UNLISTED_MOVIE
from sparrow.datasets.report import Tally
from sparrow.datasets.rows import LinkRow, MovieRow, Ratings
from sparrow.schema import Movie, MovieId, untitled


class Catalogue:
    """Every movie that is listed or rated, each once, each with a title.

    Attributes:
        first_line: the line of row 0 in the source's files.
        listed: movies that the source lists itself.
    """

    def __init__(self, first_line: int) -> None:
        self.first_line = first_line
        self.listed = 0
        self._movies: dict[int, Movie] = {}
        self._linked: set[int] = set()

    def __contains__(self, movie_id: int) -> bool:
        return movie_id in self._movies

    @property
    def ids(self) -> NDArray[np.int64]:
        """(n,) every movie id, ascending."""
        return np.array(sorted(self._movies), dtype=np.int64)

    @property
    def linked(self) -> int:
        """Movies whose ids elsewhere were told."""
        return len(self._linked)

    def add(self, row: MovieRow, tally: Tally) -> None:
        """Take a listed movie in; the first line of an id counts."""
        movie, line = row.movie, row.row + self.first_line
        if movie.movie_id in self._movies:
            tally.note(DUPLICATE_MOVIE, (line,), movie.movie_id)
            return
        if not movie.title:
            tally.note(EMPTY_TITLE, (line,), f"movie {movie.movie_id}")
        tally.repaired += row.repaired or not movie.title
        self._movies[movie.movie_id] = replace(movie, title=movie.title or untitled(movie.movie_id))
        self.listed += 1

    def add_rated(self, block: Ratings, tally: Tally) -> None:
        """Take in the rated movies that are not listed; each is noted once, where it is first rated."""
        ids, first = np.unique(block.movie, return_index=True)
        unlisted = [(at, movie_id) for at, movie_id in zip(first, ids.tolist(), strict=True) if movie_id not in self]
        for at, movie_id in sorted(unlisted):
            tally.note(UNLISTED_MOVIE, (block.row[at] + self.first_line,), movie_id)
            self._movies[movie_id] = Movie(MovieId(movie_id), untitled(movie_id), 0, ())

    def link(self, row: LinkRow, tally: Tally) -> None:
        """Add a movie's ids elsewhere; the first line of an id counts."""
        line = row.row + self.first_line
        if row.movie_id not in self:
            tally.note(UNKNOWN_MOVIE, (line,), row.movie_id)
        elif row.movie_id in self._linked:
            tally.note(DUPLICATE_MOVIE, (line,), row.movie_id)
        else:
            tally.repaired += row.repaired
            self._linked.add(row.movie_id)
            known = self._movies[row.movie_id]
            self._movies[row.movie_id] = replace(known, imdb_id=row.imdb_id, tmdb_id=row.tmdb_id)

    def write(self, path: Path) -> None:
        """Write movies.parquet, ordered by movie id."""
        movies = [self._movies[movie_id] for movie_id in sorted(self._movies)]
        columns = (
            [movie.movie_id for movie in movies],
            [movie.title for movie in movies],
            [movie.release_year for movie in movies],
            [movie.genres for movie in movies],
            [movie.imdb_id for movie in movies],
            [movie.tmdb_id for movie in movies],
        )
        arrays = [pa.array(column, type=field.type) for column, field in zip(columns, MOVIES_SCHEMA, strict=True)]
        pq.write_table(pa.Table.from_arrays(arrays, schema=MOVIES_SCHEMA), path)
