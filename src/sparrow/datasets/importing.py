"""From any source to the canonical Parquet files, with a report of what became of every row.

In order: the catalogue, the ratings (which may add movies that the catalogue lacks), the links, the tags, and what else
is known of people and movies. Ratings and tags stream; only the catalogue is held in memory.
"""

import tempfile
import time
from pathlib import Path
from typing import Final

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sparrow.datasets.canonical import MOVIES, RATINGS, RATINGS_SCHEMA, TAGS, TAGS_SCHEMA
from sparrow.datasets.catalogue import Catalogue
from sparrow.datasets.duplicates import OrderWatch, drop_older_duplicates
from sparrow.datasets.report import CheckReport, FileReport, Tally
from sparrow.datasets.rows import Ratings
from sparrow.datasets.rules import check_ratings
from sparrow.datasets.sources import Source, open_source
from sparrow.datasets.tags import tag_tables

CLOCK_SLACK: Final = 86_400
"""Seconds that a timestamp may be ahead of this machine's clock."""


def import_dataset(source: str | Path, folder: Path) -> CheckReport:
    """Read a dataset and write ratings.parquet, movies.parquet, tags.parquet, report.json and about.json.

    Where the source tells more of movies or people, their attributes are written too (`datasets.attributes`).
    Memory stays bounded by the catalogue and one block of ratings; a file with ratings out of order is sorted through
    DuckDB, which spills into `folder` beyond 4 GB. A call that raises may leave files behind: give it a fresh folder.

    Args:
        source: a dataset's name (`sources.open_source`), or the path of a folder in one of the layouts of `sources.FOLDERS`.
        folder: where the files go; made when missing.

    Returns:
        What was read, kept, repaired and dropped, and why.

    Raises:
        DataError: the source is missing, or holds no usable rating or no usable movie.
    """
    report = import_source(open_source(source), str(source), folder)
    report.check_usable()
    return report


def check_dataset(source: str | Path) -> CheckReport:
    """Do all that `import_dataset` does, in a temporary folder, and tell what was found.

    Needs temporary disk space of about two thirds of the CSV files.

    Raises:
        DataError: the source is missing. One that is there but not usable is told by `CheckReport.refusal`.
    """
    with tempfile.TemporaryDirectory(prefix="sparrow-check-") as folder:
        return import_source(open_source(source), str(source), Path(folder))


def import_source(source: Source, name: str, folder: Path) -> CheckReport:
    """Do the work of `import_dataset` for a source that is open; the report may still say that it cannot be used."""
    folder.mkdir(parents=True, exist_ok=True)
    latest = int(time.time()) + CLOCK_SLACK
    catalogue = Catalogue(source.first_line)
    movies = _read_movies(source, catalogue)
    ratings = _write_ratings(source, catalogue, folder / RATINGS, latest)
    links = _read_links(source, catalogue)
    tags = _write_tags(source, catalogue, folder / TAGS, latest)
    catalogue.write(folder / MOVIES)
    attributes = source.write_attributes(catalogue, folder)
    report = CheckReport(name, (ratings, movies, *links, *tags, *attributes))
    report.save(folder / "report.json")
    source.about.save(folder / "about.json")
    return report


def _read_movies(source: Source, catalogue: Catalogue) -> FileReport:
    tally = Tally(source.files["movies"])
    for row in source.movies(tally):
        catalogue.add(row, tally)
    return tally.report(kept=catalogue.listed)


def _write_ratings(source: Source, catalogue: Catalogue, path: Path, latest: int) -> FileReport:
    tally = Tally(source.files["ratings"])
    order = OrderWatch()
    repaired = [np.array([], dtype=np.int64)]
    with pq.ParquetWriter(path, RATINGS_SCHEMA) as writer:
        for block in source.ratings(tally):
            kept = check_ratings(block, tally, source.first_line, latest)
            catalogue.add_rated(kept, tally)
            order.watch(kept)
            repaired.append(kept.row[kept.repaired])
            writer.write_table(_ratings_table(kept))
    mended = np.concatenate(repaired)
    if not order.is_increasing:
        mended = np.setdiff1d(mended, drop_older_duplicates(path, tally, source.first_line))
    tally.repaired = len(mended)
    return tally.report(kept=pq.read_metadata(path).num_rows)


def _ratings_table(block: Ratings) -> pa.Table:
    columns = (block.user, block.movie, block.stars, block.timestamp, block.row)
    return pa.Table.from_arrays([pa.array(column) for column in columns], schema=RATINGS_SCHEMA)


def _read_links(source: Source, catalogue: Catalogue) -> tuple[FileReport, ...]:
    if "links" not in source.files:
        return ()
    tally = Tally(source.files["links"], required=False)
    for row in source.links(tally):
        catalogue.link(row, tally)
    return (tally.report(kept=catalogue.linked),)


def _write_tags(source: Source, catalogue: Catalogue, path: Path, latest: int) -> tuple[FileReport, ...]:
    tally = Tally(source.files.get("tags", ""), required=False)
    with pq.ParquetWriter(path, TAGS_SCHEMA) as writer:
        for table in tag_tables(source.tags(tally) if "tags" in source.files else (), catalogue, tally, latest):
            writer.write_table(table)
    return (tally.report(kept=pq.read_metadata(path).num_rows),) if "tags" in source.files else ()
