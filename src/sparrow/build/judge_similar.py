"""How each movie similarity of the judging fit behaves: what is met next, kinds, popularity, and what serving makes of it."""

import asyncio
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow.parquet as pq

from sparrow.build.events import Events
from sparrow.evaluation.full_ranking import NOBODY
from sparrow.evaluation.rows import Ids
from sparrow.evaluation.similar import behaviour, dense_lists
from sparrow.features.chance import mixed
from sparrow.features.genres import Genres
from sparrow.online.recommender import Recommender
from sparrow.online.wanted import Wanted
from sparrow.schema import Columns
from sparrow.stores.embedding_table import Neighbours

K: Final = 10

ASKED: Final = 500
"""Movies whose served list is held against the exhaustive one."""


def judge_similar(recommender: Recommender, recall: Path, features: Path) -> dict[str, Any]:
    """Embedding → figures of its stored neighbours, over the whole catalogue.

    Args:
        recommender: the judging fit, as served.
        recall: the judging fit's folder of `neighbours-*.npz`.
        features: the folder of the features stage.

    Returns:
        `behaviour`'s figures by embedding; and `served@10`, the share of the ten nearest that the served lists show too: what
        recall, ranking and the rules change of an exhaustive ranking by the same vectors.
    """
    catalogue = pq.read_table(features / "catalogue.parquet").sort_by(Columns.MOVIE)
    ids: Ids = catalogue[Columns.MOVIE].to_numpy()
    genres = Genres.load(features / "genres.json").bits(catalogue["genre_mask"].to_numpy()).T > 0
    met, people = _met(features / "judging", ids)
    steps = np.searchsorted(ids, _steps(Events.read(features)))
    found = {}
    for file in sorted(recall.glob("neighbours-*.npz")):
        neighbours = Neighbours.load(file)
        lists = dense_lists(ids, neighbours.ids, neighbours.nearest)
        figures = behaviour(lists, met, genres, steps, people, K)
        figures[f"served@{K}"] = _served(recommender, neighbours)
        found[neighbours.name] = {name: round(value, 4) for name, value in figures.items()}
    return found


def _met(fit: Path, ids: Ids) -> tuple[Ids, int]:
    """(movies,) how many people met each movie in what the fit knows, and how many people there are."""
    table = pq.read_table(fit / "movies.parquet", columns=[Columns.MOVIE, "movie_count"]).sort_by(Columns.MOVIE)
    met = np.zeros(len(ids), dtype=np.int64)
    met[np.searchsorted(ids, table[Columns.MOVIE].to_numpy())] = table["movie_count"].to_numpy()
    return met, len(pq.read_table(fit / "users.parquet", columns=[Columns.USER]))


def _steps(events: Events) -> Ids:
    """(m, 2) raw ids: each person's first held-back movie after what the fit knows, and on from one held-back to the next."""
    same = events.users[1:] == events.users[:-1]
    after = np.flatnonzero(same & events.is_last[1:]) + 1
    return np.stack([events.movies[after - 1], events.movies[after]], axis=1)


def _served(recommender: Recommender, neighbours: Neighbours) -> float:
    rows = np.argsort(mixed(0, neighbours.ids), kind="stable")[:ASKED]

    async def ask() -> float:
        kept = places = 0
        for row in rows.tolist():
            nearest = neighbours.nearest[row, :K]
            nearest = nearest[nearest != NOBODY]
            listing = await recommender.similar(int(neighbours.ids[row]), Wanted(K), neighbours.name)
            kept += len({item.movie.movie_id for item in listing.items} & set(nearest.tolist()))
            places += len(nearest)
        return kept / max(places, 1)

    return asyncio.run(ask())
