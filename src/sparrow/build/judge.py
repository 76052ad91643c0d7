"""The evaluation stage: the judging fit asked exactly as served, beside popularity; and liking, beside plain references.

Three questions, each with its own people: `next` (each person's last tenth of rows inside the training period), `seen` and
`unseen` (people with rows after the cut in time, who did or did not have rows before it; an unseen person's first half of
rows is their history).

A network is judged on people it was trained on: where `samples.max_positives` leaves older rows out, these are fewer than the
question has, and its row says how many. Of liking, `seen` and `unseen` tell those people from all others.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, replace
from pathlib import Path
from time import perf_counter
from typing import Any, Final

import numpy as np
import orjson
import pyarrow.parquet as pq

from sparrow.build.choose import METRIC, Case, K, judge_models, open_judging
from sparrow.build.events import Events
from sparrow.build.judge_liking import judge_liking
from sparrow.build.judge_similar import judge_similar
from sparrow.config import Settings
from sparrow.evaluation.reports import ranking_row
from sparrow.features.engines.parts import parquet_files
from sparrow.online.people import person_from_history, person_from_record
from sparrow.online.recommender import Recommender
from sparrow.schema import UserId

RENAMED: Final = {"popularity": "popular"}
"""`model=` → its name in the report, where that is another; `for_you` is the pipeline as served."""


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
    recommender = open_judging(folder, settings)
    groups = _cases(recommender, Events.read(features))
    result: dict[str, Any] = {"for_you": asdict(recommender.chosen), "split": _split(features)}
    for place, (name, cases) in enumerate(groups.items()):
        result[name] = _judge_group(recommender, _asked(recommender, name), cases) if cases else None
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


def _split(features: Path) -> dict[str, int]:
    """Rows that the judging fit knows, and all others: what it may be asked about."""
    known = sum(pq.read_metadata(file).num_rows for file in parquet_files(features / "judging" / "known.parquet"))
    every = sum(pq.read_metadata(file).num_rows for file in parquet_files(features / "events.parquet"))
    return {"train": known, "test": every - known}


def _asked(recommender: Recommender, group: str) -> dict[str, str | None]:
    """Name in the report → `model=`. Of people nobody was trained on, models are left out that would be replaced there."""
    fitting = (name for name in recommender.models if group != "unseen" or not recommender.rankers.needs_known(name))
    return {"for_you": None} | {RENAMED.get(name, name): name for name in fitting}


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
    """One row a recommender; `seconds` are of all lists of the group, since who shares them asks together."""
    started = perf_counter()
    suited = {name: _suited(recommender, name, cases) for name in asked}
    default = RENAMED.get(recommender.models[0], recommender.models[0])
    everybody = [name for name, mine in suited.items() if len(mine) == len(cases) and name != default]
    found = judge_models(recommender, [asked[name] for name in everybody], cases)
    judged = {name: replace(found[asked[name]], name=name) for name in everybody}
    for name in (name for name, mine in suited.items() if 0 < len(mine) < len(cases)):
        judged[name] = replace(judge_models(recommender, [asked[name]], suited[name])[asked[name]], name=name)
    if default in asked and default not in judged:
        judged[default] = replace(judged["for_you"], name=default)  # the same lists: not asked for twice
    lead, low, high = judged["for_you"].lead(judged["popular"], METRIC)
    seconds = round(perf_counter() - started, 2)
    fewer = {name: {"people": len(mine)} for name, mine in suited.items() if len(mine) < len(cases)}
    return {
        "people": len(cases),
        "rows": [ranking_row(one) | {"seconds": seconds} | fewer.get(name, {}) for name, one in judged.items()],
        "lead_over_popular": {METRIC: round(lead, 4), "interval": [round(low, 4), round(high, 4)]},
    }


def _suited(recommender: Recommender, name: str, cases: list[Case]) -> list[Case]:
    """Those a model answers itself, not by a stand-in."""
    models = {RENAMED.get(model, model): model for model in recommender.models}
    if name not in models or not recommender.rankers.needs_known(models[name]):
        return cases
    return [case for case in cases if recommender.rankers.serves(models[name], case.person)]
