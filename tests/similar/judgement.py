"""Our own judgement of which films are alike, and hard questions made from it.

`alike.csv` is written by hand, from what we know of the films: kinds ("heists", "erotic thrillers"), each with its films.
Films of one kind are alike. Kinds of one `group` ("noir": noir and neo-noir) are neither alike nor unlike, and never asked.

All other pairs are unlike, and most of them are easy. `questions` weighs them so that genre overlap and co-rating cosine, both
plain, reach AUCs of .705 and .666, which is what published human judgements of similar movies give: a hard negative (same
genres, same audience, another kind of film) then counts up to a hundred times an easy one.
"""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

FILE: Final = Path(__file__).parent / "alike.csv"
GENRE_AUC, COSINE_AUC = 0.705, 0.666

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Pairs:
    """(n,) raw ids of two films, and whether we call them alike."""

    one: NDArray[np.int64]
    other: NDArray[np.int64]
    alike: NDArray[np.bool_]


def read_kinds() -> dict[str, list[int]]:
    """Kind → movie ids."""
    kinds: dict[str, list[int]] = {}
    for row in _rows():
        kinds.setdefault(row["kind"], []).append(int(row["movieId"]))
    return kinds


def read_pairs(known: NDArray[np.int64], unlike: int = 30_000, seed: int = 0) -> Pairs:
    """Pairs of the films that the catalogue `known` holds: all alike ones, and `unlike` drawn others."""
    rows = [row for row in _rows() if int(row["movieId"]) in set(known.tolist())]
    films = np.unique([int(row["movieId"]) for row in rows])
    same = _share(rows, films, "kind")
    near = _share(rows, films, "group")
    one, other = np.triu_indices(len(films), 1)
    alike = same[one, other]
    far = np.flatnonzero(~alike & ~near[one, other])
    drawn = np.random.default_rng(seed).choice(far, min(unlike, len(far)), replace=False)
    kept = np.sort(np.concatenate([np.flatnonzero(alike), drawn]))
    return Pairs(films[one[kept]], films[other[kept]], alike[kept])


def hardness(alike: NDArray[np.bool_], genres: Floats, cosine: Floats) -> Floats:
    """(n,) weights of pairs: 1 for alike ones; for others exp(a rank(genres) + b rank(cosine)) with a and b as said above."""
    first, second = (np.argsort(np.argsort(values, kind="stable")) / len(values) for values in (genres, cosine))
    a = b = 0.0
    for _ in range(60):
        weights = np.where(alike, 1.0, np.exp(a * first + b * second))
        a += 6 * (weighted_auc(genres, alike, weights) - GENRE_AUC)
        b += 6 * (weighted_auc(cosine, alike, weights) - COSINE_AUC)
    return weights


def weighted_auc(scores: Floats, alike: NDArray[np.bool_], weights: Floats) -> float:
    """Weighted chance that an alike pair scores above an unlike one, ties half."""
    _, place = np.unique(scores, return_inverse=True)
    unlike = np.bincount(place, np.where(alike, 0, weights))
    likes = np.bincount(place, np.where(alike, weights, 0))
    return float((likes @ (np.cumsum(unlike) - unlike / 2)) / (unlike.sum() * likes.sum()))


def _rows() -> list[dict[str, str]]:
    with FILE.open(encoding="utf-8", newline="") as file:
        return list(csv.DictReader(file))


def _share(rows: list[dict[str, str]], films: NDArray[np.int64], column: str) -> NDArray[np.bool_]:
    """(films, films) whether two films have a value of this column in common."""
    names = sorted({row[column] for row in rows})
    has = np.zeros((len(films), len(names)), dtype=np.int64)
    for row in rows:
        has[np.searchsorted(films, int(row["movieId"])), names.index(row[column])] = 1
    return np.asarray(has @ has.T > 0)
