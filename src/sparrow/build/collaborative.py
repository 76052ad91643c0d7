"""iALS, EASE and the next-movie model fitted on what one fit may learn from, as the release keeps them."""

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any, cast

import numpy as np
import pyarrow.compute as pc
import pyarrow.parquet as pq

from sparrow.config import Collaborative
from sparrow.config import NextItem as NextItemSettings
from sparrow.features.jobs import Cuts, Fit
from sparrow.retrieval.ease import Ease
from sparrow.retrieval.fusion import Blend, fit_blend
from sparrow.retrieval.ials import Ials
from sparrow.retrieval.interactions import Interactions
from sparrow.retrieval.model import strongest
from sparrow.retrieval.next_item import NextItem
from sparrow.schema import Columns
from sparrow.stores.collaborative_model import CollaborativeModel
from sparrow.stores.next_item_model import NextItemModel

log = logging.getLogger(__name__)

Report = Callable[[int, int], None]


def fit_collaborative(
    features: Path, fit: Fit, settings: Collaborative, report: Report
) -> tuple[CollaborativeModel, dict[str, int]]:
    """The model of one fit, and counts of what it learnt from.

    Args:
        features: the folder of the features stage.
        fit: which rows it may see; judging holds `stop` and `last` rows back.
        settings: of both models.
        report: told (done, total).
    """
    train, counts = read_training(features, fit, settings.max_rows)
    shared = settings.model_dump(exclude={"kept_weights", "max_rows"})
    return stored(fit_blend(train, **shared, progress=report), settings.kept_weights), counts


def stored(blend: Blend, kept: int) -> CollaborativeModel:
    """A blend of iALS and EASE as a release keeps it, with the `kept` strongest weights of each movie."""
    als, ease = cast(Ials, blend.models["als"]), cast(Ease, blend.models["ease"])
    places, weights = strongest(ease.weights, kept)
    return CollaborativeModel(
        movie_ids=als.movie_ids,
        means=als.means,
        vectors=als.vectors.astype(np.float32),
        alpha=als.alpha,
        reg=als.reg,
        nu=als.nu,
        als_stars=als.stars,
        als_weight=blend.weights["als"],
        inputs=ease.inside.astype(np.int32),
        outputs=ease.inside[places].astype(np.int32),
        weights=weights,
        ease_stars=ease.stars,
    )


def fit_next_item(features: Path, fit: Fit, settings: NextItemSettings) -> NextItemModel | None:
    """The next-movie model of one fit; None where nobody has two ratings, so that nothing follows anything."""
    train, _ = read_training(features, fit, settings.max_rows)
    if not np.any(train.counts() > 1):
        return None
    chosen = settings.model_dump(exclude={"kept_weights", "max_rows"})
    model = NextItem.fit(train, **chosen)
    return stored_next_item(model, settings.kept_weights)


def stored_next_item(model: NextItem, kept: int) -> NextItemModel:
    """The model as a release keeps it, with the `kept` strongest weights of each movie."""
    places, weights = strongest(model.weights, kept)
    inside = model.inside.astype(np.int32)
    return NextItemModel(model.movie_ids, inside, inside[places], weights, model.decay, model.window)


def read_training(features: Path, fit: Fit, most: int) -> tuple[Interactions, dict[str, int]]:
    """The rows that a fit's collaborative models learn from, the newest `most` of them; and how many those are."""
    names: list[str] = [Columns.USER, Columns.MOVIE, Columns.TIMESTAMP, "half"]
    before = pc.field(Columns.TIMESTAMP) < Cuts.load(features / "cuts.json").valid_from
    wanted: Any = before & (pc.field("fold") == "fit") if fit == "judging" else None
    table = pq.read_table(features / "events.parquet", columns=names, filters=wanted)
    users, movies, times, halves = (table[name].to_numpy() for name in names)
    counts = {"ratings": min(len(users), most)}
    if len(users) > most:
        newest = np.sort(np.argsort(-times, kind="stable")[:most])
        users, movies, times, halves = (values[newest] for values in (users, movies, times, halves))
        counts["older_ratings_left_out"] = len(table) - most
        log.warning("%s: models of taste leave out the %d oldest ratings.", fit, counts["older_ratings_left_out"])
    return Interactions.from_rows(users, movies, halves / 2, times), counts
