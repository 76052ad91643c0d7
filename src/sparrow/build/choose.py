"""Which ranker a release serves by default: the candidates judged on each person's `stop` rows, asked exactly as served.

The models that compete learnt from `fit` rows; histories are `fit` rows; nobody sees a `stop` row. But for one thing: vectors,
and counts of ratings, come from what the judging fit knows, `stop` rows included, so `history` and `blend` have seen a little of
what they are asked. That is why the collaborative model stands unless another one leads it beyond doubt.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.build.events import Events
from sparrow.config import Settings
from sparrow.errors import RankerUnavailable
from sparrow.evaluation.ranking import Ids, Judged, judge
from sparrow.online.ensemble import FILE, ForYou, standardised
from sparrow.online.live import open_folder
from sparrow.online.people import Person, person_from_history
from sparrow.online.recall import Request, run_routes
from sparrow.online.recommender import Recommender
from sparrow.online.reranking import descending_by_score
from sparrow.schema import UserId
from sparrow.stores.releases import Manifest

K: Final = 10
METRIC: Final = f"ndcg@{K}"

CANDIDATES: Final = ("collaborative", "history", "blend", "ensemble")
"""What may become the default, by `model=`; the first one that the release has stands unless another leads it beyond doubt."""

ENSEMBLE_OF: Final = ("neural_cf",)
"""What joins the first candidate in the ensemble, in this order."""

WEIGHTS: Final = (0.0, 0.05, 0.1, 0.2, 0.35, 0.5, 0.75, 1.0, 1.5)
"""Tried for each that joins, where the first candidate has 1."""

MOST_PEOPLE: Final = 2000
"""Asked about; their interval tells leads of a few thousandths."""


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
    chosen = _choose(recommender, cases) if cases else ForYou(_present(recommender)[0])
    for one in out:
        chosen.save(one / FILE)
    return {"ranker": chosen.ranker, "weights": dict(chosen.weights), "people": len(cases)}


def open_judging(folder: Path, settings: Settings) -> Recommender:
    """The judging fit as a release that ranks in process and by what it chose itself."""
    here = settings.online.model_copy(update={"ranker_url": "", "ranker": ""})
    manifest = Manifest("judging", "", {}, "", "", {}, {}, 0, ["recmodel"], [], {})
    return open_folder(folder, manifest, settings.model_copy(update={"online": here}))


def _cases(recommender: Recommender, events: Events) -> list[Case]:
    found = []
    for user, own in events.people():
        if own.is_stop.any():
            learnt = ~(own.is_stop | own.is_last | own.is_after)
            person = person_from_history(recommender.catalog, own.history(learnt))
            found.append(Case(replace(person, user_id=UserId(user)), own.movies[own.is_stop]))
    return found


def _present(recommender: Recommender) -> list[str]:
    """The candidates that the release has; popularity where it has none of them."""
    return [name for name in CANDIDATES if name in recommender.models] or ["popularity"]


def _choose(recommender: Recommender, cases: Sequence[Case]) -> ForYou:
    weights = asyncio.run(_learn_weights(recommender, cases))
    ready = replace(recommender, chosen=ForYou(weights=weights), _pipelines={})
    judged = {name: asyncio.run(_judge(ready, name, cases)) for name in _present(ready)}
    first, *others = judged
    rows = {first: {METRIC: round(judged[first].mean(METRIC), 4)}} | {
        name: _against(judged[name], judged[first]) for name in others
    }
    leading = [name for name in others if rows[name]["interval"][0] > 0]
    best = max(leading, key=lambda name: judged[name].mean(METRIC), default=first)
    return ForYou(best, weights, {"people": len(cases), "rows": rows, "why": _why(best, first, rows)})


def _against(judged: Judged, first: Judged) -> dict[str, Any]:
    lead, low, high = judged.lead(first, METRIC)
    return {
        METRIC: round(judged.mean(METRIC), 4), "lead": round(lead, 4), "interval": [round(low, 4), round(high, 4)],
    }  # fmt: skip


def _why(best: str, first: str, rows: Mapping[str, Mapping[str, Any]]) -> str:
    if best == first:
        return f"no other leads {first} with the whole 95 % interval"
    low, high = rows[best]["interval"]
    return f"{best} leads {first} by {rows[best]['lead']:+.4f} nDCG@{K} ({low:+.4f} to {high:+.4f})"


async def _judge(recommender: Recommender, model: str, cases: Sequence[Case]) -> Judged:
    return judge(model, await ask(recommender, model, cases, K), [case.relevant for case in cases], K)


async def ask(recommender: Recommender, model: str | None, cases: Sequence[Case], k: int) -> list[Ids]:
    """Each person's list, as the site and the API get it."""
    lists = []
    for case in cases:
        listing = await recommender.for_person(case.person, size=k, model=model)
        lists.append(np.array([item.movie.movie_id for item in listing.items], dtype=np.int64))
    return lists


async def _learn_weights(recommender: Recommender, cases: Sequence[Case]) -> dict[str, float]:
    """Ranker → weight, found one after the other; {} where the first candidate is missing or nothing may join it."""
    names: list[str] = [name for name in (CANDIDATES[0], *ENSEMBLE_OF) if name in recommender.models]
    if names[:1] != [CANDIDATES[0]] or len(names) < 2:
        return {}
    told = [(await _score(recommender, names, case.person), case.relevant) for case in cases]
    known = [(scored, relevant) for scored, relevant in told if scored is not None]
    weights: dict[str, float] = {names[0]: 1.0}
    for name in names[1:]:
        reached = {weight: _reached(known, weights | {name: weight}) for weight in WEIGHTS} if known else {0.0: 0.0}
        weights[name] = max(reached, key=lambda weight: reached[weight])
    return weights if any(weights[name] for name in names[1:]) else {}


async def _score(recommender: Recommender, names: Sequence[str], person: Person) -> Scored | None:
    """What each ranker says of the same candidates; None for somebody whom one of them cannot rank for."""
    pipelines = [recommender.pipeline_of(name) for name in names]
    request = Request(None, person, recommender.allowed(person))
    rows = run_routes(pipelines[0].routes, pipelines[0].quotas, request).rows
    parts = {}
    for name, pipeline in zip(names, pipelines, strict=True):
        try:
            parts[name] = standardised(name, await pipeline.rankers[0].rank(request, rows))
        except RankerUnavailable:
            return None
    return Scored(recommender.catalog.ids[rows], parts)


def _reached(told: Sequence[tuple[Scored, Ids]], weights: Mapping[str, float]) -> float:
    lists = []
    for scored, _ in told:
        summed = np.sum([weight * scored.parts[name] for name, weight in weights.items()], axis=0)
        lists.append(scored.movies[descending_by_score(summed)[:K]])
    return judge("", lists, [relevant for _, relevant in told], K).mean(METRIC)
