"""A release in memory: the real request path over a dictionary, with hand-made vectors and a network that knows the answer."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sparrow.config import Settings
from sparrow.errors import RankerUnavailable, StoreUnavailable
from sparrow.features.encoding import EncodingSpec, Vocabulary
from sparrow.online.catalog import Catalog, Rows, build_catalog
from sparrow.online.deep import Arrays, DeepRanker
from sparrow.online.later_events import LaterEvents
from sparrow.online.recommender import Recommender
from sparrow.online.similarity import MovieSimilarity, load_similarity
from sparrow.schema import Columns, Movie, Rating
from sparrow.stores.feature_store import FeatureStore, MovieRecord, UserRecord
from tests.worlds import World

NAME = "item2vec"


class Dictionary:
    """A `KeyValueStore` in memory; while `down` it cannot answer."""

    waits = False

    def __init__(self) -> None:
        self.items: dict[str, bytes] = {}
        self.down = False

    def get_many(self, keys: Sequence[str]) -> list[bytes | None]:
        if self.down:
            raise StoreUnavailable("the dictionary is closed")
        return [self.items.get(key) for key in keys]

    def scan(self, prefix: str) -> Iterator[tuple[str, bytes]]:
        return ((key, value) for key, value in self.items.items() if key.startswith(prefix))

    def keys(self, prefix: str) -> Iterator[str]:
        return (key for key in self.items if key.startswith(prefix))

    def put_many(self, items: Iterable[tuple[str, bytes]]) -> int:
        before = len(self.items)
        self.items.update(items)
        return len(self.items) - before

    def close(self) -> None: ...


class ParityNetwork:
    """Scores a movie 1 for its own parity's people, 0 for the others; `behave` may replace the answer."""

    def __init__(self, behave: Callable[[NDArray[np.float32]], NDArray[np.float32]] = lambda scores: scores) -> None:
        self.behave, self.asked, self.movies = behave, 0, np.empty(0, np.int64)

    async def predict(self, person: Arrays, rows: Rows) -> NDArray[np.float32]:
        self.asked += 1
        movies = self.movies[rows]
        same = person[Columns.USER] % 2 == movies % 2
        return self.behave(same.astype(np.float32) - movies.astype(np.float32) * 1e-4)

    async def aclose(self) -> None: ...


def out_of_order(scores: NDArray[np.float32]) -> NDArray[np.float32]:
    """A network that is down."""
    raise RankerUnavailable("the network is down")


def movie_record(movie: Movie, ratings: Sequence[Rating] = ()) -> MovieRecord:
    """What the batch job would write for a movie with these ratings."""
    halves = [round(2 * rating.score) for rating in ratings]
    spread = [halves.count(half) for half in range(1, 11)]
    best = sorted(ratings, key=lambda rating: (-rating.score, -rating.timestamp))[:10]
    return MovieRecord(
        movie.movie_id, movie.title, movie.release_year, list(movie.genres), movie.imdb_id, movie.tmdb_id,
        len(halves), sum(halves), sum(half * half for half in halves), spread,
        [(rating.user_id, round(2 * rating.score), rating.timestamp) for rating in best],
    )  # fmt: skip


def user_record(user_id: int, ratings: Sequence[Rating]) -> UserRecord:
    """What the batch job would write for a person with these ratings; online reads only the ratings."""
    ordered = sorted(ratings, key=lambda rating: rating.timestamp)
    return UserRecord(
        user_id, 0, 0, 0, 0, 0, 0, [],
        np.array([rating.movie_id for rating in ordered], "<i8").tobytes(),
        np.array([round(2 * rating.score) for rating in ordered], np.uint8).tobytes(),
        np.array([rating.timestamp for rating in ordered], "<i8").tobytes(),
    )  # fmt: skip


def fill(world: World, store: FeatureStore) -> Catalog:
    """Write a world's movies and people; gives the catalogue."""
    by_movie: dict[int, list[Rating]] = {}
    by_user: dict[int, list[Rating]] = {}
    for rating in world.ratings:
        by_movie.setdefault(rating.movie_id, []).append(rating)
        by_user.setdefault(rating.user_id, []).append(rating)
    store.write_movies(movie_record(movie, by_movie.get(movie.movie_id, ())) for movie in world.movies)
    store.write_users(user_record(user, ratings) for user, ratings in by_user.items())
    return build_catalog(store.movies())


def parity_vectors(movie_ids: Iterable[int]) -> dict[int, NDArray[np.float32]]:
    """Even movies along one axis, odd ones along the other, each a little apart."""
    chance = np.random.default_rng(1)
    axes = np.eye(2, dtype=np.float32)
    return {movie: axes[movie % 2] + chance.normal(0, 0.05, 2).astype(np.float32) for movie in movie_ids}


def make_similarity(
    store: FeatureStore, catalog: Catalog, vectors: Mapping[int, NDArray[np.float32]]
) -> MovieSimilarity:
    """Write vectors and their exact neighbours, and read them back as the request path does."""
    ids = np.array(sorted(vectors), dtype=np.int64)
    rows = np.stack([vectors[movie] for movie in ids.tolist()])
    rows /= np.linalg.norm(rows, axis=1, keepdims=True)
    near = rows @ rows.T
    np.fill_diagonal(near, -2)
    order = np.argsort(-near, axis=1, kind="stable")[:, : len(ids) - 1]
    store.write_vectors("emb", NAME, zip(ids.tolist(), rows, strict=True))
    store.write_neighbours(
        NAME,
        ((movie, ids[places], near[at, places]) for at, (movie, places) in enumerate(zip(ids.tolist(), order, strict=True))),
    )  # fmt: skip
    return load_similarity(store, catalog, NAME, "cosine", rows.shape[1])


def make_recommender(
    world: World,
    settings: Settings | None = None,
    network: ParityNetwork | None = None,
    later: Callable[[int], LaterEvents] = lambda _: LaterEvents(),
    backend: Any = None,
    with_vectors: bool = True,
) -> Recommender:
    """The request path over a world; rated movies have vectors, people of the world are known to the network."""
    store = FeatureStore(backend or Dictionary())
    catalog = fill(world, store)
    rated = {rating.movie_id for rating in world.ratings}
    people = np.unique(np.array([rating.user_id for rating in world.ratings], dtype=np.int64))
    spec = EncodingSpec({Columns.USER: Vocabulary(people), Columns.MOVIE: Vocabulary(catalog.ids)})
    if network:
        network.movies = catalog.ids
    return Recommender(
        release="memory",
        catalog=catalog,
        store=store,
        similarities={NAME: make_similarity(store, catalog, parity_vectors(rated))} if with_vectors else {},
        deep={"neural_cf": DeepRanker("neural_cf", catalog, spec, network)} if network else {},
        later=later,
        settings=settings or Settings(),
    )
