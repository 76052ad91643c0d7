"""The rules of a case and the lists: masks, candidates, denominators, ties, blocks."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from sparrow.errors import DataError
from sparrow.evaluation import full_ranking
from sparrow.evaluation.cases import Case, make_case
from sparrow.evaluation.full_ranking import NOBODY, ask, judge_lists, top_k
from sparrow.evaluation.rows import Rows


def rows(*pairs: tuple[int, int]) -> Rows:
    users, movies = (np.array(column, dtype=np.int64) for column in zip(*pairs, strict=True))
    return Rows(users, movies)


TRAIN = rows((1, 10), (1, 20), (2, 10), (2, 30), (2, 30), (3, 40))
TEST = rows((1, 30), (1, 99), (2, 20), (2, 10), (7, 10), (7, 40), (7, 40))


def case() -> Case:
    return make_case(TRAIN, TEST)


def flat(case: Case) -> full_ranking.Scorer:
    """Smaller movies first, for everybody."""
    return lambda people: np.tile(-case.movies.astype(np.float32), (len(people), 1))


def test_the_rules_are_counted() -> None:
    made = case()
    assert made.movies.tolist() == [10, 20, 30, 40]
    assert made.counts == {"duplicates": 2, "repeats": 1, "untrained": 1}
    assert list(zip(made.test.users.tolist(), made.test.movies.tolist(), strict=True)) == [(1, 30), (1, 99), (2, 20)]
    assert set(made.cold.users.tolist()) == {7}


def test_only_train_is_masked_and_untrained_movies_stay_in_the_denominator() -> None:
    made = case()
    asked = ask(flat(made), made, made.test, 3)
    assert asked.people.tolist() == [1, 2]
    assert made.movies[asked.lists[0, :2]].tolist() == [30, 40]
    assert asked.lists[0, 2] == NOBODY, "two candidates for three places"
    judged = judge_lists("flat", asked, made, made.test, (1, 3))
    assert judged.values["recall@3"].tolist() == [0.5, 1.0]
    assert judged.values["precision@3"].tolist() == pytest.approx([1 / 3, 1 / 3])
    assert judged.values["mrr@1"].tolist() == [1.0, 1.0]


def test_validation_rows_are_masked_on_demand() -> None:
    valid = rows((1, 30), (2, 40))
    made = make_case(TRAIN, rows((1, 40), (1, 30), (2, 20)), seen=valid)
    assert made.counts["repeats"] == 1, "a masked test row could never be found"
    asked = ask(flat(made), made, made.test, 4)
    assert [made.movies[row[row != NOBODY]].tolist() for row in asked.lists] == [[40], [20]]
    assert len(made.train) == 5, "validation is not learnt"


def test_more_candidates_can_be_named() -> None:
    made = make_case(TRAIN, TEST, more_movies=np.array([99, 5]))
    assert made.movies.tolist() == [5, 10, 20, 30, 40, 99]
    assert made.counts["untrained"] == 0


def test_what_cannot_be_judged_is_refused() -> None:
    with pytest.raises(DataError, match="test part has no rows"):
        make_case(TRAIN, TEST.take(np.zeros(len(TEST), dtype=bool)))
    with pytest.raises(DataError, match="No person of the test rows"):
        make_case(TRAIN, rows((8, 10)))


@given(
    arrays(np.float32, (4, 9), elements=st.sampled_from([-np.inf, -1.0, 0.0, 0.5, 2.0])),
    st.integers(min_value=1, max_value=12),
)
def test_top_k_is_a_stable_sort(scores: np.ndarray, k: int) -> None:
    best = top_k(scores, k)
    for row, found in zip(scores, best, strict=True):
        order = [at for at in np.argsort(-row, kind="stable") if row[at] > -np.inf][:k]
        assert found[found != NOBODY].tolist() == order


def test_blocks_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    chance = np.random.default_rng(1)
    made = make_case(
        Rows(np.repeat(np.arange(40), 5), np.tile(np.arange(5), 40)),
        Rows(np.repeat(np.arange(40), 3), chance.integers(0, 30, 120)),
        more_movies=np.arange(30),
    )
    table = chance.random((40, 30))

    def scorer(people: np.ndarray) -> np.ndarray:
        return table[people]

    whole = ask(scorer, made, made.test, 10)
    monkeypatch.setattr(full_ranking, "CELLS", 7 * 30)
    told: list[tuple[int, int]] = []
    parts = ask(scorer, made, made.test, 10, lambda done, total: told.append((done, total)))
    assert np.array_equal(whole.lists, parts.lists)
    assert told[0] == (7, len(whole.people)) and told[-1][0] == told[-1][1]
    one = judge_lists("", whole, made, made.test, (10,)).values
    assert {name: v.tolist() for name, v in judge_lists("", parts, made, made.test, (10,)).values.items()} == {
        name: v.tolist() for name, v in one.items()
    }


@pytest.mark.parametrize(("scores", "words"), [
    (np.zeros((2, 3)), r"\(2, 4\) scores"), (np.full((2, 4), np.nan), "NaN"),
])  # fmt: skip
def test_a_scorer_that_lies_is_refused(scores: np.ndarray, words: str) -> None:
    made = case()
    with pytest.raises(ValueError, match=words):
        ask(lambda _people: scores, made, made.test, 2)
