"""What is served of iALS and EASE is what `retrieval` scores; and the file, the reasons and the strangers around it."""

import asyncio
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from sparrow.build.collaborative import stored
from sparrow.config import Settings
from sparrow.errors import RankerUnavailable, ReleaseError
from sparrow.features.encoding import EncodingSpec, Vocabulary
from sparrow.online.collaborative import Collaborative, CollaborativeRanker, CollaborativeRecall
from sparrow.online.deep import Arrays, DeepRanker
from sparrow.online.ensemble import Chosen, EnsembleRanker, standardised
from sparrow.online.people import Person, person_from_history
from sparrow.online.recall import Request
from sparrow.online.recommender import Recommender
from sparrow.online.wanted import Wanted
from sparrow.retrieval.ease import Ease
from sparrow.retrieval.fusion import Blend, fit_blend
from sparrow.retrieval.interactions import Interactions
from sparrow.schema import Columns, Rating
from sparrow.stores.collaborative_model import CollaborativeModel
from tests.conftest import BARE, small_world
from tests.online.memory import make_recommender
from tests.worlds import random_world

KEPT = 12
WORLD = random_world(users=60, movies=80)
BOARD = small_world()


def interactions(ratings: tuple[Rating, ...], more: np.ndarray | None = None, told: bool = True) -> Interactions:
    users, movies, stars, times = (
        np.array([getattr(row, field) for row in ratings]) for field in ("user_id", "movie_id", "score", "timestamp")
    )
    return Interactions.from_rows(users, movies, stars if told else None, times, more)


def kept_blend(train: Interactions) -> Blend:
    blend = fit_blend(train, dim=8, l2=5.0, ease_min_count=2)
    ease = blend.models["ease"]
    assert isinstance(ease, Ease)
    return Blend({"als": blend.models["als"], "ease": ease.pruned(KEPT)}, blend.weights)


def served(board: Recommender, train: Interactions) -> Collaborative:
    return Collaborative(board.catalog, stored(kept_blend(train), KEPT))


@pytest.fixture(scope="module")
def board() -> Recommender:
    plain = make_recommender(BOARD)
    return replace(plain, collaborative=served(plain, interactions(BOARD.ratings)))


def own_ratings(user: int) -> list[Rating]:
    return [row for row in WORLD.ratings if row.user_id == user]


@pytest.mark.parametrize("told", [True, False])
@pytest.mark.parametrize("trained", [True, False])
def test_served_scores_are_those_of_retrieval(told: bool, trained: bool) -> None:
    """For people it learnt from and strangers, with ratings and without."""
    people = [user for user in sorted({row.user_id for row in WORLD.ratings}) if len(own_ratings(user)) > 1]
    asked = people[:20]
    learnt = tuple(row for row in WORLD.ratings if trained or row.user_id not in asked)
    train = interactions(learnt, told=told)
    recommender = make_recommender(WORLD)
    online = served(recommender, train)
    columns = recommender.catalog.known_rows(train.movie_ids)[0]
    compared = 0
    for user in asked:
        rows = tuple(row for row in own_ratings(user) if row.movie_id in train.movie_ids)
        if not any(row.score >= 3.5 for row in rows):
            continue
        histories = interactions(rows, train.movie_ids)
        histories = replace(histories, stars=np.array([row.score for row in sorted(rows, key=lambda r: r.movie_id)]))
        taste = online.taste(person_from_history(recommender.catalog, [(row.movie_id, row.score) for row in rows]))
        assert taste is not None
        assert taste.summed[columns] == pytest.approx(kept_blend(train).scores(histories)[0], abs=1e-4)
        compared += 1
    assert compared >= 10


def test_the_model_survives_its_file(tmp_path: Path) -> None:
    model = stored(kept_blend(interactions(WORLD.ratings)), KEPT)
    model.save(tmp_path / "model.npz")
    back = CollaborativeModel.load(tmp_path / "model.npz")
    for name, value in vars(model).items():
        assert np.array_equal(np.asarray(getattr(back, name)), np.asarray(value), equal_nan=True), name
    (tmp_path / "model.npz").write_bytes(b"half")
    with pytest.raises(ReleaseError, match="no collaborative model"):
        CollaborativeModel.load(tmp_path / "model.npz")


def test_a_model_of_other_movies_is_refused(board: Recommender) -> None:
    model = stored(kept_blend(interactions(WORLD.ratings)), KEPT)
    with pytest.raises(ReleaseError, match="movies that its release lacks"):
        Collaborative(board.catalog, model)


def of_board(board: Recommender) -> Collaborative:
    assert board.collaborative is not None
    return board.collaborative


def request_of(board: Recommender, person: Person) -> Request:
    return Request(None, person, board.allowed(person))


@pytest.mark.parametrize("user", [1, 2, 31, 60])
def test_the_route_brings_the_own_parity_and_says_because_of_what(board: Recommender, user: int) -> None:
    own = [(row.movie_id, row.score) for row in BOARD.ratings if row.user_id == user]
    person = person_from_history(board.catalog, own)
    found = CollaborativeRecall(of_board(board)).recall(request_of(board, person), 6)
    ids, liked = board.catalog.ids[found.rows], board.catalog.ids[person.liked]
    assert len(ids) == 6
    assert not set(ids.tolist()) & {movie for movie, _ in own}
    assert np.mean(ids % 2 == user % 2) >= 5 / 6
    assert np.all(np.diff(found.scores) <= 0)
    near = found.near(found.rows)
    assert (near >= 0).any()
    assert set(board.catalog.ids[near[near >= 0]].tolist()) <= set(liked.tolist())


