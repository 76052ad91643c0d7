"""One contract for every model of the room, in a world whose answer is known; and each formula once more, plainly."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from sparrow.errors import BuildError, DataError
from sparrow.retrieval.ease import Ease
from sparrow.retrieval.fusion import Blend, standardise
from sparrow.retrieval.ials import Ials
from sparrow.retrieval.interactions import Interactions
from sparrow.retrieval.item_knn import ItemKnn
from sparrow.retrieval.model import Model, Saved
from sparrow.retrieval.next_item import NextItem
from sparrow.retrieval.popular import Popular
from sparrow.retrieval.recommenders import RECOMMENDERS, fit
from sparrow.retrieval.vectors import NearHistory
from sparrow.stores.embedding_table import EmbeddingTable
from tests.worlds import checkerboard

WORLD = checkerboard()
LIKED = [row for row in WORLD.ratings if row.score > 3]


def board(rows: Any = LIKED) -> Interactions:
    users, movies, stars, times = (np.array(column) for column in zip(
        *((row.user_id, row.movie_id, row.score, row.timestamp) for row in rows), strict=True
    ))  # fmt: skip
    return Interactions.from_rows(users, movies, stars, times, np.arange(1, 41))


def near_history(train: Interactions) -> NearHistory:
    parity = np.stack((train.movie_ids % 2, 1 - train.movie_ids % 2), axis=1).astype(np.float32)
    return NearHistory.of(EmbeddingTable("parity", train.movie_ids, parity, "cosine"), train)


SMALL: dict[str, dict[str, Any]] = {
    "item_knn": {"neighbours": 10},
    "ease": {"l2": 5.0, "stars": 0.1},
    "edlae": {"l2": 5.0, "dropout": 0.3, "user_power": 0.5, "movie_power": 0.25},
    "als": {"dim": 4, "alpha": 0.1, "reg": 0.1, "stars": 0.2},
    "next_item": {"l2": 1.0},
    "blend": {"dim": 4, "alpha": 0.1, "reg": 0.1, "l2": 5.0},
}
FITS: dict[str, Callable[[Interactions], Model]] = {
    name: (lambda train, name=name: fit(name, train, SMALL.get(name, {}))) for name in RECOMMENDERS
} | {"near_history": near_history}
PERSONAL = sorted(FITS.keys() - {"popular"})


def own_parity(scores: np.ndarray, histories: Interactions, places: int = 6) -> float:
    """How many of the best unseen movies have the person's parity."""
    unseen = np.where(histories.matrix().toarray() > 0, -np.inf, scores)
    best = histories.movie_ids[np.argsort(-unseen, axis=1)[:, :places]]
    return float(np.mean(best % 2 == histories.user_ids[:, None] % 2))


@pytest.mark.parametrize("name", PERSONAL)
def test_it_finds_the_checkerboard(name: str) -> None:
    train = board()
    assert own_parity(FITS[name](train).scores(train), train) > 0.95


@pytest.mark.parametrize("name", PERSONAL)
def test_someone_who_arrived_afterwards_is_scored_from_a_history(name: str) -> None:
    train = board([row for row in LIKED if row.user_id > 10])
    later = board([row for row in LIKED if row.user_id <= 10])
    assert own_parity(FITS[name](train).scores(later), later) > 0.95


@pytest.mark.parametrize("name", sorted(FITS))
def test_scores_are_float32_finite_and_do_not_depend_on_the_block(name: str) -> None:
    train = board(WORLD.ratings)
    model = FITS[name](train)
    scores = model.scores(train)
    assert scores.shape == (60, 40) and scores.dtype == np.float32 and np.isfinite(scores).all()
    some = train.user_ids[[3, 17, 59]]
    assert model.scores(train.of(some)) == pytest.approx(scores[[3, 17, 59]], abs=1e-5)
    assert np.array_equal(FITS[name](train).scores(train), scores), "the same every time"


@pytest.mark.parametrize("name", sorted(FITS.keys() - {"blend"}))
def test_what_is_saved_comes_back(name: str, tmp_path: Path) -> None:
    train = board(WORLD.ratings)
    model = FITS[name](train)
    assert isinstance(model, Saved) and isinstance(model, Model)
    model.save(tmp_path / "model.npz")
    back = type(model).load(tmp_path / "model.npz")
    assert np.array_equal(back.scores(train), model.scores(train))
    other = Popular if name != "popular" else Ease
    with pytest.raises(DataError, match=f"holds a model of kind {model.kind}"):
        other.load(tmp_path / "model.npz")


@pytest.mark.parametrize("name", sorted(FITS))
def test_histories_over_other_movies_are_refused(name: str) -> None:
    fewer = Interactions.from_rows(np.array([1]), np.array([2]))
    with pytest.raises(ValueError, match="Histories over 1 movies"):
        FITS[name](board()).scores(fewer)


@pytest.mark.parametrize("name", sorted(FITS))
def test_constant_ratings_are_no_ratings(name: str) -> None:
    users, movies = (np.array([getattr(row, field) for row in LIKED]) for field in ("user_id", "movie_id"))
    stars = np.full(len(LIKED), 3.0)
    with_stars = Interactions.from_rows(users, movies, stars, None, np.arange(1, 41))
    without = Interactions.from_rows(users, movies, None, None, np.arange(1, 41))
    assert np.array_equal(FITS[name](with_stars).scores(with_stars), FITS[name](without).scores(without))


