"""The evaluation stage: the judging fit asked exactly as served, beside popularity; and liking, beside plain references.

Three questions, each with its own people: `next` (each person's last tenth of rows inside the training period), `seen` and
`unseen` (people with rows after the cut in time, who did or did not have rows before it; an unseen person's first half of
rows is their history).

A network is judged on people it was trained on: where `samples.max_positives` leaves older rows out, these are fewer than the
question has, and its row says how many. Of liking, `seen` and `unseen` tell those people from all others.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson

from sparrow.build.assemble import models_in
from sparrow.build.events import Events
from sparrow.build.judge_liking import judge_liking
from sparrow.build.judge_similar import judge_similar
from sparrow.config import Settings
from sparrow.evaluation.ranking import Ids, Judged, judge
from sparrow.evaluation.reports import ranking_row
from sparrow.online.live import open_folder
from sparrow.online.people import Person, person_from_history, person_from_record
from sparrow.online.recommender import Recommender
from sparrow.schema import UserId
from sparrow.stores.releases import Manifest

K: Final = 10
METRIC: Final = f"ndcg@{K}"

PLAIN: Final = {"history": "history", "popular": "popularity"}
"""Row of the report → `model=`, beside the list as served and each network."""


@dataclass(frozen=True)
class Case:
    """One person to judge: who they are to the pipeline, and the movie ids that count as hits."""

    person: Person
    relevant: Ids


def judge_release(
    folder: Path,
    features: Path,
    recall: Path,
    liking: Path,
    out: Path,
    settings: Settings,
    report: Callable[[int, int], None],
) -> dict[str, Any]:
    """Write `metrics.json`; returns the headline figures.

    Args:
        folder: the judging fit, laid out as a release.
        features: the folder of the features stage: `events.parquet` and `cuts.json`.
        recall: the judging fit's neighbour lists.
        liking: predictions of liking on rows no network was trained on; no such file where nothing told liking.
        out: where the metrics go.
        settings: recall and candidates, as served.
        report: told (groups done, groups in all).
    """
    in_process = settings.online.model_copy(update={"ranker_url": ""})
    recommender = open_folder(folder, _judging_manifest(folder), settings.model_copy(update={"online": in_process}))
    groups = _cases(recommender, Events.read(features))
    result: dict[str, Any] = {}
    for place, (name, cases) in enumerate(groups.items()):
        networks = {key: key for key, one in recommender.deep.items() if name != "unseen" or not one.needs_known_user}
        asked = {"for_you": None, **networks, **PLAIN}
        result[name] = _judge_group(recommender, asked, cases) if cases else None
        report(place + 1, len(groups) + 1)
    result["similar"] = judge_similar(recommender, recall, features)
    report(len(groups) + 1, len(groups) + 1)
    result["liking"] = judge_liking(liking)
    (out / "metrics.json").write_bytes(orjson.dumps(result, option=orjson.OPT_INDENT_2))
    return {
        name: f"nDCG@{K} {value['rows'][0]['metrics'][METRIC]}"
        for name, value in result.items()
        if value and "rows" in value
    }


def _judging_manifest(folder: Path) -> Manifest:
    return Manifest("judging", "", {}, "", "", {}, {}, 0, models_in(folder), [], {})


def _cases(recommender: Recommender, events: Events) -> dict[str, list[Case]]:
    """Who is judged on what, by question; the catalogue is the same for all."""
    catalog, store = recommender.catalog, recommender.store
    groups: dict[str, list[Case]] = {"next": [], "seen": [], "unseen": []}
    for user, own in events.people():
        record, after = store.user(user), own.is_after
        if record is not None and own.is_last.any():
            groups["next"].append(Case(person_from_record(catalog, user, record), own.movies[own.is_last]))
        if record is not None and after.any():
            grown = person_from_history(catalog, own.history(~after))
            groups["seen"].append(Case(replace(grown, user_id=UserId(user)), own.movies[after]))
        if record is None and after.sum() >= 2:
            first = after & (np.cumsum(after) <= after.sum() // 2)
            guest = person_from_history(catalog, own.history(first))
            groups["unseen"].append(Case(guest, own.movies[after & ~first]))
    return groups


def _judge_group(recommender: Recommender, asked: Mapping[str, str | None], cases: list[Case]) -> dict[str, Any]:
    suited = {name: _suited(recommender, name, cases) for name in asked}
    judged = {name: _judge_model(recommender, name, asked[name], mine) for name, mine in suited.items() if mine}
    lead, low, high = judged["for_you"].lead(judged["popular"], METRIC)
    fewer = {name: {"people": len(mine)} for name, mine in suited.items() if len(mine) < len(cases)}
    return {
        "people": len(cases),
        "rows": [ranking_row(one) | fewer.get(name, {}) for name, one in judged.items()],
        "lead_over_popular": {METRIC: round(lead, 4), "interval": [round(low, 4), round(high, 4)]},
    }


def _suited(recommender: Recommender, name: str, cases: list[Case]) -> list[Case]:
    """Those a model answers itself, not by a stand-in."""
    network = recommender.deep.get(name)
    return [case for case in cases if network is None or network.knows(case.person.user_id)]


def _judge_model(recommender: Recommender, name: str, model: str | None, cases: list[Case]) -> Judged:
    async def ask() -> list[Ids]:
        lists = []
        for case in cases:
            listing = await recommender.for_person(case.person, size=K, model=model)
            lists.append(np.array([item.movie.movie_id for item in listing.items], dtype=np.int64))
        return lists

    return judge(name, asyncio.run(ask()), [case.relevant for case in cases], K)
