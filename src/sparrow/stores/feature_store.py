"""The feature store: what the offline side tells the online side about movies and people.

Keys (the prefix `sparrow:{release}:` is added by shared backends such as Redis):

    mf:{movieId}              movie record, MessagePack map
    uf:{userId}               person record, MessagePack map
    emb:{name}:{movieId}      vector, little-endian float32
    uemb:{name}:{userId}      vector, little-endian float32
    sim:{name}:{movieId}      stored neighbours, best first: all int64 ids, then all float32 scores, little-endian
    mo:{movieId}              outside id as UTF-8, where it is not the raw id (`outside_ids`)
    uo:{userId}               likewise of a person
    meta                      MessagePack map: counts, embedding names, similarities
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Final, Literal, Protocol

import msgpack
import numpy as np
from numpy.typing import NDArray

from sparrow.errors import StoreUnavailable

META_KEY: Final = "meta"
VECTOR_TYPE: Final = np.dtype("<f4")
OUTSIDE_PREFIX: Final = {"movies": "mo:", "users": "uo:"}
Similarity = Literal["inner", "cosine"]


class KeyValueStore(Protocol):
    """What a backend must do; keys are text, values bytes.

    Attributes:
        waits: whether an answer may be long in coming, as over a network; then the request path asks in a thread.
    """

    waits: bool

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        """Values in the order of `keys`, None where there is none; one round trip.

        Raises:
            StoreUnavailable: the backend cannot answer.
        """

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        """Every (key, value) whose key starts with `prefix`, in no promised order.

        Raises:
            StoreUnavailable: the backend cannot answer.
        """

    def keys(self, prefix: str) -> Iterator[str]:
        """Every key that starts with `prefix`, in no promised order and without its value.

        Raises:
            StoreUnavailable: the backend cannot answer.
        """

    def put_many(self, items: Iterable[tuple[str, bytes]]) -> int:
        """Write the items in bounded batches; returns how many.

        Raises:
            StoreUnavailable: the backend cannot be written, or is sealed.
        """

    def close(self) -> None:
        """Let go of files and connections."""


@dataclass(frozen=True, slots=True)
class MovieRecord:
    """A movie and its exact rating sums at the release's cut (`features.definitions` finishes them).

    `spread` counts ratings of 0.5, 1.0 … 5.0 stars; `top_ratings` are (userId, half-stars, timestamp), best first.
    """

    movieId: int  # noqa: N815 - stored names are the contract's
    title: str
    releaseYear: int  # noqa: N815
    genres: list[str]
    imdbId: str  # noqa: N815
    tmdbId: str  # noqa: N815
    movie_count: int
    movie_half_sum: int
    movie_half_square_sum: int
    spread: list[int]
    top_ratings: list[tuple[int, int, int]]


@dataclass(frozen=True, slots=True)
class UserRecord:
    """A person's exact sums and every rating up to the release's cut.

    `rated` (movie ids), `half_stars` and `timestamps` are parallel little-endian arrays (int64, uint8, int64), oldest first.
    """

    userId: int  # noqa: N815
    user_count: int
    user_half_sum: int
    user_half_square_sum: int
    user_liked_count: int
    user_year_count: int
    user_year_sum: int
    favourite_genres: list[str]
    rated: bytes
    half_stars: bytes
    timestamps: bytes

    def ratings(self) -> tuple[NDArray[np.int64], NDArray[np.uint8], NDArray[np.int64]]:
        """(n,) movie ids, (n,) half-stars, (n,) seconds UTC; oldest first."""
        return (
            np.frombuffer(self.rated, dtype="<i8"),
            np.frombuffer(self.half_stars, dtype=np.uint8),
            np.frombuffer(self.timestamps, dtype="<i8"),
        )


@dataclass(frozen=True, slots=True)
class StoreMeta:
    """What a store says of itself: rows by kind, and each embedding's similarity and dimension."""

    movies: int
    people: int
    similarities: dict[str, Similarity]
    dimensions: dict[str, int]
    outside_ids: dict[str, int] = field(default_factory=dict)
    """Rows of the outside ids of "movies" and "users"; empty when ids are numbers."""


