"""The one sort of the request path, and the rule that nothing seen comes back."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from sparrow.online.catalog import build_catalog
from sparrow.online.people import person_from_history
from sparrow.online.recall import Request
from sparrow.online.reranking import Ranked, SeenOut, descending_by_score, sort_and_rerank

SCORES = arrays.arrays(np.float32, st.integers(0, 30), elements=st.floats(-3, 3, width=32))


def request(allowed: np.ndarray) -> Request:
    return Request(None, person_from_history(build_catalog([]), ()), allowed)


@given(SCORES)
def test_the_sort_puts_the_highest_first_and_keeps_the_order_of_ties(scores: np.ndarray) -> None:
    order = descending_by_score(scores)
    expected = sorted(range(len(scores)), key=lambda place: (-scores[place], place))
    assert order.tolist() == expected


@given(SCORES, st.data())
def test_only_allowed_rows_survive_and_keep_their_order(scores: np.ndarray, data: st.DataObject) -> None:
    rows = np.arange(len(scores), dtype=np.int32)
    allowed = data.draw(arrays.arrays(np.bool_, len(scores)))
    ranked, _ = sort_and_rerank(rows, scores, [SeenOut()], request(allowed))
    assert set(ranked.rows.tolist()) == set(np.flatnonzero(allowed).tolist())
    assert np.all(np.diff(ranked.scores) <= 0)
    assert ranked.scores.tolist() == scores[ranked.rows].tolist()


def test_rules_apply_in_their_order() -> None:
    class Reverse:
        name = "reverse"

        def rerank(self, ranked: Ranked, _request: Request) -> Ranked:
            return Ranked(ranked.rows[::-1], ranked.scores[::-1])

    allowed = np.array([True, False, True])
    rows, scores = np.array([0, 1, 2], np.int32), np.array([3, 2, 1], np.float32)
    assert sort_and_rerank(rows, scores, [Reverse(), SeenOut()], request(allowed))[0].rows.tolist() == [2, 0]