def test_the_reason_is_the_like_that_speaks_most(board: Recommender) -> None:
    online = of_board(board)
    person = person_from_history(board.catalog, [(2, 5.0), (4, 5.0), (6, 5.0), (1, 1.0)])
    candidates = np.arange(len(board.catalog), dtype=np.int32)
    near = online.nearest_liked(person, candidates)
    blend = kept_blend(interactions(BOARD.ratings))
    ease = blend.models["ease"]
    assert isinstance(ease, Ease)
    at = np.searchsorted(ease.movie_ids[ease.inside], [2, 4, 6])
    for column, movie in enumerate(ease.movie_ids[ease.inside]):
        weights = ease.weights[at, column]
        told = near[board.catalog.row(int(movie))]
        expected = [2, 4, 6][int(np.argmax(weights))] if weights.max() > 0 else None
        assert (None if told < 0 else int(board.catalog.ids[told])) == expected


def test_whoever_likes_nothing_known_is_unknown(board: Recommender) -> None:
    online = of_board(board)
    for history in ([], [(BARE, 5.0)], [(2, 1.0)]):
        person = person_from_history(board.catalog, history)
        assert not online.knows(person)
        assert len(CollaborativeRecall(online).recall(request_of(board, person), 10).rows) == 0
        with pytest.raises(RankerUnavailable, match="Nothing they like"):
            asyncio.run(CollaborativeRanker(online).rank(request_of(board, person), np.arange(3, dtype=np.int32)))
        listing = asyncio.run(board.for_person(person, Wanted(5), "collaborative"))
        assert (listing.pipeline, len(listing.items), listing.degraded) == ("for_you:popularity", 5, ())


def test_a_movie_nobody_met_scores_and_is_not_recalled(board: Recommender) -> None:
    person = person_from_history(board.catalog, [(2, 5.0)])
    taste = of_board(board).taste(person)
    assert taste is not None
    assert np.isfinite(taste.summed[board.catalog.row(BARE)])


def test_the_explanation_tells_the_parts(board: Recommender) -> None:
    listing = asyncio.run(board.for_history([(2, 5.0), (4, 4.0)], Wanted(5, explain=True)))
    assert listing.pipeline == "for_you:collaborative"
    for item in listing.items:
        assert item.trace is not None
        parts = item.trace["parts"]
        assert item.trace["score"] == pytest.approx(2 * parts["als"] + parts["ease"], abs=1e-3)
        liked = [reason for reason in item.reasons if reason.kind == "because_liked"]
        assert len(liked) <= 1, "one such reason is enough"


def test_the_default_is_what_the_release_chose_and_settings_may_overrule_it(board: Recommender) -> None:
    assert board.models == ("collaborative", "history", "popularity")
    chosen = replace(board, chosen=Chosen("history"))
    assert chosen.models[0] == "history"
    other = Settings.model_validate({"for_you": {"ranker": "popularity"}})
    overruled = replace(chosen, settings=other)
    assert overruled.models[0] == "popularity"
    person = person_from_history(board.catalog, [(2, 5.0)])
    assert asyncio.run(overruled.for_person(person, Wanted(3))).pipeline == "for_you:popularity"


class Fixed:
    """A ranker, or a network, whose scores are given."""

    needs_known_user = False

    def __init__(self, name: str, scores: list[float]) -> None:
        self.name, self._scores = name, np.array(scores, dtype=np.float32)

    async def rank(self, request: Request, candidates: np.ndarray) -> np.ndarray:  # noqa: ARG002
        return self._scores[: len(candidates)]

    async def predict(self, person: Arrays, rows: np.ndarray) -> np.ndarray:  # noqa: ARG002
        return self._scores[: len(rows)]

    async def aclose(self) -> None: ...


def test_an_ensemble_weighs_standardised_scores_and_logits_of_networks(board: Recommender) -> None:
    request, rows = request_of(board, person_from_history(board.catalog, ())), np.arange(3, dtype=np.int32)
    spec = EncodingSpec({Columns.MOVIE: Vocabulary(board.catalog.ids)})
    network = DeepRanker("neural_cf", board.catalog, spec, Fixed("neural_cf", [0.9, 0.5, 0.1]))
    ranker = EnsembleRanker(
        {"collaborative": Fixed("collaborative", [1, 2, 3]), "neural_cf": network},
        {"collaborative": 1.0, "neural_cf": 0.5},
    )
    one = np.sqrt(1.5)
    assert asyncio.run(ranker.rank(request, rows)) == pytest.approx([-one / 2, 0, one / 2], abs=1e-6)
    assert standardised(network, np.array([0.5, 0.9], np.float32)) == pytest.approx([-1, 1])
    assert standardised(Fixed("x", []), np.full(3, 7, np.float32)).tolist() == [0, 0, 0]
    assert asyncio.run(ranker.rank(request, rows[:0])).shape == (0,)


def test_a_choice_survives_its_file_and_a_broken_one_is_told(tmp_path: Path) -> None:
    path = tmp_path / "for_you.json"
    assert Chosen.load(path) == Chosen()
    chosen = Chosen("ensemble", {"collaborative": 1.0, "neural_cf": 0.2}, {"people": 3})
    chosen.save(path)
    assert Chosen.load(path) == chosen
    path.write_text('{"unheard": 1}')
    with pytest.raises(ReleaseError, match="no choice of a ranker"):
        Chosen.load(path)
