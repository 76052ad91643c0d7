"""The release's movies as arrays, and the one border between raw ids and dense rows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import NotFound
from sparrow.features import definitions
from sparrow.online.answers import MovieFacts
from sparrow.schema import MovieId, MovieIndex, Rating, UserId
from sparrow.stores.feature_store import MovieRecord

Rows = NDArray[np.int32]
"""(n,) dense movie rows of one catalogue."""

PRIOR_RATINGS = 20
"""Weight of the catalogue's mean in `weighted_rating`, in ratings."""


@dataclass(frozen=True)
class Catalog:
    """All movies of one release, by ascending id; row i of every array is the same movie.

    Attributes:
        ids: (n,) int64.
        facts: n facts, ready to answer with.
        years: (n,) int32, 0 unknown.
        genre_names: g names, by number of movies.
        genres: (n, g) float32, 1.0 where the movie has the genre.
        sums: `definitions.MOVIE_SUMS` by name, (n,) int64 at the cut.
        weighted_rating: (n,) float64 stars: the mean drawn towards the catalogue's mean where ratings are few.
    """

    ids: NDArray[np.int64]
    facts: Sequence[MovieFacts]
    years: NDArray[np.int32]
    genre_names: tuple[str, ...]
    genres: NDArray[np.float32]
    sums: Mapping[str, NDArray[np.int64]]
    weighted_rating: NDArray[np.float64]

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def counts(self) -> NDArray[np.int64]:
        """(n,) ratings at the cut."""
        return self.sums["movie_count"]

    def row(self, movie_id: int) -> MovieIndex:
        """The dense row of a raw id.

        Raises:
            NotFound: the release has no such movie.
        """
        at = int(np.searchsorted(self.ids, movie_id))
        if at == len(self.ids) or self.ids[at] != movie_id:
            raise NotFound(f"There is no movie {movie_id} in this release; GET /api/v1/movies lists those there are.")
        return MovieIndex(at)

    def known_rows(self, movie_ids: NDArray[np.int64]) -> tuple[Rows, NDArray[np.bool_]]:
        """Rows of those raw ids that the release has, in order, and (n,) which ones they are."""
        at = np.minimum(np.searchsorted(self.ids, movie_ids), max(len(self.ids) - 1, 0))
        known = self.ids[at] == movie_ids if len(self.ids) else np.zeros(len(movie_ids), np.bool_)
        return at[known].astype(np.int32), known

    def genre_overlap(self, row: int, among: Rows | None = None) -> NDArray[np.float32]:
        """Jaccard similarity of genre sets with that of `row`, 0.0 where both are empty; (n,) of all movies, or (c,) of some."""
        genres, sizes = self.genres, self._genre_counts
        if among is not None:
            genres, sizes = genres[among], sizes[among]
        shared = genres @ self.genres[row]
        overlap: NDArray[np.float32] = shared / np.maximum(sizes + self._genre_counts[row] - shared, 1)
        return overlap

    @cached_property
    def genres_of(self) -> list[tuple[int, ...]]:
        """By row, the columns of `genres` that a movie has, in their order."""
        return [tuple(np.flatnonzero(own).tolist()) for own in self.genres]

    @cached_property
    def _genre_counts(self) -> NDArray[np.float32]:
        """(n,) genres of each movie."""
        return np.asarray(self.genres.sum(axis=1), dtype=np.float32)


def build_catalog(records: Iterable[MovieRecord], outside: Mapping[int, str] | None = None) -> Catalog:
    """Arrange a store's movie records as arrays; `outside` names those movies that have an outside id."""
    names_outside = outside or {}
    ordered = sorted(records, key=lambda record: record.movieId)
    sums = {
        name: np.array([getattr(record, name) for record in ordered], dtype=np.int64) for name in definitions.MOVIE_SUMS
    }
    finished = definitions.finish(sums)
    counts, means = sums["movie_count"], finished["movie_mean"]
    names = _genres_by_size(ordered)
    genres = np.zeros((len(ordered), len(names)), dtype=np.float32)
    for row, record in enumerate(ordered):
        genres[row, [names.index(genre) for genre in record.genres]] = 1
    return Catalog(
        ids=np.array([record.movieId for record in ordered], dtype=np.int64),
        facts=[
            _facts(record, float(mean), names_outside.get(record.movieId, ""))
            for record, mean in zip(ordered, means, strict=True)
        ],
        years=np.array([record.releaseYear for record in ordered], dtype=np.int32),
        genre_names=tuple(names),
        genres=genres,
        sums=sums,
        weighted_rating=_weighted(sums["movie_half_sum"] / 2, counts),
    )


def _weighted(stars: NDArray[np.float64], counts: NDArray[np.int64]) -> NDArray[np.float64]:
    average = stars.sum() / max(int(counts.sum()), 1)
    weighted: NDArray[np.float64] = (stars + PRIOR_RATINGS * average) / (counts + PRIOR_RATINGS)
    return weighted


def _genres_by_size(records: Sequence[MovieRecord]) -> list[str]:
    sizes: dict[str, int] = {}
    for record in records:
        for genre in record.genres:
            sizes[genre] = sizes.get(genre, 0) + 1
    return sorted(sizes, key=lambda genre: (-sizes[genre], genre))


def _facts(record: MovieRecord, mean: float, outside: str) -> MovieFacts:
    movie = MovieId(record.movieId)
    return MovieFacts(
        movie_id=movie,
        title=record.title,
        release_year=record.releaseYear,
        genres=tuple(record.genres),
        imdb_id=record.imdbId,
        tmdb_id=record.tmdbId,
        rating_count=record.movie_count,
        rating_mean=mean,
        rating_spread=tuple(record.spread),
        top_ratings=tuple(Rating(UserId(user), movie, half / 2, at) for user, half, at in record.top_ratings),
        outside_id="" if outside == str(movie) else outside,
    )
