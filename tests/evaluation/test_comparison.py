"""Several recommenders, one question; and what the report says."""

import numpy as np
import pytest

from sparrow.evaluation import beyond_accuracy as beyond
from sparrow.evaluation.cases import Case, make_case
from sparrow.evaluation.comparison import Asker, Contender, by_lists, by_scores, compare
from sparrow.evaluation.full_ranking import NOBODY
from sparrow.evaluation.reports import comparison_report, markdown
from sparrow.evaluation.rows import Rows
from sparrow.evaluation.tuning import Settings, choose, combinations


def world(cold: bool = False) -> Case:
    """Everybody met movies 0-4; person p will meet 5 + p % 3, and 20 beside it."""
    people = np.arange(30)
    train = Rows(np.repeat(people, 5), np.tile(np.arange(5), 30))
    last = people if not cold else np.append(people, 99)
    test = Rows(np.repeat(last, 2), np.stack((5 + last % 3, np.full(len(last), 20)), axis=1).ravel())
    return make_case(train, test, more_movies=np.arange(21))


def knows(case: Case, settings: Settings) -> Asker:
    """Right about the movie when its setting is right."""

    def scorer(people: np.ndarray) -> np.ndarray:
        scores = np.tile(np.where(case.movies < 8, -1.0, 0.0), (len(people), 1))
        scores[np.arange(len(people)), 5 + (people + settings["shift"]) % 3] = 1
        return scores

    return by_scores(scorer)


def test_settings_are_chosen_on_the_carve_out_and_judged_on_test() -> None:
    told: list[str] = []
    fitted: list[Case] = []

    def fit(case: Case, settings: Settings) -> Asker:
        fitted.append(case)
        return knows(case, settings)

    case, carved = world(), world()
    [result] = compare([Contender("knows", fit, {"shift": (1, 0, 2)})], case, carved, (2, 5), told.append)
    assert result.choice.settings == {"shift": 0}
    assert result.judged.mean("mrr@2") == 1.0
    assert [one is carved for one in fitted] == [True, True, True, False], "test is asked once"
    assert [figure for _, figure in result.choice.trials] == sorted(
        (figure for _, figure in result.choice.trials), reverse=True
    )
    assert any("shift 1" in line for line in told)


def test_cold_people_stand_in_a_row_of_their_own() -> None:
    case = world(cold=True)
    results = compare([Contender("knows", lambda one, _: knows(one, {"shift": 0}))], case, case, (2,))
    assert [result.judged.name for result in results] == ["knows", "cold"]
    report = comparison_report("files", case, results)
    assert [row["people"] for row in report["rows"]] == [30, 1]
    assert report["split"]["cold"] == 1
    assert report["split"] | {"train": 150, "test": 62, "people": 30, "movies": 21} == report["split"]


def test_a_report_has_the_fixed_shape_and_pairs_people() -> None:
    case = world()
    fixed = [
        Contender(name, lambda one, _, s=shift: knows(one, {"shift": s})) for name, shift in (("good", 0), ("bad", 1))
    ]
    report = comparison_report("files", case, compare(fixed, case, case, (2,)), against="bad")
    good, bad = report["rows"]
    assert {"recommender", "seconds", "metrics", "interval"} <= good.keys()
    assert {f"{name}@2" for name in ("map", "map_ms", "ndcg", "precision", "recall", "hit_rate", "mrr")} == good[
        "interval"
    ].keys()
    assert {"coverage@2", "novelty@2", "arp@2", "aplt@2", "gini@2"} <= good["metrics"].keys()
    assert good["against"]["recommender"] == "bad"
    assert good["against"]["mrr@2"] == {"lead": 1.0, "interval": [1.0, 1.0], "p": pytest.approx(0.0005)}
    assert "against" not in bad
    page = markdown(report, ("ndcg@2", "mrr@2"))
    assert "| good | " in page and "| recommender | ndcg@2 | 95 % interval | mrr@2 |" in page


def test_finished_lists_are_judged_like_scores() -> None:
    case = world()
    listed = by_lists(lambda person, k: np.array([5 + person % 3, 777, 5 + person % 3, 20])[:k])
    asked = listed(case, case.test, 4)
    assert [case.movies[at] if at != NOBODY else None for at in asked.lists[1]] == [6, None, None, 20]


def test_a_grid_is_tried_whole_or_by_a_seeded_sample() -> None:
    grid = {"a": (1, 2, 3), "b": (1, 2)}
    assert len(combinations(grid, 10)) == 6
    sample = combinations(grid, 3)
    assert len(sample) == 3 and sample == combinations(grid, 3)
    assert choose(grid, lambda settings: -abs(settings["a"] - 2) - settings["b"]).settings == {"a": 2, "b": 1}
    assert choose({}, lambda _settings: pytest.fail("nothing to choose")).settings == {}


LISTS = np.array([[0, 1, 2], [0, 1, NOBODY]])
MET = np.array([8, 1, 1, 0])


def test_what_lists_do_to_the_catalogue_by_hand() -> None:
    assert beyond.coverage(LISTS, 4) == 0.75
    assert beyond.average_popularity(LISTS, MET) == pytest.approx((10 / 3 + 9 / 2) / 2)
    assert beyond.novelty(LISTS, MET, 8) == pytest.approx(((0 + 3 + 3) / 3 + (0 + 3) / 2) / 2)
    assert beyond.long_tail_share(LISTS, MET) == pytest.approx((2 / 3 + 1 / 2) / 2), "movie 0 holds 80 % alone"
    assert beyond.gini(LISTS, 4) == pytest.approx((-3 * 0 - 1 * 1 + 1 * 2 + 3 * 2) / (4 * 5))


def test_the_gini_of_equal_and_single_shows() -> None:
    assert beyond.gini(np.array([[0], [1], [2]]), 3) == pytest.approx(0)
    assert beyond.gini(np.zeros((9, 1), dtype=np.int64), 10) == pytest.approx(0.9)
    assert beyond.average_popularity(np.full((2, 2), NOBODY), MET) == 0.0
