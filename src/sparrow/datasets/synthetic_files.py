"""A synthetic world on disk: the MovieLens files, and the hidden truth beside them.

ratings.csv is put together as fixed-width bytes and squeezed: three times as fast as a general CSV writer.
"""

import csv
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import IO, Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.datasets.synthetic_catalogue import HIDDEN, Catalogue
from sparrow.datasets.synthetic_choices import Rated
from sparrow.datasets.synthetic_people import People
from sparrow.datasets.synthetic_plan import Plan
from sparrow.datasets.synthetic_words import BLAME, GENERAL_TAGS, GENRES, PRAISE, strand_tag, write_titles
from sparrow.schema import NO_GENRES

NO_YEAR: Final = 0.005
NO_GENRE: Final = 0.01
NO_TMDB: Final = 0.002
"""Shares of movies that tell no year, no genres, no TMDB id."""

TAG_RATE: Final = 0.4
"""Tags per rating of a person who writes tags; a tenth do."""

LONGEST_PAUSE: Final = 90
"""Seconds from a rating to its tag, at most."""

TRUTH: Final = "truth"

_LISTING, _TAGS = 6, 7


def write_movies(folder: Path, plan: Plan, catalogue: Catalogue) -> None:
    """Write movies.csv and links.csv; some movies hide their year or their genres, as real ones do."""
    chance = plan.chance(_LISTING)
    years = np.array([_year(second) for second in catalogue.released.tolist()], dtype=np.int64)
    years[chance.random(plan.movies) < NO_YEAR] = 0
    titles = write_titles(catalogue.series, catalogue.part, years, chance)
    genres = [_listed(row) for row in catalogue.genres.tolist()]
    for hidden in np.flatnonzero(chance.random(plan.movies) < NO_GENRE).tolist():
        genres[hidden] = NO_GENRES
    ids = catalogue.ids.tolist()
    imdb = (chance.permutation(9_000_000)[: plan.movies] + 10_000).tolist()
    tmdb = np.where(chance.random(plan.movies) < NO_TMDB, 0, catalogue.ids * 5 + 1).tolist()
    links = ((movie, f"{one:07d}", other or "") for movie, one, other in zip(ids, imdb, tmdb, strict=True))
    _write_csv(folder / "movies.csv", ("movieId", "title", "genres"), zip(ids, titles, genres, strict=True))
    _write_csv(folder / "links.csv", ("movieId", "imdbId", "tmdbId"), links)


def _year(second: int) -> int:
    return (datetime(1970, 1, 1, tzinfo=UTC) + timedelta(seconds=second)).year


def _listed(genres: Sequence[int]) -> str:
    """As MovieLens lists them: by name, joined by bars."""
    return "|".join(sorted(GENRES[genre] for genre in genres if genre >= 0))


def _write_csv(path: Path, header: Sequence[str], rows: Any) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(rows)


class RatingsWriter:
    """Appends blocks to ratings.csv."""

    def __init__(self, file: IO[bytes], catalogue: Catalogue) -> None:
        self._file = file
        self._movies = _texts(catalogue.ids, ",")
        self._stars = np.array([f"{half / 2:.1f}," for half in range(11)], dtype="S4")
        self._first_digits = _texts(np.arange(100_000), "")
        self._last_digits = np.array([f"{number:05d}" for number in range(100_000)], dtype="S5")
        file.write(b"userId,movieId,rating,timestamp\n")

    def write(self, people: People, rated: Rated) -> None:
        """Append a block, in its order."""
        names = _texts(np.arange(people.first, people.first + len(people.counts)) + 1, ",")
        high, low = np.divmod(rated.time, 100_000)
        columns = (
            names[rated.person],
            self._movies[rated.movie],
            self._stars[rated.half],
            self._first_digits[high],
            self._last_digits[low],
        )
        lines = np.empty(
            len(rated.time), dtype=[(f"{at}", column.dtype) for at, column in enumerate(columns)] + [("end", "S1")]
        )
        for at, column in enumerate(columns):
            lines[f"{at}"] = column
        lines["end"] = b"\n"
        # Shorter numbers left zero bytes behind them.
        self._file.write(lines.tobytes().translate(None, b"\0"))


