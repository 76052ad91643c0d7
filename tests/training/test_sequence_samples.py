"""Windows: every movie a target once, after what really came before it; and positives with their shares."""

import numpy as np
import pytest

from sparrow.config import SasRec
from sparrow.errors import BuildError
from sparrow.features.encoding import FIRST_ROW, PAD_ROW, UNKNOWN_ROW, EncodingSpec, Vocabulary
from sparrow.features.inputs import RATED
from sparrow.models import ARCHITECTURES
from sparrow.models.network import CHOICE, LIKING
from sparrow.models.sasrec import NEXT
from sparrow.models.softmax import LOG_Q, SHOWN
from sparrow.schema import Columns
from sparrow.training.batches import Batch
from sparrow.training.in_batch_samples import PrefixSamples
from sparrow.training.sequence_samples import Sequences, SequenceSamples, windows
from sparrow.training.vector_recommender import fit_recommender
from tests.models.board import SETTINGS

pytestmark = pytest.mark.slow

COUNTS = np.array([7, 1, 0, 4])
STARTS = np.concatenate(([0], np.cumsum(COUNTS)))
MOVIES = np.arange(FIRST_ROW, FIRST_ROW + STARTS[-1])
IDS = np.arange(STARTS[-1]) * 3
LIKED = MOVIES % 2 == 0


def spec(length: int) -> EncodingSpec:
    return EncodingSpec({RATED: Vocabulary(IDS, length), Columns.MOVIE: Vocabulary(IDS)})


def sequences(liked: bool = True) -> Sequences:
    return Sequences.of(STARTS, MOVIES, LIKED if liked else None)


def epoch(number: int = 0, length: int = 3, share: float = 0.0, liked: bool = True) -> Batch:
    return Batch.join(list(SequenceSamples(spec(length), sequences(liked), share, 1)(number)))


@pytest.mark.parametrize("length", [1, 3, 7, 50])
def test_every_movie_is_a_target_once_behind_the_one_before_it(length: int) -> None:
    told = epoch(length=length)
    there = told.weights[CHOICE] > 0
    known = told.inputs[NEXT] != UNKNOWN_ROW
    after, before = told.inputs[NEXT][there & known], told.inputs[RATED][there & known]
    assert there.sum() == len(MOVIES) and len(np.unique(after)) == len(after)
    first = np.isin(after, MOVIES[STARTS[:-1][COUNTS > 0]])
    assert np.array_equal(before[~first], after[~first] - 1), "also where a window begins in the middle"
    assert np.all(before[first] == PAD_ROW)


def test_padding_weighs_nothing_and_stands_in_front() -> None:
    told = epoch()
    assert np.array_equal(told.inputs[NEXT] == PAD_ROW, told.weights[CHOICE] == 0)
    assert np.all(np.diff(told.weights[CHOICE], axis=1) >= 0)


def test_a_window_ends_where_the_newer_one_begins() -> None:
    people, ends = windows(COUNTS, 3)
    assert people.tolist() == [0, 0, 0, 1, 3, 3]
    assert ends.tolist() == [7, 4, 1, 1, 4, 1]


def test_likes_go_with_their_movies_and_are_left_out_without_ratings() -> None:
    told = epoch()
    there = (told.weights[LIKING] > 0) & (told.inputs[NEXT] != UNKNOWN_ROW)
    assert np.array_equal(told.labels[LIKING][there] == 1, told.inputs[NEXT][there] % 2 == 0)
    assert epoch(liked=False).weights[LIKING].sum() == 0


def test_epochs_differ_in_order_repeat_by_seed_and_forget_a_share() -> None:
    first, again, second = epoch(0), epoch(0), epoch(1)
    assert np.array_equal(first.inputs[RATED], again.inputs[RATED])
    assert not np.array_equal(first.inputs[RATED], second.inputs[RATED])
    half = np.concatenate([epoch(number, share=0.5).inputs[RATED].ravel() for number in range(20)])
    assert (half == UNKNOWN_ROW).sum() / (half != PAD_ROW).sum() == pytest.approx(0.5, abs=0.1)


def test_a_target_is_unknown_as_often_as_it_is_any_movie() -> None:
    hidden = [(epoch(number).inputs[NEXT] == UNKNOWN_ROW).sum() for number in range(300)]
    assert np.mean(hidden) == pytest.approx(1, abs=0.2), "one in twelve of twelve targets"


def test_prefixes_tell_what_came_before_and_how_likely_a_batch_holds_a_movie() -> None:
    told = Batch.join(list(PrefixSamples(spec(2), sequences(), 0.0, 1)(0)))
    shown = told.inputs[Columns.MOVIE]
    assert sorted(shown.tolist()) == MOVIES.tolist()
    row = told.inputs[RATED][shown == MOVIES[3]][0]
    assert row.tolist() == MOVIES[1:3].tolist()
    assert told.inputs[RATED][shown == MOVIES[0]][0].tolist() == [PAD_ROW, PAD_ROW]
    assert np.array_equal(told.labels[SHOWN], shown)
    assert told.labels[LOG_Q] == pytest.approx(-np.log(len(MOVIES)), abs=1e-6)


def test_nothing_to_learn_from_is_said() -> None:
    with pytest.raises(BuildError, match="no sequence to learn from"):
        SequenceSamples(spec(3), Sequences.of(np.array([0, 0]), np.empty(0, np.int64), None), 0.0, 1)
    pairs = Sequences.of(np.array([0, 2]), MOVIES[:2], None)
    with pytest.raises(BuildError, match="sasrec needs people with three movies in a row"):
        fit_recommender(ARCHITECTURES["sasrec"], SasRec(), "sasrec", pairs, IDS, 3)


@pytest.mark.parametrize("name", ["sasrec", "two_tower"])
def test_a_recommender_learns_what_follows_what(name: str) -> None:
    """Everybody walks round a circle of twelve movies; the next one is known from the last. Ratings are absent."""
    chance = np.random.default_rng(3)
    first = chance.integers(0, 12, 90)
    rows = (first[:, None] + np.arange(6)) % 12 + FIRST_ROW
    circle = Sequences.of(np.arange(91) * 6, rows.ravel(), None)
    architecture = ARCHITECTURES[name]
    section = getattr(SETTINGS, name).model_copy(update={"dropout": 0.0, "batch": 16, "patience": 30})
    fitted = fit_recommender(architecture, section, name, circle, np.arange(12), 5)
    scores = fitted.scores(circle.movies)
    scores[np.repeat(np.arange(90), 6), rows.ravel() - FIRST_ROW] = -np.inf
    assert np.mean(scores.argmax(axis=1) == (first + 6) % 12) >= 0.9
