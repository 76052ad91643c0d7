"""Every record written is the record read, over every backend."""

from pathlib import Path

import msgpack
import numpy as np
import pytest

from sparrow.config import Settings
from sparrow.errors import ReleaseError, StoreUnavailable
from sparrow.online.live import open_folder
from sparrow.stores.feature_store import FeatureStore, KeyValueStore, MovieRecord, StoreMeta, UserRecord
from sparrow.stores.lmdb_store import LmdbStore
from tests.stores.small_releases import manifest

LARGEST = 2**63 - 1
MOVIES = [
    MovieRecord(1, "Plain", 1995, ["Drama"], "0000001", "11", 3, 21, 149, [0] * 9 + [3], [(7, 10, 5), (2, 10, 4)]),
    MovieRecord(LARGEST, 'Odd, "quoted" 爱', 0, [], "", "", 0, 0, 0, [0] * 10, []),
    MovieRecord(10, "Ten", 2001, ["A", "B's"], "", "", 1, 1, 1, [1] + [0] * 9, [(LARGEST, 1, LARGEST)]),
]


def user(user_id: int, rated: list[int]) -> UserRecord:
    return UserRecord(
        user_id, len(rated), 10 * len(rated), 100 * len(rated), len(rated), 1, 1999, ["Drama"],
        rated=np.array(rated, dtype="<i8").tobytes(),
        half_stars=np.full(len(rated), 10, dtype=np.uint8).tobytes(),
        timestamps=np.arange(len(rated), dtype="<i8").tobytes(),
    )  # fmt: skip


@pytest.fixture
def store(backend: KeyValueStore) -> FeatureStore:
    return FeatureStore(backend)


def test_movies_round_trip(store: FeatureStore) -> None:
    assert store.write_movies(MOVIES) == 3
    assert sorted(store.movies(), key=lambda movie: movie.movieId) == sorted(MOVIES, key=lambda movie: movie.movieId)


def test_people_round_trip_with_their_ratings(store: FeatureStore) -> None:
    people = [user(1, [5, LARGEST]), user(10, []), user(LARGEST, [1])]
    assert store.write_users(people) == 3
    assert [store.user(person.userId) for person in people] == people
    assert store.user_ids() == [1, 10, LARGEST]
    found = store.user(1)
    assert found is not None
    movies, halves, times = found.ratings()
    assert (movies.tolist(), halves.tolist(), times.tolist()) == ([5, LARGEST], [10, 10], [0, 1])
    assert store.user(100) is None


def test_vectors_of_movies_and_people_do_not_mix(store: FeatureStore) -> None:
    numbers = np.random.default_rng(1).normal(size=(3, 5)).astype(np.float32)
    store.write_vectors("emb", "item2vec", [(1, numbers[0]), (LARGEST, numbers[1])])
    store.write_vectors("emb", "item2vec2", [(2, numbers[2])])
    store.write_vectors("uemb", "item2vec", [(1, numbers[2])])
    assert {movie: vector.tolist() for movie, vector in store.vectors("item2vec")} == {
        1: numbers[0].tolist(), LARGEST: numbers[1].tolist(),
    }  # fmt: skip
    found = store.user_vector("item2vec", 1)
    assert found is not None
    assert found.tolist() == numbers[2].tolist()
    assert found.dtype == np.float32
    assert store.user_vector("item2vec", 2) is None
    assert store.user_vector("other", 1) is None
    assert list(store.vectors("item")) == []


@pytest.mark.parametrize("bad", [np.nan, np.inf])
def test_a_vector_that_is_not_finite_is_never_stored(store: FeatureStore, bad: float) -> None:
    with pytest.raises(ValueError, match="must be finite"):
        store.write_vectors("emb", "item2vec", [(1, np.array([1.0, bad], dtype=np.float32))])


@pytest.mark.parametrize("k", [0, 1, 3])
def test_neighbours_round_trip(store: FeatureStore, k: int) -> None:
    ids, scores = np.array([LARGEST, 5, 7][:k], dtype=np.int64), np.array([0.9, 0.5, -1.0][:k], dtype=np.float32)
    store.write_neighbours("item2vec", [(3, ids, scores)])
    [(movie, found, how)] = store.neighbours("item2vec")
    assert (movie, found.tolist(), how.tolist()) == (3, ids.tolist(), scores.tolist())


def test_meta_round_trip_and_its_absence_means_an_incomplete_release(store: FeatureStore) -> None:
    with pytest.raises(StoreUnavailable, match=r"'meta'.*publish again"):
        store.meta()
    meta = StoreMeta(3, 2, {"item2vec": "cosine", "ease": "inner"}, {"item2vec": 64, "ease": 0})
    store.write_meta(meta)
    assert store.meta() == meta


def test_a_store_with_other_movies_than_its_meta_counts_is_not_served(tmp_path: Path) -> None:
    backend = LmdbStore(tmp_path / "features.lmdb", writable=True)
    FeatureStore(backend).write_movies(MOVIES[:2])
    FeatureStore(backend).write_meta(StoreMeta(3, 0, {}, {}))
    backend.close()
    with pytest.raises(ReleaseError, match="of a holds 2 movies where its 'meta' counts 3; publish"):
        open_folder(tmp_path, manifest("a", models=()), Settings())


def test_keys_are_the_documented_ones(store: FeatureStore, backend: KeyValueStore) -> None:
    store.write_movies(MOVIES[:1])
    store.write_users([user(2, [1])])
    store.write_vectors("emb", "e", [(3, np.zeros(2, dtype=np.float32))])
    store.write_vectors("uemb", "e", [(4, np.zeros(2, dtype=np.float32))])
    store.write_neighbours("e", [(5, np.array([1]), np.zeros(1, dtype=np.float32))])
    store.write_meta(StoreMeta(1, 1, {}, {}))
    assert {key for key, _ in backend.scan("")} == {"mf:1", "uf:2", "emb:e:3", "uemb:e:4", "sim:e:5", "meta"}
    [movie] = backend.get_many(["mf:1"])
    assert movie is not None
    assert msgpack.unpackb(movie)["title"] == "Plain"