class FeatureStore:
    """Typed reading and writing over any `KeyValueStore`."""

    def __init__(self, backend: KeyValueStore) -> None:
        self._backend = backend
        self.waits = backend.waits

    def write_movies(self, movies: Iterable[MovieRecord]) -> int:
        return self._backend.put_many((f"mf:{movie.movieId}", _pack(movie)) for movie in movies)

    def write_users(self, users: Iterable[UserRecord]) -> int:
        return self._backend.put_many((f"uf:{user.userId}", _pack(user)) for user in users)

    def write_vectors(
        self, kind: Literal["emb", "uemb"], name: str, vectors: Iterable[tuple[int, NDArray[np.float32]]]
    ) -> int:
        """Write (raw id, (dim,) vector) pairs of one embedding of movies ("emb") or people ("uemb")."""
        return self._backend.put_many((f"{kind}:{name}:{key}", _vector_bytes(vector)) for key, vector in vectors)

    def write_neighbours(
        self, name: str, neighbours: Iterable[tuple[int, NDArray[np.int64], NDArray[np.float32]]]
    ) -> int:
        """Write (movieId, (k,) neighbour ids, (k,) similarities), best first."""
        return self._backend.put_many(
            (f"sim:{name}:{movie}", ids.astype("<i8").tobytes() + scores.astype(VECTOR_TYPE).tobytes())
            for movie, ids, scores in neighbours
        )

    def write_outside_ids(self, who: Literal["movies", "users"], ids: Iterable[tuple[int, str]]) -> int:
        """Write (raw id, outside id) pairs."""
        return self._backend.put_many((f"{OUTSIDE_PREFIX[who]}{raw}", outside.encode()) for raw, outside in ids)

    def write_meta(self, meta: StoreMeta) -> None:
        self._backend.put_many([(META_KEY, _pack(meta))])

    def meta(self) -> StoreMeta:
        """Raises StoreUnavailable when the store holds no complete release."""
        [value] = self._backend.get_many([META_KEY])
        if value is None:
            raise StoreUnavailable(
                "The feature store has no 'meta' record: the release in it is incomplete; publish again."
            )
        return StoreMeta(**msgpack.unpackb(value))

    def movies(self) -> Iterator[MovieRecord]:
        """Every movie of the release, in no promised order."""
        return (_movie(value) for _, value in self._backend.scan("mf:"))

    def user(self, user_id: int) -> UserRecord | None:
        """A person's record, None for someone the release does not know."""
        [value] = self._backend.get_many([f"uf:{user_id}"])
        return None if value is None else UserRecord(**msgpack.unpackb(value))

    def user_ids(self) -> list[int]:
        """Every known person, ascending."""
        return sorted(int(key.removeprefix("uf:")) for key in self._backend.keys("uf:"))

    def vectors(self, name: str) -> Iterator[tuple[int, NDArray[np.float32]]]:
        """Every (movieId, (dim,) vector) of one movie embedding."""
        prefix = f"emb:{name}:"
        return (
            (int(key.removeprefix(prefix)), np.frombuffer(value, VECTOR_TYPE))
            for key, value in self._backend.scan(prefix)
        )

    def neighbours(self, name: str) -> Iterator[tuple[int, NDArray[np.int64], NDArray[np.float32]]]:
        """Every (movieId, (k,) neighbour ids, (k,) similarities) of one stored similarity."""
        prefix = f"sim:{name}:"
        for key, value in self._backend.scan(prefix):
            count = len(value) // 12
            ids, scores = np.frombuffer(value, "<i8", count), np.frombuffer(value, VECTOR_TYPE, count, offset=8 * count)
            yield int(key.removeprefix(prefix)), ids, scores

    def user_vector(self, name: str, user_id: int) -> NDArray[np.float32] | None:
        """A person's stored (dim,) embedding, None if there is none."""
        [value] = self._backend.get_many([f"uemb:{name}:{user_id}"])
        return None if value is None else np.frombuffer(value, VECTOR_TYPE)

    def outside_ids(self, who: Literal["movies", "users"]) -> Iterator[tuple[int, str]]:
        """Every (raw id, outside id), in no promised order."""
        prefix = OUTSIDE_PREFIX[who]
        return ((int(key.removeprefix(prefix)), value.decode()) for key, value in self._backend.scan(prefix))

    def outside_people(self, user_ids: Sequence[int]) -> dict[int, str]:
        """raw id → outside id of those people that have one; one round trip."""
        values = self._backend.get_many([f"{OUTSIDE_PREFIX['users']}{user}" for user in user_ids])
        return {user: value.decode() for user, value in zip(user_ids, values, strict=True) if value is not None}

    def close(self) -> None:
        self._backend.close()


def _movie(value: bytes) -> MovieRecord:
    fields: Mapping[str, Any] = msgpack.unpackb(value)
    return MovieRecord(**{**fields, "top_ratings": [tuple(rating) for rating in fields["top_ratings"]]})


def _pack(record: MovieRecord | UserRecord | StoreMeta) -> bytes:
    packed: bytes = msgpack.packb(asdict(record))
    return packed


def _vector_bytes(vector: NDArray[np.float32]) -> bytes:
    if not np.all(np.isfinite(vector)):
        raise ValueError(f"A vector to store must be finite; got {vector[:4]} …; the embedding has diverged.")
    return vector.astype(VECTOR_TYPE).tobytes()
