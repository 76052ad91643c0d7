"""Several recommenders asked the same question: settings chosen on a carve-out, fitted on train, judged on test once.

This room knows recommenders as callables only. A `Contender` fits rows and gives an `Asker`; a model of scores becomes one
with `by_scores`, a pipeline that answers with finished lists with `by_lists`.
"""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np

from sparrow.evaluation.beyond_accuracy import beyond_accuracy
from sparrow.evaluation.cases import Case
from sparrow.evaluation.full_ranking import NOBODY, Asked, Scorer, ask, judge_lists
from sparrow.evaluation.ranking import Judged
from sparrow.evaluation.rows import Ids, Rows
from sparrow.evaluation.tuning import Choice, Settings, choose

Asker = Callable[[Case, Rows, int], Asked]
"""(case, test rows, k) → the best k candidates of each person in the test rows."""

Fit = Callable[[Case, Settings], Asker]
"""Learn from `case.train` alone, over `case.movies`."""

Tell = Callable[[str], None]
"""Called with one line about what is being done."""

CHOSEN_BY: Final = "ndcg"


@dataclass(frozen=True)
class Contender:
    """A recommender that can be fitted and asked.

    Attributes:
        name: in the report.
        fit: learns from a case with settings.
        grid: setting → values that tuning tries.
    """

    name: str
    fit: Fit
    grid: Mapping[str, Sequence[Any]] = field(default_factory=dict)


@dataclass(frozen=True)
class Result:
    """One recommender judged.

    Attributes:
        judged: figures per person.
        beyond: coverage, novelty and the like, over all lists.
        seconds: of fitting and asking; choosing settings not counted.
        choice: settings and what was tried for them.
    """

    judged: Judged
    beyond: Mapping[str, float]
    seconds: float
    choice: Choice


def by_scores(scorer: Scorer) -> Asker:
    """An asker from scores of all candidates."""
    return lambda case, test, k: ask(scorer, case, test, k)


def by_lists(recommend: Callable[[int, int], Ids]) -> Asker:
    """An asker from finished lists: `recommend(user id, k)` → raw movie ids, best first.

    Movies that are no candidates keep their place and miss; a repeated movie counts once.
    """

    def asker(case: Case, test: Rows, k: int) -> Asked:
        people = np.unique(test.users)
        lists = np.full((len(people), k), NOBODY, dtype=np.int64)
        for row, person in enumerate(people.tolist()):
            ranked = recommend(person, k)[:k]
            columns = np.minimum(np.searchsorted(case.movies, ranked), len(case.movies) - 1)
            first = np.isin(np.arange(len(ranked)), np.unique(ranked, return_index=True)[1])
            lists[row, : len(ranked)] = np.where((case.movies[columns] == ranked) & first, columns, NOBODY)
        return Asked(people, lists)

    return asker


def compare(
    contenders: Sequence[Contender],
    case: Case,
    carved: Case,
    ks: Sequence[int],
    tell: Tell = lambda _line: None,
    trials: int = 24,
) -> list[Result]:
    """Judge every contender, and the popularity list for cold people when there are any.

    Args:
        contenders: in the order of the report.
        case: train and test.
        carved: train without its validation rows, and these as test: where settings are chosen.
        ks: list lengths; the first one chooses settings by nDCG.
        tell: progress.
        trials: settings tried per contender at most.
    """
    results = [_run(contender, case, carved, ks, tell, trials) for contender in contenders]
    return [*results, judge_cold(case, ks)] if len(case.cold) else results


def _run(contender: Contender, case: Case, carved: Case, ks: Sequence[int], tell: Tell, trials: int) -> Result:
    def figure(settings: Settings) -> float:
        reached = _figure(contender, carved, ks[0], settings)
        tell(f"{contender.name}: {_words(settings)} reach {CHOSEN_BY}@{ks[0]} {reached:.4f} on validation rows")
        return reached

    choice = choose(contender.grid, figure, trials)
    tell(f"{contender.name}: fitting {_words(choice.settings)}")
    started = time.perf_counter()
    asked = contender.fit(case, choice.settings)(case, case.test, max(ks))
    seconds = time.perf_counter() - started
    judged = judge_lists(contender.name, asked, case, case.test, ks)
    tell(f"{contender.name}: {CHOSEN_BY}@{ks[0]} {judged.mean(f'{CHOSEN_BY}@{ks[0]}'):.4f} in {seconds:.1f} s")
    return Result(judged, _beyond(asked, case, ks), seconds, choice)


def _figure(contender: Contender, carved: Case, k: int, settings: Settings) -> float:
    asked = contender.fit(carved, settings)(carved, carved.test, k)
    return judge_lists("", asked, carved, carved.test, (k,)).mean(f"{CHOSEN_BY}@{k}")


def _words(settings: Settings) -> str:
    return ", ".join(f"{name} {value:g}" for name, value in settings.items()) or "as it is"


def judge_cold(case: Case, ks: Sequence[int]) -> Result:
    """What strangers get: the most popular movies, judged on the people who have no train rows."""
    started = time.perf_counter()
    met = popularity(case).astype(np.float32)
    asked = ask(lambda people: np.tile(met, (len(people), 1)), case, case.cold, max(ks))
    judged = judge_lists("cold", asked, case, case.cold, ks)
    return Result(judged, _beyond(asked, case, ks), time.perf_counter() - started, Choice({}, float("nan"), ()))


def popularity(case: Case) -> Ids:
    """(candidates,) people who met each in train."""
    met: Ids = np.bincount(np.searchsorted(case.movies, case.train.movies), minlength=len(case.movies)).astype(np.int64)
    return met


def _beyond(asked: Asked, case: Case, ks: Sequence[int]) -> dict[str, float]:
    met, people = popularity(case), len(np.unique(case.train.users))
    return {name: value for k in ks for name, value in beyond_accuracy(asked.lists, met, people, k).items()}
