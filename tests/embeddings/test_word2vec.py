"""Item2vec in the checkerboard world: movies of one parity are liked together, so they must lie together."""

from collections import defaultdict

import numpy as np
import pytest
from gensim.models import Word2Vec
from numpy.typing import NDArray

from sparrow.config import Item2vec
from sparrow.embeddings import word2vec
from sparrow.embeddings.neighbours import nearest
from sparrow.embeddings.people import embed_people
from sparrow.embeddings.word2vec import Sentences, train_item2vec
from sparrow.errors import BuildError
from sparrow.schema import LIKED_RATING
from sparrow.stores.embedding_table import EmbeddingTable
from tests.worlds import World, checkerboard

SETTINGS = Item2vec(
    dim=16, window=20, epochs=40, negative=10, exponent=0.75, subsample=0, min_count=3, workers=1, seed=1
)


def likes_of(world: World) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
    liked: dict[int, list[int]] = defaultdict(list)
    for rating in sorted(world.ratings, key=lambda rating: rating.timestamp):
        if rating.score >= LIKED_RATING:
            liked[rating.user_id].append(rating.movie_id)
    people = sorted(liked)
    return np.array(people), [np.array(liked[person]) for person in people]


@pytest.mark.parametrize(("mode", "seed"), [("skip_gram", 1), ("skip_gram", 2), ("cbow", 1)])
def test_nearest_neighbours_share_the_parity(mode: str, seed: int) -> None:
    people, sequences = likes_of(checkerboard(seed=seed))
    table = train_item2vec(sequences, SETTINGS.model_copy(update={"mode": mode}))
    assert table.ids.tolist() == list(range(1, 41))
    assert (table.dim, table.vectors.dtype, table.similarity) == (16, np.float32, "cosine")
    near = nearest(table, k=10)
    assert np.mean(near.nearest % 2 == near.ids[:, None] % 2) >= 0.98
    assert np.all(near.nearest[:, 0] % 2 == near.ids % 2)
    persons = embed_people(people, sequences, table)
    closest = table.ids[np.argsort(-(persons.comparable() @ table.comparable().T), axis=1)[:, :10]]
    assert np.mean(closest % 2 == people[:, None] % 2) >= 0.98


def test_one_worker_and_one_seed_give_the_same_vectors_again() -> None:
    _, sequences = likes_of(checkerboard())
    quick = SETTINGS.model_copy(update={"epochs": 2})
    first, again = train_item2vec(sequences, quick), train_item2vec(sequences, quick)
    np.testing.assert_array_equal(first.vectors, again.vectors)
    other = train_item2vec(sequences, quick.model_copy(update={"seed": 2}))
    assert not np.array_equal(first.vectors, other.vectors)


def test_vectors_are_centred() -> None:
    _, sequences = likes_of(checkerboard())
    table = train_item2vec(sequences, SETTINGS.model_copy(update={"epochs": 2}))
    np.testing.assert_allclose(table.vectors.mean(axis=0), 0, atol=1e-6)


def test_movies_below_the_least_count_have_no_vector_and_large_ids_do() -> None:
    large = 2**63 - 1
    sequences = [np.array([1, 2, large])] * 3 + [np.array([7, 1])]
    table = train_item2vec(sequences, SETTINGS.model_copy(update={"min_count": 3, "epochs": 1}))
    assert table.ids.tolist() == [1, 2, large]


@pytest.mark.parametrize("sequences", [[], [np.array([], dtype=np.int64)], [np.array([1, 2]), np.array([3])]])
def test_too_few_likes_are_told_with_their_cure(sequences: list[NDArray[np.int64]]) -> None:
    with pytest.raises(BuildError, match=r"No movie is liked 3 times; lower item2vec\.min_count"):
        train_item2vec(sequences, SETTINGS)


def test_progress_is_told_after_every_epoch() -> None:
    _, sequences = likes_of(checkerboard(users=10))
    told: list[tuple[int, int]] = []
    settings = SETTINGS.model_copy(update={"epochs": 3})
    train_item2vec(sequences, settings, lambda done, total: told.append((done, total)))
    assert told == [(1, 3), (2, 3), (3, 3)]


def test_sentences_are_read_again_and_again_and_long_ones_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(word2vec, "LONGEST", 3)
    large = 2**63 - 1
    sentences = Sentences([np.array([1, 2, 3, 0, large, 1, 2]), np.array([], dtype=np.int64), np.array([large])])
    expected = [["1", "2", "3"], ["0", str(large), "1"], ["2"], [str(large)]]
    assert list(sentences) == expected
    again = list(sentences)
    assert again == expected
    assert again[1][1] is again[3][0], "one string a movie, shared by all its places"


def test_vectors_are_those_of_bare_gensim_with_the_mean_taken_out() -> None:
    _, sequences = likes_of(checkerboard())
    quick = SETTINGS.model_copy(update={"epochs": 3})
    words = [[str(movie) for movie in sequence.tolist()] for sequence in sequences]
    bare = Word2Vec(
        words, vector_size=16, window=20, epochs=3, negative=10, ns_exponent=0.75, sample=0, min_count=3, workers=1, seed=1, sg=1
    ).wv  # fmt: skip
    ours = train_item2vec(sequences, quick)
    theirs = np.stack([bare[str(movie)] for movie in ours.ids.tolist()])
    mine = ours.comparable() @ ours.comparable().T
    centred = EmbeddingTable("bare", ours.ids, theirs - theirs.mean(axis=0), "cosine").comparable()
    # The order of the vocabulary differs where counts tie, so chance falls differently: alike, not equal.
    assert np.corrcoef(mine.ravel(), (centred @ centred.T).ravel())[0, 1] > 0.9
