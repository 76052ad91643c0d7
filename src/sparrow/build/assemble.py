"""One folder from a fit's parts: the feature store and the models, laid out as `stores.releases` describes."""

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Literal

import pyarrow.parquet as pq

from sparrow.datasets.identities import read_ids
from sparrow.features.engines.parts import parquet_files
from sparrow.stores import collaborative_model, lmdb_store, next_item_model
from sparrow.stores.embedding_table import EmbeddingTable, Neighbours
from sparrow.stores.feature_store import FeatureStore, MovieRecord, StoreMeta, UserRecord
from sparrow.stores.lmdb_store import LmdbStore

MODEL_PARTS = ("", ".onnx", ".encoding.json", ".curve.json", ".curve.svg", ".weights.npz", ".tuning.json")
"""What a ranking model is made of, behind its name."""


def assemble(data: Path, features: Path, embeddings: Path, recall: Path, ranking: Path, out: Path) -> dict[str, int]:
    """Fill `out` from the folders of one fit, and from `data` what holds for both; returns rows by kind."""
    path = out / "features.lmdb"
    store = FeatureStore(LmdbStore(path, writable=True))
    movies = store.write_movies(map(movie_record, _rows(features / "movies.parquet")))
    people = store.write_users(map(user_record, _rows(features / "users.parquet")))
    similarities, dimensions = {}, {}
    for file in sorted(embeddings.glob("movies-*.npz")):
        table = EmbeddingTable.load(file)
        _write_table(store, "emb", table)
        people_file = embeddings / f"people-{table.name}.npz"
        if people_file.is_file():  # a similarity of movies need not place people
            _write_table(store, "uemb", EmbeddingTable.load(people_file))
        near = Neighbours.load(recall / f"neighbours-{table.name}.npz")
        store.write_neighbours(near.name, zip(near.ids.tolist(), near.nearest, near.scores, strict=True))
        similarities[table.name], dimensions[table.name] = table.similarity, table.dim
    outside_ids = _write_outside_ids(store, data)
    store.write_meta(StoreMeta(movies, people, similarities, dimensions, outside_ids))
    store.close()
    lmdb_store.seal(path)
    for index in recall.glob("index-*"):
        shutil.copytree(index, out / index.name)
    for path in (recall / name for name in (collaborative_model.FILE, next_item_model.FILE)):
        if path.exists():  # nothing follows anything where nobody has two ratings
            shutil.copy2(path, out / path.name)
    for path in (ranking / f"{model}{part}" for model in models_in(ranking) for part in MODEL_PARTS):
        if path.exists():  # the judging fit has no served form, and few models were tuned
            copy = shutil.copytree if path.is_dir() else shutil.copy2
            copy(path, out / path.name)
    return {"movies": movies, "people": people, "embeddings": len(similarities)}


def models_in(folder: Path) -> list[str]:
    """Names of the ranking models in a folder, as they are served."""
    return sorted(path.name.removesuffix(".onnx") for path in folder.glob("*.onnx"))


def _write_outside_ids(store: FeatureStore, data: Path) -> dict[str, int]:
    """What the outside world calls movies and people, if the dataset's ids are not all numbers; rows by kind."""
    sides: tuple[Literal["movies", "users"], ...] = ("movies", "users")
    counts = {who: store.write_outside_ids(who, read_ids(data, who)) for who in sides}
    return {who: count for who, count in counts.items() if count}


def _write_table(store: FeatureStore, kind: Any, table: EmbeddingTable) -> None:
    store.write_vectors(kind, table.name, zip(table.ids.tolist(), table.vectors, strict=True))


def _rows(path: Path) -> Iterator[dict[str, Any]]:
    for file in parquet_files(path):
        for batch in pq.ParquetFile(file).iter_batches(4096):
            yield from batch.to_pylist()


def movie_record(row: dict[str, Any]) -> MovieRecord:
    """One row of `movies.parquet` as the store keeps it."""
    return MovieRecord(
        **{name: row[name] for name in _PLAIN_MOVIE},
        spread=row["spread"] or [0] * 10,
        top_ratings=[(top["userId"], top["half"], top["timestamp"]) for top in row["top_ratings"] or ()],
    )


def user_record(row: dict[str, Any]) -> UserRecord:
    """One row of `users.parquet` as the store keeps it."""
    return UserRecord(**row)


_PLAIN_MOVIE = (
    "movieId", "title", "releaseYear", "genres", "imdbId", "tmdbId", "movie_count", "movie_half_sum", "movie_half_square_sum",
)  # fmt: skip
