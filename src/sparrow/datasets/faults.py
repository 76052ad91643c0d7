"""Everything that can be wrong with a row: what it is called, what becomes of the row, and how to cure it.

One rule decides the fate. Where the right value is certain the row is *repaired*; where the row is sound in itself but
worth a look it is *kept* as it stands; otherwise it is *dropped* and counted. docs/datasets.md shows this table to users.
"""

from dataclasses import dataclass
from typing import Final, Literal

Fate = Literal["kept", "repaired", "dropped"]


@dataclass(frozen=True, slots=True)
class FaultKind:
    """One kind of fault; `name` is for programs, `what` and `cure` for people."""

    name: str
    fate: Fate
    what: str
    cure: str


WRONG_FIELDS: Final = FaultKind(
    "wrong_fields",
    "dropped",
    "not as many fields as the header, or an unclosed quote",
    "write one record per line, text with commas in double quotes, quotes inside it doubled",
)
NOT_A_NUMBER: Final = FaultKind("not_a_number", "dropped", "not a number", "write digits only, 4.5 or 964982703")
NOT_WHOLE: Final = FaultKind(
    "not_whole", "dropped", "a fraction where a whole number belongs", "write ids and seconds without decimals"
)
WHOLE_WITH_DECIMALS: Final = FaultKind(
    "whole_with_decimals",
    "repaired",
    "a whole number written with decimals",
    "read without them; export ids and seconds as integers",
)
ID_OUT_OF_RANGE: Final = FaultKind(
    "id_out_of_range", "dropped", "an id outside 1 to 2**63 - 1", "number people and movies from 1"
)
RATING_OUT_OF_RANGE: Final = FaultKind(
    "rating_out_of_range", "dropped", "a rating outside 0.5 to 5.0 stars", "rescale: halve ratings given on 1 to 10"
)
RATING_OFF_GRID: Final = FaultKind(
    "rating_off_grid",
    "repaired",
    "a rating between two half stars",
    "rounded to the nearest half star; write 0.5, 1.0 … 5.0",
)
TIME_NEGATIVE: Final = FaultKind(
    "time_negative", "dropped", "a timestamp before 1970", "write seconds since 1970-01-01, UTC"
)
TIME_IN_MILLISECONDS: Final = FaultKind(
    "time_in_milliseconds", "repaired", "a timestamp in milliseconds", "divided by 1000; write seconds"
)
TIME_IN_FUTURE: Final = FaultKind(
    "time_in_future", "dropped", "a timestamp later than tomorrow", "write seconds since 1970-01-01, UTC"
)
DUPLICATE_RATING: Final = FaultKind(
    "duplicate_rating",
    "dropped",
    "an older rating of the same movie by the same person",
    "the latest is kept; send one per person and movie",
)
DUPLICATE_MOVIE: Final = FaultKind(
    "duplicate_movie", "dropped", "a movie id that an earlier line has", "the first is kept; give each movie one line"
)
EMPTY_TITLE: Final = FaultKind("empty_title", "repaired", "no title", 'called "Movie <id>"; give it a title')
EMPTY_TAG: Final = FaultKind("empty_tag", "dropped", "a tag without words", "remove the line")
UNLISTED_MOVIE: Final = FaultKind(
    "unlisted_movie", "kept", "a rated movie that the movies lack", 'called "Movie <id>"; add it to the movies'
)
UNKNOWN_MOVIE: Final = FaultKind(
    "unknown_movie",
    "dropped",
    "a movie that is neither listed nor rated",
    "add the movie to the movies, or remove the line",
)
DUPLICATE_ID: Final = FaultKind(
    "duplicate_id", "dropped", "a person or a tag that an earlier line has", "the first is kept; give each one line"
)
UNREADABLE_VALUE: Final = FaultKind(
    "unreadable_value",
    "kept",
    "an age, occupation, date or flag that the layout does not know",
    "taken as unknown; the README of the release lists what is allowed",
)
UNKNOWN_GENOME_TAG: Final = FaultKind(
    "unknown_genome_tag",
    "dropped",
    "a score of a tag that genome-tags.csv lacks",
    "put the genome-tags.csv of the same release beside it",
)
RELEVANCE_OUT_OF_RANGE: Final = FaultKind(
    "relevance_out_of_range", "dropped", "a relevance outside 0 to 1", "take the scores of the release as they are"
)
DUPLICATE_SCORE: Final = FaultKind(
    "duplicate_score", "dropped", "a second score of the same movie and tag", "the first is kept; send one of each"
)
INCOMPLETE_VECTOR: Final = FaultKind(
    "incomplete_vector",
    "kept",
    "a movie without scores of some tags",
    "they count as 0; fetch the file again, it may have been cut off",
)
NOT_UTF8: Final = FaultKind(
    "not_utf8", "repaired", "bytes that are not UTF-8", "read as Windows-1252 (Latin-1); save the file as UTF-8"
)
UNREADABLE_BYTES: Final = FaultKind(
    "unreadable_bytes", "kept", "bytes of an unknown encoding", 'shown as "�"; save the file as UTF-8'
)
MISSING_COLUMN: Final = FaultKind(
    "missing_column", "dropped", "a header without a needed column", "name the columns in the first line"
)
EMPTY_FILE: Final = FaultKind("empty_file", "kept", "nothing after the header", "fill the file or remove it")

FAULTS: Final[tuple[FaultKind, ...]] = (
    WRONG_FIELDS,
    NOT_A_NUMBER,
    NOT_WHOLE,
    WHOLE_WITH_DECIMALS,
    ID_OUT_OF_RANGE,
    RATING_OUT_OF_RANGE,
    RATING_OFF_GRID,
    TIME_NEGATIVE,
    TIME_IN_MILLISECONDS,
    TIME_IN_FUTURE,
    DUPLICATE_RATING,
    DUPLICATE_MOVIE,
    EMPTY_TITLE,
    EMPTY_TAG,
    UNLISTED_MOVIE,
    UNKNOWN_MOVIE,
    DUPLICATE_ID,
    UNREADABLE_VALUE,
    UNKNOWN_GENOME_TAG,
    RELEVANCE_OUT_OF_RANGE,
    DUPLICATE_SCORE,
    INCOMPLETE_VECTOR,
    NOT_UTF8,
    UNREADABLE_BYTES,
    MISSING_COLUMN,
    EMPTY_FILE,
)
"""Every kind, in the order in which they are checked and documented."""


class BrokenField(Exception):
    """A field that cannot be read; it never leaves the room: the row it stands in is dropped as `kind`."""

    def __init__(self, kind: FaultKind, value: str) -> None:
        super().__init__(f"{kind.what}: {value}")
        self.kind = kind
        self.value = value
