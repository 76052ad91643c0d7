"""The layout of ml-100k (1998): tabs between ratings, `|` between the fields of movies and people, genres as flags."""

import re
from collections.abc import Iterator
from typing import Final

from sparrow.datasets.faults import UNREADABLE_VALUE, BrokenField
from sparrow.datasets.fields import identity, split_year
from sparrow.datasets.layouts import Layout, Part
from sparrow.datasets.movielens import RATINGS, MovieLensFolder
from sparrow.datasets.people import AGE, GENDER, OCCUPATION, ZIP_CODE
from sparrow.datasets.records import Form, Record
from sparrow.datasets.releases_table import NOT_PASSED_ON
from sparrow.datasets.report import Tally
from sparrow.datasets.rows import MovieRow
from sparrow.schema import Columns, Movie, MovieId

GENRES: Final = (
    "Action", "Adventure", "Animation", "Children's", "Comedy", "Crime", "Documentary", "Drama", "Fantasy",
    "Film-Noir", "Horror", "Musical", "Mystery", "Romance", "Sci-Fi", "Thriller", "War", "Western",
)  # fmt: skip
"""The flags at the end of a line of `u.item`, after the flag "unknown"; `u.genre` of the release lists them."""

_RELEASED: Final = "released"
_ITEM: Final = (Columns.MOVIE, Columns.TITLE, _RELEASED, "video", "url", "unknown", *GENRES)
_DATE: Final = re.compile(r"[0-9]{1,2}-[A-Za-z]{3}-((?:18|19|20)[0-9]{2})")


class MovieLens100K(MovieLensFolder):
    """A `Source` over `u.data`, `u.item` and `u.user`."""

    terms = NOT_PASSED_ON

    def movies(self, tally: Tally) -> Iterator[MovieRow]:
        """Movies with the year taken off the title; without one there, the year of the release date."""
        for record in self._records("movies", (Columns.MOVIE, Columns.TITLE, _RELEASED, *GENRES), tally):
            try:
                movie_id = MovieId(identity(record, 0))
            except BrokenField as fault:
                record.drop(fault.kind, fault.value)
                continue
            title, year = split_year(record.fields[1])
            released = _year_released(record)
            yield MovieRow(record.row, Movie(movie_id, title, year or released, _flagged(record)), record.repaired)


def _year_released(record: Record) -> int:
    """The year of "01-Jan-1995"; 0 when there is no date."""
    text = record.fields[2].strip()
    match = _DATE.fullmatch(text)
    if text and not match:
        record.mend(UNREADABLE_VALUE, text)
    return int(match[1]) if match else 0


def _flagged(record: Record) -> tuple[str, ...]:
    flags = [flag.strip() for flag in record.fields[3:]]
    for flag in flags:
        if flag not in ("0", "1"):
            record.mend(UNREADABLE_VALUE, flag)
    return tuple(genre for genre, flag in zip(GENRES, flags, strict=True) if flag == "1")


ML_100K: Final = Layout(
    "ml-100k",
    MovieLens100K,
    {
        "ratings": Part("u.data", Form("\t", tuple(RATINGS))),
        "movies": Part("u.item", Form("|", _ITEM, Columns.TITLE, latin=True)),
    },
    {"people": Part("u.user", Form("|", (Columns.USER, AGE, GENDER, OCCUPATION, ZIP_CODE), latin=True))},
)