def random_matrix(seed: int = 1) -> tuple[Interactions, np.ndarray]:
    dense = np.random.default_rng(seed).random((30, 12)) < 0.4
    dense[:, 0] = True
    users, movies = np.nonzero(dense)
    return Interactions.from_rows(users, movies), dense.astype(float)


def test_ease_solves_its_constrained_ridge_column_by_column() -> None:
    train, dense = random_matrix()
    weights = Ease.fit(train, l2=3.0).weights
    for movie in range(12):
        others = np.delete(np.arange(12), movie)
        inputs = dense[:, others]
        expected = np.linalg.solve(inputs.T @ inputs + 3.0 * np.eye(11), inputs.T @ dense[:, movie])
        assert weights[others, movie] == pytest.approx(expected, abs=1e-5)
    assert np.all(np.diag(weights) == 0)


def test_ease_of_few_movies_leaves_the_others_at_nothing() -> None:
    train, _ = random_matrix()
    model = Ease.fit(train, l2=3.0, largest=5)
    most = set(np.argsort(-train.popularity(), kind="stable")[:5].tolist())
    assert set(model.inside.tolist()) == most
    assert set(np.flatnonzero(np.any(model.scores(train) != 0, axis=0)).tolist()) <= most


def test_ials_lowers_its_own_loss_and_ends_where_the_gradient_is_nothing() -> None:
    train, dense = random_matrix()
    alpha, reg, nu = 0.2, 0.3, 0.5

    def loss(model: Ials) -> float:
        people = model.people(train)
        scores = people @ model.vectors.T
        of_people = reg * (dense.sum(axis=1) + alpha * 12) ** nu
        of_movies = reg * (dense.sum(axis=0) + alpha * 30) ** nu
        fitted = np.sum(dense * (scores - 1) ** 2) + alpha * np.sum(scores**2)
        return float(fitted + of_people @ np.sum(people**2, axis=1) + of_movies @ np.sum(model.vectors**2, axis=1))

    losses = [loss(Ials.fit(train, dim=3, alpha=alpha, reg=reg, nu=nu, epochs=epochs)) for epochs in (1, 2, 5, 60, 61)]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] == pytest.approx(losses[-2], rel=1e-4)


def test_ials_tells_its_progress_and_listens_to_stars() -> None:
    told: list[tuple[int, int]] = []
    train = board(WORLD.ratings)
    deaf = Ials.fit(train, dim=4, epochs=3, stars=0.0, progress=lambda done, total: told.append((done, total)))
    assert told == [(at, 6) for at in range(1, 7)]
    keen = Ials.fit(train, dim=4, epochs=3, stars=1.0)
    assert own_parity(keen.scores(train), train) >= own_parity(deaf.scores(train), train)
    assert not np.allclose(keen.scores(train), deaf.scores(train))


def test_item_knn_counts_by_hand() -> None:
    train = Interactions.from_rows(np.array([1, 1, 2, 2, 3]), np.array([10, 20, 10, 20, 10]))
    cosine = 2 / np.sqrt(3 * 2)
    assert ItemKnn.fit(train, neighbours=2).scores(train).tolist() == [
        pytest.approx([cosine, cosine]), pytest.approx([cosine, cosine]), pytest.approx([0, cosine])
    ]  # fmt: skip


def test_the_next_movie_follows_the_latest() -> None:
    """Everybody walks a ring of ten movies; whoever stands at 4 goes to 5, whatever came before."""
    users = np.repeat(np.arange(10), 5)
    movies = (np.repeat(np.arange(10), 5) + np.tile(np.arange(5), 10)) % 10
    train = Interactions.from_rows(users, movies, None, np.tile(np.arange(5), 10))
    scores = NextItem.fit(train, l2=0.01, decay=0.5).scores(train)
    unseen = np.where(train.matrix().toarray() > 0, -np.inf, scores)
    assert np.argmax(unseen, axis=1).tolist() == [(person + 5) % 10 for person in range(10)]
    with pytest.raises(BuildError, match="two movies in a row"):
        NextItem.fit(Interactions.from_rows(np.array([1, 2]), np.array([1, 2])))


def test_a_blend_weighs_standardised_scores() -> None:
    train = board()
    popular, knn = Popular.fit(train), ItemKnn.fit(train)
    alone = Blend({"knn": knn}, {"knn": 2.0}).scores(train)
    met = train.matrix().toarray() > 0
    assert alone == pytest.approx(2 * standardise(knn.scores(train), met))
    fresh = np.where(met, np.nan, alone / 2)
    assert np.nanmean(fresh, axis=1) == pytest.approx(np.zeros(60), abs=1e-5)
    assert np.nanstd(fresh, axis=1) == pytest.approx(np.ones(60), rel=1e-4)
    assert np.all(standardise(np.ones((2, 3), dtype=np.float32), np.zeros((2, 3), dtype=bool)) == 0)
    with pytest.raises(ValueError, match="one weight per model"):
        Blend({"popular": popular}, {"knn": 1.0})
