"""The canonical Parquet files: what every later stage reads, whatever the source was."""

import pyarrow as pa

from sparrow.schema import Columns

RATINGS_SCHEMA = pa.schema(
    [
        (Columns.USER, pa.int64()),
        (Columns.MOVIE, pa.int64()),
        (Columns.RATING, pa.float64()),
        (Columns.TIMESTAMP, pa.int64()),
        (Columns.ROW, pa.int64()),
    ]
)
MOVIES_SCHEMA = pa.schema(
    [
        (Columns.MOVIE, pa.int64()),
        (Columns.TITLE, pa.string()),
        (Columns.YEAR, pa.int32()),
        (Columns.GENRES, pa.list_(pa.string())),
        (Columns.IMDB, pa.string()),
        (Columns.TMDB, pa.string()),
    ]
)
TAGS_SCHEMA = pa.schema(
    [
        (Columns.USER, pa.int64()),
        (Columns.MOVIE, pa.int64()),
        (Columns.TAG, pa.string()),
        (Columns.TIMESTAMP, pa.int64()),
    ]
)

RATINGS = "ratings.parquet"
MOVIES = "movies.parquet"
TAGS = "tags.parquet"
