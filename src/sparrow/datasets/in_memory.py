"""A dataset from arrays in memory, written as `sparrow data import` would have written it."""

from collections.abc import Iterable
from pathlib import Path

import orjson
import pyarrow as pa
import pyarrow.parquet as pq

from sparrow.datasets.about import About
from sparrow.datasets.canonical import MOVIES, MOVIES_SCHEMA, RATINGS, RATINGS_SCHEMA
from sparrow.datasets.rows import Ratings
from sparrow.datasets.tabular_source import DATASET
from sparrow.schema import Movie


def write_dataset(folder: Path, ratings: Ratings, movies: Iterable[Movie], about: About) -> Path:
    """Fill `folder`, which any command then takes for a dataset.

    Args:
        ratings: sound ones: ids from 1, stars 0.5-5.0, seconds UTC that have passed.
        movies: the catalogue.
        about: whose data it is.

    Returns:
        The folder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    columns = (ratings.user, ratings.movie, ratings.stars, ratings.timestamp, ratings.row)
    table = pa.Table.from_arrays([pa.array(column) for column in columns], schema=RATINGS_SCHEMA)
    pq.write_table(table, folder / RATINGS)
    known = [
        (movie.movie_id, movie.title, movie.release_year, list(movie.genres), movie.imdb_id, movie.tmdb_id)
        for movie in movies
    ]
    rows = [dict(zip(MOVIES_SCHEMA.names, movie, strict=True)) for movie in known]
    pq.write_table(pa.Table.from_pylist(rows, schema=MOVIES_SCHEMA), folder / MOVIES)
    (folder / DATASET).write_bytes(orjson.dumps({"name": about.name}))
    about.save(folder / "about.json")
    return folder
