"""Every similarity x every measure, as Markdown: `python -m tests.similar.table [DATASET]`.

A plain reference has no vectors of its own, so each similarity is here a function from blocks of movies to their scores
against all. The last tenth of each person's rows in time is held back: it tells what was met next, and nothing has seen it.
Against our own judgement and in the twenty lists every rating is known. Takes some minutes.
"""

import sys
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import numpy as np
import pyarrow.parquet as pq
from numpy.typing import NDArray

from sparrow.config import Item2vec
from sparrow.datasets import import_dataset
from sparrow.embeddings.content_files import Films, Ratings, read_films
from sparrow.embeddings.fusion import co_rating_block, content_blocks, join_blocks, train_content, train_fusion
from sparrow.embeddings.fusion_co_ratings import train_co_ratings
from sparrow.embeddings.word2vec import train_item2vec
from sparrow.evaluation.similar import behaviour
from sparrow.retrieval.ease import Ease
from sparrow.retrieval.ials import Ials
from sparrow.retrieval.interactions import Interactions
from sparrow.stores.embedding_table import EmbeddingTable
from tests.similar.judgement import hardness, read_pairs, weighted_auc
from tests.similar.suite import CASES, share

K = 10
BLOCK = 1024
Scores = Callable[[NDArray[np.int64]], NDArray[np.floating]]
"""Rows of the catalogue → (rows, movies) similarities."""


@dataclass(frozen=True)
class World:
    """A dataset: films, ratings and their times; `until` says which rows a fit may know."""

    films: Films
    ratings: Ratings
    times: NDArray[np.int64]

    def cut(self) -> tuple["World", NDArray[np.int64]]:
        """The world without the last tenth of each person's rows, and (m, 2) dense steps into those rows."""
        order = np.lexsort((self.times, self.ratings.users))
        users, movies = self.ratings.users[order], self.ratings.movies[order]
        _, start, count = np.unique(users, return_index=True, return_counts=True)
        place = np.arange(len(users)) - np.repeat(start, count)
        held = place >= np.repeat(np.ceil(0.9 * count), count)
        dense = np.searchsorted(self.films.ids, movies)
        after = np.flatnonzero(held & (place > 0))
        known = order[~held]
        rest = Ratings(self.ratings.users[known], self.ratings.movies[known], self.ratings.stars[known])
        return World(self.films, rest, self.times[known]), np.stack([dense[after - 1], dense[after]], axis=1)


def read_world(dataset: str) -> World:
    with tempfile.TemporaryDirectory() as folder:
        import_dataset(dataset, Path(folder))
        films = read_films(Path(folder))
        table = pq.read_table(Path(folder) / "ratings.parquet")
    users, movies, stars, times = (table[name].to_numpy() for name in ("userId", "movieId", "rating", "timestamp"))
    return World(films, Ratings(users, movies, stars), times)


def similarities(world: World) -> Mapping[str, Scores]:
    films, ratings = world.films, world.ratings
    met = Interactions.from_rows(ratings.users, ratings.movies, ratings.stars, world.times, films.ids)
    blocks = content_blocks(films)
    blocks["co_ratings"] = co_rating_block(films, ratings, blocks)
    equal = {name: block for name, block in blocks.items() if name != "tags"}
    item2vec = train_item2vec(_sequences(world), Item2vec(workers=1))
    found: dict[str, Scores] = {
        "genre overlap (Jaccard)": genre_scores(films),
        "co-rating cosine": cosine_scores(met, 0),
        "co-rating cosine, 10 ratings of shrinkage": cosine_scores(met, 10),
        "lift, 10 ratings of shrinkage": _lift(met, 10),
        "EASE weights, both ways, 3,000 movies": _ease(met),
        "iALS vectors": _of(
            EmbeddingTable("ials", films.ids, Ials.fit(met, dim=32, epochs=6).vectors.astype(np.float32), "cosine"),
            films,
        ),
        "Item2vec": _of(item2vec, films),
        "co_ratings (SVD)": _of(train_co_ratings(ratings), films),
        "content": _of(train_content(films), films),
        "fusion without tags": _of(join_blocks("fusion", films.ids, equal), films),
        "fusion": _of(train_fusion(films, ratings), films),
    }
    found["fusion, local scaling"] = _local(_of(train_fusion(films, ratings), films), len(films.ids))
    found["fusion with Item2vec"] = _of(
        join_blocks("f", films.ids, {**blocks, "attributes": _dense(item2vec, films)}), films
    )
    return found


def _sequences(world: World) -> list[NDArray[np.int64]]:
    liked = world.ratings.stars >= 3.5
    users, movies, times = world.ratings.users[liked], world.ratings.movies[liked], world.times[liked]
    order = np.lexsort((movies, times, users))
    return np.split(movies[order], np.flatnonzero(np.diff(users[order])) + 1)


def _dense(table: EmbeddingTable, films: Films) -> NDArray[np.float32]:
    vectors = np.zeros((len(films.ids), table.dim), dtype=np.float32)
    vectors[np.searchsorted(films.ids, table.ids)] = table.comparable()
    return vectors


