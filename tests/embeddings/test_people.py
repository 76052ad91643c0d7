"""A stored vector for everyone who liked a movie that has one."""

import numpy as np

from sparrow.embeddings.people import embed_people
from sparrow.features.user_vector import user_vector
from sparrow.stores.embedding_table import EmbeddingTable

LARGEST = 2**63 - 1
MOVIES = EmbeddingTable("toy", np.array([2, 5, LARGEST]), np.array([[1, 0], [0, 1], [3, 3]], dtype=np.float32), "inner")


def ids(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_a_person_is_the_weighted_mean_of_the_known_likes_in_their_order() -> None:
    people = embed_people(ids(1, LARGEST), [ids(5, 3, 2), ids(LARGEST)], MOVIES)
    assert (people.name, people.similarity, people.ids.tolist()) == ("toy", "inner", [1, LARGEST])
    np.testing.assert_array_equal(people.vectors[0], user_vector(MOVIES.vectors[[1, 0]]))
    assert people.vectors[0][0] > people.vectors[0][1], "the newest like counts most"
    assert people.vectors[1].tolist() == [3.0, 3.0]


def test_people_without_a_known_like_have_no_vector() -> None:
    people = embed_people(ids(1, 2, 3), [ids(), ids(3, 4, 6), ids(2)], MOVIES)
    assert people.ids.tolist() == [3]
    nobody = embed_people(ids(1), [ids(9)], MOVIES)
    assert nobody.vectors.shape == (0, 2)
    assert nobody.ids.dtype == np.int64


def test_many_people_have_the_vectors_that_one_by_one_gives() -> None:
    chance = np.random.default_rng(4)
    movies = EmbeddingTable("toy", 3 * np.arange(50), chance.normal(size=(50, 8)).astype(np.float32), "cosine")
    sequences = [chance.integers(0, 160, size=chance.integers(0, 300)) for _ in range(200)]
    people = embed_people(np.arange(200), sequences, movies)
    expected = {}
    for person, liked in enumerate(sequences):
        known = liked[np.isin(liked, movies.ids)]
        if len(known):
            expected[person] = user_vector(movies.vectors[known // 3])
    assert people.ids.tolist() == list(expected)
    np.testing.assert_allclose(people.vectors, np.stack(list(expected.values())), rtol=1e-6, atol=1e-7)