def _texts(numbers: NDArray[np.int64], end: str) -> NDArray[np.bytes_]:
    return np.array([f"{number}{end}" for number in numbers.tolist()], dtype=np.bytes_)


class TagsWriter:
    """Appends blocks to tags.csv: words of the movie's hidden strand, and praise or blame that agrees with the stars."""

    def __init__(self, file: IO[str], plan: Plan, catalogue: Catalogue) -> None:
        self.rows = 0
        self._plan, self._catalogue = plan, catalogue
        strands = [strand_tag(genre, strand) for genre in range(len(GENRES)) for strand in range(catalogue.strands)]
        self._words = (*strands, *GENERAL_TAGS, *PRAISE, *BLAME)
        self._general = len(strands)
        self._writer = csv.writer(file, lineterminator="\n")
        self._writer.writerow(("userId", "movieId", "tag", "timestamp"))

    def write(self, people: People, rated: Rated) -> None:
        """Append the tags of a block's ratings."""
        chance = self._plan.chance(_TAGS, people.first)
        at = np.flatnonzero(people.tags[rated.person])
        at = at[chance.random(len(at)) < TAG_RATE]
        words = [self._words[word] for word in self._choose(rated, at, chance).tolist()]
        users = (people.first + rated.person[at] + 1).tolist()
        movies = self._catalogue.ids[rated.movie[at]].tolist()
        times = (rated.time[at] + chance.integers(1, LONGEST_PAUSE, len(at))).tolist()
        self._writer.writerows(zip(users, movies, words, times, strict=True))
        self.rows += len(at)

    def _choose(self, rated: Rated, at: NDArray[np.int64], chance: np.random.Generator) -> NDArray[np.int64]:
        """(tags,) places in the list of words: six of ten tell the strand."""
        kind, which = chance.random(len(at)), chance.integers(0, 5, len(at))
        felt = np.where(rated.half[at] >= 7, len(GENERAL_TAGS), len(GENERAL_TAGS) + len(PRAISE)) + which
        loose = self._general + np.where(kind < 0.85, felt, which)
        return np.where(kind < 0.6, self._catalogue.topics[rated.movie[at]], loose)


class TruthWriter:
    """Writes truth/person_*.npy block by block, in place on disk."""

    def __init__(self, folder: Path, plan: Plan) -> None:
        widths = {"factors": (len(GENRES) + HIDDEN,), "genres": (len(GENRES),), "bias": (), "step": ()}
        self._arrays = {
            name: np.lib.format.open_memmap(
                folder / f"person_{name}.npy", mode="w+", dtype=np.float32, shape=(plan.people, *width)
            )
            for name, width in widths.items()
        }

    def write(self, people: People) -> None:
        """Put a block at its place."""
        for name, array in self._arrays.items():
            array[people.first : people.first + len(people.counts)] = getattr(people, name)

    def close(self) -> None:
        """Bring everything to the disk."""
        for array in self._arrays.values():
            array.flush()


def save_movie_truth(folder: Path, catalogue: Catalogue) -> None:
    """Write truth/movie_*.npy."""
    for name in ("ids", "factors", "quality", "topics", "weights", "series", "part", "released"):
        np.save(folder / f"movie_{name}.npy", getattr(catalogue, name))
    np.save(folder / "movie_successor.npy", catalogue.successor[:-1])


@contextmanager
def world_writers(
    folder: Path, plan: Plan, catalogue: Catalogue
) -> Iterator[tuple[RatingsWriter, TagsWriter, TruthWriter]]:
    """The three writers that follow the blocks, open until the world is whole."""
    with ExitStack() as open_files:
        ratings = open_files.enter_context((folder / "ratings.csv").open("wb"))
        tags = open_files.enter_context((folder / "tags.csv").open("w", encoding="utf-8", newline=""))
        truth = TruthWriter(folder / TRUTH, plan)
        open_files.callback(truth.close)
        yield RatingsWriter(ratings, catalogue), TagsWriter(tags, plan, catalogue), truth