def _of(table: EmbeddingTable, films: Films) -> Scores:
    vectors = _dense(table, films)
    return lambda rows: vectors[rows] @ vectors.T


def genre_scores(films: Films) -> Scores:
    has = genre_matrix(films).astype(np.float32)
    sizes = has.sum(axis=1)

    def scores(rows: NDArray[np.int64]) -> NDArray[np.floating]:
        shared = has[rows] @ has.T
        return shared / np.maximum(sizes[rows, None] + sizes - shared, 1)

    return scores


def cosine_scores(met: Interactions, shrink: float) -> Scores:
    matrix, counts = met.matrix(), met.popularity() + shrink
    return lambda rows: (matrix[:, rows].T @ matrix).toarray() / np.sqrt(np.maximum(np.outer(counts[rows], counts), 1))


def _lift(met: Interactions, shrink: float) -> Scores:
    matrix, counts, people = met.matrix(), met.popularity().astype(float), len(met.user_ids)
    return lambda rows: (matrix[:, rows].T @ matrix).toarray() / (np.outer(counts[rows], counts) / people + shrink)


def _ease(met: Interactions) -> Scores:
    model = Ease.fit(met, largest=3000)  # the others have too few ratings, and the whole costs minutes
    both = np.zeros((len(met.movie_ids),) * 2, dtype=np.float32)
    both[np.ix_(model.inside, model.inside)] = model.weights + model.weights.T
    return lambda rows: both[rows]


def _local(scores: Scores, count: int) -> Scores:
    """Similarity over the root of both movies' mean similarity to their ten nearest (Zelnik-Manor & Perona's local scaling)."""
    nearest = np.concatenate(
        [
            np.sort(scores(np.arange(at, min(at + BLOCK, count))), axis=1)[:, -11:-1].mean(axis=1)
            for at in range(0, count, BLOCK)
        ]
    )
    return lambda rows: scores(rows) / np.sqrt(np.outer(nearest[rows], nearest))


def genre_matrix(films: Films) -> NDArray[np.bool_]:
    names = sorted({name for row in films.genres for name in row})
    return np.array([[name in row for name in names] for row in films.genres])


def lists_of(scores: Scores, count: int) -> NDArray[np.int64]:
    """(movies, K) the nearest of each, equal ones by row."""
    lists = np.empty((count, K), dtype=np.int64)
    for at in range(0, count, BLOCK):
        rows = np.arange(at, min(at + BLOCK, count))
        near = np.array(scores(rows), dtype=np.float32)
        near[np.arange(len(rows)), rows] = -np.inf
        lists[rows] = np.argsort(-near, axis=1, kind="stable")[:, :K]
    return lists


def measure(world: World) -> list[dict[str, Any]]:
    """One row a similarity."""
    films, count = world.films, len(world.films.ids)
    cut, steps = world.cut()
    met, known = (np.bincount(np.searchsorted(films.ids, one.ratings.movies), minlength=count) for one in (world, cut))
    pairs = read_pairs(films.ids)
    one, other = np.searchsorted(films.ids, pairs.one), np.searchsorted(films.ids, pairs.other)
    full, before = similarities(world), similarities(cut)
    asked = {name: pairwise(scores, one, other) for name, scores in full.items()}
    weights = hardness(pairs.alike, asked["genre overlap (Jaccard)"], asked["co-rating cosine"])
    ranks = [np.argsort(np.argsort(asked[name])) for name in ("genre overlap (Jaccard)", "co-rating cosine")]
    rows = [
        {
            "similarity": "rank sum of genre overlap and cosine",
            "AUC": weighted_auc(sum(ranks) * 1.0, pairs.alike, weights),
        }
    ]
    for name, scores in full.items():
        lists = lists_of(scores, count)
        told = behaviour(
            lists_of(before[name], count), known, genre_matrix(films), steps, len(np.unique(cut.ratings.users))
        )
        suite = [share(case, films, lists[np.searchsorted(films.ids, case.movie)]) for case in CASES]
        toy = lists[np.searchsorted(films.ids, 1)]
        rows.append(
            {"similarity": name, "AUC": weighted_auc(asked[name], pairs.alike, weights)}
            | {"suite": float(np.mean(suite)), "below .8": sum(one < 0.8 for one in suite)}
            | {"Toy Story pop": float(np.exp(np.mean(np.log(np.maximum(met[toy], 1)))))}
            | told
        )  # fmt: skip
    return rows


def pairwise(scores: Scores, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    films = np.unique(np.concatenate([one, other]))
    among = np.concatenate([scores(films[at : at + BLOCK])[:, films] for at in range(0, len(films), BLOCK)])
    return np.asarray(among[np.searchsorted(films, one), np.searchsorted(films, other)], dtype=np.float64)


def main(dataset: str) -> None:
    rows = measure(read_world(dataset))
    names = list(rows[-1])
    click.echo("| " + " | ".join(names) + " |\n|" + "---|" * len(names))
    for row in rows:
        click.echo("| " + " | ".join(_cell(row.get(name, "")) for name in names) + " |")


def _cell(value: Any) -> str:
    return f"{value:.3f}" if isinstance(value, float) else str(value)


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else "builtin")
