"""The recall stage: what each movie's list of similar ones is drawn from, and what people's taste is told by."""

from collections.abc import Mapping
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, Final

from sparrow.build.collaborative import fit_collaborative, fit_next_item
from sparrow.build.plan import Context
from sparrow.embeddings.neighbours import nearest
from sparrow.features.jobs import FITS
from sparrow.stores import collaborative_model, next_item_model
from sparrow.stores.embedding_table import EmbeddingTable
from sparrow.stores.index_choice import build_index

NEIGHBOURS: Final = 100
"""Stored per movie and embedding."""


def make_recall(context: Context, out: Path) -> Mapping[str, Any]:
    """Nearest neighbours of every movie under every embedding, an index too, where they are too many to compare in full; iALS
    and EASE, and which movie follows which."""
    counts: dict[str, Any] = {}
    for place, fit in enumerate(FITS):
        (out / fit).mkdir()
        counts[fit] = {}
        model, counts[fit]["collaborative"] = fit_collaborative(
            context.inputs["features"], fit, context.settings.collaborative, partial(_tell, context, place)
        )
        model.save(out / fit / collaborative_model.FILE)
        if follows := fit_next_item(context.inputs["features"], fit, context.settings.next_item):
            follows.save(out / fit / next_item_model.FILE)
        for file in sorted((context.inputs["embeddings"] / fit).glob("movies-*.npz")):
            table, search = EmbeddingTable.load(file), context.settings.vector_search
            neighbours = nearest(table, NEIGHBOURS, search)
            neighbours.save(out / fit / f"neighbours-{table.name}.npz")
            counts[fit][table.name] = len(neighbours.ids)
            if len(table.ids) > search.exact_up_to:
                index = build_index(table.comparable(), search)
                index.save(out / fit / f"index-{table.name}")
                counts[fit][f"{table.name} index"] = asdict(index.facts)
    return counts


def _tell(context: Context, place: int, done: int, steps: int) -> None:
    """The models take most of each fit's half of the stage."""
    context.report(1000 * place + 1000 * done // max(steps, 1), 1000 * len(FITS))
