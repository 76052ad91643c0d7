"""What stops training: full ranking for a bounded sample of people, of what they have not chosen."""

from collections.abc import Sequence

import keras
import numpy as np
import pytest

from sparrow.config import Samples
from sparrow.evaluation import metrics
from sparrow.models.network import CHOICE, LIKING
from sparrow.schema import MAX_ID, Columns
from sparrow.training import validation
from sparrow.training.asked import ask_by_id
from sparrow.training.validation import BothHeads, RankingValidation
from tests.training.boards import Rows, read_samples

Lists = Sequence[np.ndarray]


def rows(users: list[int], movies: list[int]) -> Rows:
    return Rows(np.array(users), np.array(movies), np.zeros(len(users), np.int64), np.ones(len(users), np.int8))


def ids(*values: int) -> np.ndarray:
    return np.array(values, np.int64)


def by_row() -> keras.Model:
    """A network that likes a movie the better, the larger its dense row."""
    inputs = {name: keras.Input((), dtype="int32", name=name) for name in (Columns.USER, Columns.MOVIE)}
    score = keras.ops.expand_dims(keras.ops.cast(inputs[Columns.MOVIE], "float32"), -1)
    ignored = keras.ops.expand_dims(keras.ops.cast(inputs[Columns.USER], "float32"), -1) * 0
    return keras.Model(inputs, {CHOICE: score + ignored})


class Remember:
    """A merit that keeps what it was shown."""

    lists: Lists = ()
    relevant: Lists = ()

    def __call__(self, lists: Lists, relevant: Lists) -> float:
        self.lists, self.relevant = lists, relevant
        return 0.25


POSITIVES = rows([1, 1, 2, 3, MAX_ID], [10, 30, 20, MAX_ID, 40])


@pytest.mark.parametrize("at_once", [2**16, 2])
def test_people_get_the_best_movies_they_have_not_chosen(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(validation, "ROWS_AT_ONCE", at_once)
    source, merit = read_samples(POSITIVES, POSITIVES, Samples()), Remember()
    held_out = ids(MAX_ID, 1, 1, 777), ids(10, 20, 999, 10)
    ranking = RankingValidation(*ask_by_id(source, held_out), CHOICE, merit, length=3)
    assert ranking(by_row()) == 0.25
    found = {
        tuple(relevant.tolist()): best.tolist() for best, relevant in zip(merit.lists, merit.relevant, strict=True)
    }
    assert found == {(20, 999): [MAX_ID, 40, 20], (10,): [MAX_ID, 30, 20]}, "777 is not known; 999 stays wanted"


def test_a_network_is_compiled_once_and_asked_as_it_is_now() -> None:
    source, merit = read_samples(POSITIVES, POSITIVES, Samples()), Remember()
    ranking = RankingValidation(*ask_by_id(source, (ids(1), ids(20))), CHOICE, merit, length=3)
    network, slope, traced = by_row(), keras.Variable(1.0), 0
    told = network.call

    def call(*given: object, **options: object) -> dict[str, object]:
        nonlocal traced
        traced += 1
        return {CHOICE: told(*given, **options)[CHOICE] * slope}

    network.call = call
    ranking(network)
    best = merit.lists[0].tolist()
    slope.assign(-1.0)
    ranking(network)
    assert (traced, merit.lists[0].tolist()) == (1, best[::-1])
    ranking(by_row())
    assert merit.lists[0].tolist() == best, "another network is another one"


def test_strangers_are_not_asked() -> None:
    source = read_samples(POSITIVES, POSITIVES, Samples())
    assert ask_by_id(source, (ids(777), ids(10)))[0] == []
    assert ask_by_id(source, (ids(), ids()))[0] == []


def test_it_asks_a_bounded_sample_that_the_seed_chooses(monkeypatch: pytest.MonkeyPatch) -> None:
    people = rows(list(range(1, 301)), [5, 6, 7] * 100)
    source = read_samples(people, people, Samples())
    held_out = np.arange(1, 301), np.arange(1001, 1301)

    def asked(seed: int) -> list[int]:
        """Whom, told by the movie that each alone is after."""
        merit = Remember()
        RankingValidation(*ask_by_id(source, held_out, seed), CHOICE, merit)(by_row())
        return [int(relevant[0]) for relevant in merit.relevant]

    assert len(asked(1)) == 300, "300 people over 3 movies cost less than half an epoch's rows"
    monkeypatch.setattr(validation, "MOST_PEOPLE", 40)
    assert len(asked(1)) == 40
    assert asked(1) == asked(1) != asked(2)
    monkeypatch.setattr(validation, "MOST_PEOPLE", 2_000)
    monkeypatch.setattr(validation, "FEWEST_PEOPLE", 100)
    monkeypatch.setattr(validation, "SCORES_PER_TRAINED_ROW", 0.0)
    assert len(asked(1)) == 100


def test_both_heads_count_where_both_are_learnt() -> None:
    """`by_row` likes as it ranks: a label that follows the row is told, one that does not is not."""
    model = by_row()
    model = keras.Model(model.inputs, {LIKING: model.output[CHOICE]})
    inputs = {Columns.USER: np.ones(4, np.int32), Columns.MOVIE: np.array([2, 3, 4, 5], np.int32)}
    told = [
        BothHeads(lambda _: 0.25, LIKING, inputs, np.array(labels), metrics.auc)(model)
        for labels in ([0, 0, 1, 1], [1, 1, 0, 0])
    ]
    assert told == [(0.25, 1.0), (0.25, 0.0)]
