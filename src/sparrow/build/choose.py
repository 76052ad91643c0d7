"""What a release recalls for people, and which ranker it serves by default: asked exactly as served, on rows that no model learnt
from.

Models learn from `fit` rows. `stop` rows tell recall its quotas, weigh the ensemble and choose; but vectors, and counts of
ratings, come from all that the judging fit knows, `stop` rows included, so `history` and `blend` have seen part of what they
are asked there (on ML-100K it gives them a lead of .011 nDCG@10 that is gone on `last` rows). So whoever leads on `stop` rows
must lead on `last` rows, too.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.build.assemble import models_in
from sparrow.build.events import Events
from sparrow.build.merging import DEPTHS, Places, judge_routes, learn_quotas
from sparrow.config import ForYou, Online, Pipelines, Settings, Similar
from sparrow.errors import RankerUnavailable
from sparrow.evaluation.ranking import Ids, Judged, judge
from sparrow.online.ensemble import FILE, Chosen, standardised
from sparrow.online.live import open_folder
from sparrow.online.people import Person, person_from_history
from sparrow.online.recall import Request, run_routes
from sparrow.online.recommender import Recommender
from sparrow.online.reranking import descending_by_score
from sparrow.schema import UserId
from sparrow.stores.releases import Manifest

K: Final = 10
METRIC: Final = f"ndcg@{K}"

CANDIDATES: Final = ("collaborative", "next_item", "history", "blend", "ensemble")
"""What may become the default, by `model=`, and every network beside them; the first one that the release has stands unless
another leads it beyond doubt: with the whole paired 95 % interval, on both kinds of rows."""

PARTS: Final = ("collaborative", "next_item")
"""What an ensemble is made of, beside every network; the first has weight 1."""

WEIGHTS: Final = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5)
"""Tried for each that may join, where the first candidate has 1."""

MOST_PEOPLE: Final = 2000
"""Asked about; their interval tells leads of half a hundredth."""


@dataclass(frozen=True)
class Case:
    """One person to judge: who they are to the pipeline, and the movie ids that count as hits."""

    person: Person
    relevant: Ids


@dataclass(frozen=True)
class Scored:
    """One person's candidates: (c,) movie ids and, by ranker, (c,) standardised scores."""

    movies: Ids
    parts: Mapping[str, NDArray[np.float32]]


def choose_ranker(folder: Path, features: Path, settings: Settings, out: Sequence[Path]) -> dict[str, Any]:
    """Write `for_you.json` into the folders of `out`; returns what was chosen and why.

    Args:
        folder: the judging fit, laid out as a release.
        features: the folder of the features stage.
        settings: recall and candidates, as served.
        out: folders laid out as releases, of both fits.
    """
    recommender = open_judging(folder, settings)
    cases = _cases(recommender, Events.read(features, MOST_PEOPLE))
    chosen = _choose(recommender, cases) if cases["stop"] else Chosen(_present(recommender)[0])
    for one in out:
        chosen.save(one / FILE)
    told = {"ranker": chosen.ranker, "weights": dict(chosen.weights), "quotas": dict(chosen.quotas)}
    return told | {"people": len(cases["stop"])}


def open_judging(folder: Path, settings: Settings) -> Recommender:
    """The judging fit as a release that ranks in process, by what it chose itself, whatever the hour and the rules of the day:
    those change while it serves, and a stage that was judged under other ones would be found again."""
    here = {
        "candidates": settings.candidates.model_copy(update={"windows": ()}),
        "online": Online(),
        "for_you": ForYou(),
        "similar": Similar(),
        "pipelines": Pipelines(),
    }
    manifest = Manifest("judging", "", {}, "", "", {}, {}, 0, models_in(folder), [], {})
    return open_folder(folder, manifest, settings.model_copy(update=here).unhurried())


def _cases(recommender: Recommender, events: Events) -> dict[str, list[Case]]:
    """ "stop" and "last": each person's rows of that kind to be found, all before them as history."""
    found: dict[str, list[Case]] = {"stop": [], "last": []}
    for user, own in events.people():
        learnt = ~(own.is_stop | own.is_last | own.is_after)
        for kind, wanted, known in (("stop", own.is_stop, learnt), ("last", own.is_last, learnt | own.is_stop)):
            if wanted.any():
                person = person_from_history(recommender.catalog, own.history(known))
                found[kind].append(Case(replace(person, user_id=UserId(user)), own.movies[wanted]))
    return found


def _present(recommender: Recommender) -> list[str]:
    """The candidates that the release has; popularity where it has none of them."""
    return [name for name in (*CANDIDATES, *recommender.deep) if name in recommender.models] or ["popularity"]


def _choose(recommender: Recommender, cases: Mapping[str, Sequence[Case]]) -> Chosen:
    quotas, routes = _learn_recall(recommender, cases)
    recalling = replace(recommender, chosen=Chosen(quotas=quotas))
    weights = asyncio.run(_learn_weights(recalling, cases["stop"]))
    ready = replace(recommender, chosen=Chosen(quotas=quotas, weights=weights))
    first, *others = names = _present(ready)
    judged = judge_models(ready, names, cases["stop"])
    rows: dict[str, dict[str, Any]] = {first: {METRIC: round(judged[first].mean(METRIC), 4)}}
    rows |= {name: _against(judged[name], judged[first]) for name in others}
    leading = [name for name in others if rows[name]["interval"][0] > 0]
    if leading and cases["last"]:
        again = judge_models(ready, [first, *leading], cases["last"])
        for name in leading:
            rows[name]["last"] = _against(again[name], again[first])
        leading = [name for name in leading if rows[name]["last"]["interval"][0] > 0]
    best = max(leading, key=lambda name: judged[name].mean(METRIC), default=first)
    judged_as = {"people": len(cases["stop"]), "rows": rows, "why": _why(best, first, rows), "recall": routes}
    return Chosen(best, weights, quotas, judged_as)


def _learn_recall(
    recommender: Recommender, cases: Mapping[str, Sequence[Case]]
) -> tuple[dict[str, int], list[dict[str, Any]]]:
    """Quotas learnt on `stop` rows, and how much each route and all of them bring of `last` rows."""
    depth = max(recommender.settings.recall.candidates, *DEPTHS)
    quotas = learn_quotas(Places.of(recommender, cases["stop"], depth), recommender.settings.recall.candidates)
    return quotas, judge_routes(Places.of(recommender, cases["last"] or cases["stop"], depth), quotas)


def _against(judged: Judged, first: Judged) -> dict[str, Any]:
    lead, low, high = judged.lead(first, METRIC)
    return {METRIC: round(judged.mean(METRIC), 4), "lead": round(lead, 4), "interval": [round(low, 4), round(high, 4)]}


def _why(best: str, first: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    if best == first:
        return f"no other leads {first} with the whole 95 % interval on stop rows and on last rows"
    lead, (low, high) = rows[best]["lead"], rows[best]["interval"]
    return f"{best} leads {first} by {lead:+.4f} nDCG@{K} ({low:+.4f} to {high:+.4f}) on stop rows, and on last rows"


def judge_models(recommender: Recommender, models: Sequence[str | None], cases: Sequence[Case]) -> dict[Any, Judged]:
    """`model=` → how the lists that the site and the API give reach what was relevant."""
    lists = asyncio.run(ask(recommender, models, cases))
    relevant = [case.relevant for case in cases]
    return {model: judge(str(model), lists[model], relevant, K) for model in models}


async def ask(
    recommender: Recommender, models: Sequence[str | None], cases: Sequence[Case]
) -> dict[str | None, list[Ids]]:
    """`model=` → one list a person, `K` movie ids at most; one recall for each serves all models."""
    lists: dict[str | None, list[Ids]] = {model: [] for model in models}
    for case in cases:
        request, brought = Request(None, case.person, recommender.allowed(case.person)), None
        for model in models:
            _, outcome = await recommender.rank(request, model, brought=brought)
            brought = outcome.candidates
            lists[model].append(recommender.catalog.ids[outcome.ranked.rows[:K]])
    return lists


async def _learn_weights(recommender: Recommender, cases: Sequence[Case]) -> dict[str, float]:
    """Ranker → weight, found one after the other; {} where the first candidate is missing or nothing may join it."""
    names: list[str] = [name for name in (*PARTS, *recommender.deep) if name in recommender.models]
    if names[:1] != [PARTS[0]] or len(names) < 2:
        return {}
    told = [(await _score(recommender, names, case.person), case.relevant) for case in cases]
    known = [(scored, relevant) for scored, relevant in told if scored is not None]
    weights: dict[str, float] = {names[0]: 1.0}
    for name in names[1:] if known else ():
        found = _least_weight({weight: _reached(known, weights | {name: weight}) for weight in WEIGHTS})
        weights |= {name: found} if found else {}
    return weights if len(weights) > 1 else {}


def _least_weight(reached: Mapping[float, NDArray[np.float64]]) -> float:
    """The smallest weight that is within one standard error, paired over people, of the best.

    The one-standard-error rule (Breiman, Friedman, Olshen & Stone, "Classification and Regression Trees", 1984): what cannot be
    told from the best is chosen simple, and a part that earns nothing stays out.

    Args:
        reached: weight → (people,) figures.
    """
    best = max(reached.values(), key=lambda figures: float(figures.mean()))
    behind = {weight: best - figures for weight, figures in reached.items()}
    return min(weight for weight, gap in behind.items() if gap.mean() <= gap.std() / len(gap) ** 0.5)


async def _score(recommender: Recommender, names: Sequence[str], person: Person) -> Scored | None:
    """What each ranker says of the same candidates; None for somebody whom one of them cannot rank for."""
    pipelines = [recommender.rankers.pipeline(name) for name in names]
    request = Request(None, person, recommender.allowed(person))
    rows = run_routes(pipelines[0].routes, pipelines[0].quotas, request).rows
    parts = {}
    for name, pipeline in zip(names, pipelines, strict=True):
        try:
            ranker = pipeline.rankers[0]
            parts[name] = standardised(ranker, await ranker.rank(request, rows))
        except RankerUnavailable:
            return None
    return Scored(recommender.catalog.ids[rows], parts)


def _reached(told: Sequence[tuple[Scored, Ids]], weights: Mapping[str, float]) -> NDArray[np.float64]:
    """(people,) figures of the lists that a sum gives."""
    lists = []
    for scored, _ in told:
        summed = np.sum([weight * scored.parts[name] for name, weight in weights.items()], axis=0)
        lists.append(scored.movies[descending_by_score(summed)[:K]])
    return judge("", lists, [relevant for _, relevant in told], K).values[METRIC]
