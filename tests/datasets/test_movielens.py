"""The official folder: what GroupLens publishes, and what spreadsheets make of it."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sparrow.datasets import check_dataset, fingerprint, import_dataset, records
from sparrow.errors import DataError
from tests.datasets.folders import MOVIES, RATINGS, write
from tests.worlds import checkerboard, random_world, write_canonical, write_movielens


def imported(source: Path, part: str) -> list[dict[str, object]]:
    """The rows of one canonical file."""
    import_dataset(source, source / "out")
    return pq.read_table(source / "out" / f"{part}.parquet").to_pylist()


@pytest.mark.parametrize("make", [checkerboard, random_world])
def test_official_files_arrive_whole_and_unchanged(tmp_path, make):
    world = make()
    source = write_movielens(tmp_path / "csv", world.ratings, world.movies, world.tags)
    expected = write_canonical(tmp_path / "expected", world.ratings, world.movies, world.tags)
    report = import_dataset(source, tmp_path / "out")
    for part in ("ratings", "movies", "tags"):
        assert pq.read_table(tmp_path / "out" / f"{part}.parquet").equals(
            pq.read_table(expected / f"{part}.parquet"), check_metadata=False
        )
    assert report.files[0].kept == len(world.ratings)
    assert [file.dropped for file in report.files] == [0, 0, 0, 0]


@pytest.mark.parametrize(
    ("written", "title", "year"),
    [
        ("Toy Story (1995)", "Toy Story", 1995),
        ('"Usual Suspects, The (1995)"', "Usual Suspects, The", 1995),
        ('"""Great Performances"" Cats (1998)"', '"Great Performances" Cats', 1998),
        ("Assembly (Ji jie hao) (2007) ", "Assembly (Ji jie hao)", 2007),
        ("1984 (Nineteen Eighty-Four) (1984)", "1984 (Nineteen Eighty-Four)", 1984),
        ("Death Note: Desu nôto (2006–2007)", "Death Note: Desu nôto", 2006),
        ("Diplomatic Immunity (2009– )", "Diplomatic Immunity", 2009),
        ("Fawlty Towers (1975-1979)", "Fawlty Towers", 1975),
        ("(500) Days of Summer (2009)", "(500) Days of Summer", 2009),
        ("Babylon 5", "Babylon 5", 0),
        ("Godzilla 2000", "Godzilla 2000", 0),
        ("(1995)", "(1995)", 0),
        ("Catch (22)", "Catch (22)", 0),
    ],
)
def test_the_year_is_taken_off_the_title(tmp_path, written, title, year):
    source = write(tmp_path, movies=f"movieId,title,genres\r\n1,{written},Drama\r\n3,Heat (1995),Action\r\n")
    first = imported(source, "movies")[0]
    assert (first["title"], first["releaseYear"]) == (title, year)


def test_genres_are_lists_and_none_is_empty(tmp_path):
    source = write(tmp_path, movies="movieId,title,genres\n1,A,Drama|Film-Noir|Drama\n3,B,(no genres listed)\n")
    assert [row["genres"] for row in imported(source, "movies")] == [["Drama", "Film-Noir"], []]


def test_byte_order_mark_quotes_column_order_and_further_columns_do_no_harm(tmp_path):
    ratings = '\ufeff"timestamp","note","rating","movieId","userId"\r\n964982703,"a, b","4.0",1,7\r\n5,,0.5,3,7'
    rows = imported(write(tmp_path, ratings=ratings), "ratings")
    assert rows == [
        {"userId": 7, "movieId": 1, "rating": 4.0, "timestamp": 964982703, "row": 0},
        {"userId": 7, "movieId": 3, "rating": 0.5, "timestamp": 5, "row": 1},
    ]


def test_links_keep_leading_zeros_and_unknown_ids_are_empty(tmp_path):
    movies = imported(write(tmp_path, links="movieId,imdbId,tmdbId\n1,0114709,862\n3,tt0113277,\n"), "movies")
    assert [(row["imdbId"], row["tmdbId"]) for row in movies] == [("0114709", "862"), ("0113277", "")]


def test_links_and_tags_are_optional(tmp_path):
    report = import_dataset(write(tmp_path), tmp_path / "out")
    assert [file.file for file in report.files] == ["ratings.csv", "movies.csv"]
    assert report.is_clean
    assert pq.read_metadata(tmp_path / "out" / "tags.parquet").num_rows == 0
    assert b"GroupLens" in (tmp_path / "out" / "about.json").read_bytes()


@pytest.mark.parametrize("end", ["", "\n", "\r\n", "\n\n\n"])
def test_the_last_line_counts_with_and_without_an_end(tmp_path, end):
    assert check_dataset(write(tmp_path, ratings=RATINGS.rstrip("\n") + end)).files[0].kept == 2


def test_blocks_of_any_size_give_the_same_rows(tmp_path, monkeypatch):
    world = random_world(users=10)
    source = write_movielens(tmp_path, world.ratings, world.movies)
    whole = imported(source, "ratings")
    monkeypatch.setattr(records, "BLOCK_BYTES", 64)
    assert imported(source, "ratings") == whole


def test_a_line_without_end_is_refused_before_it_fills_the_memory(tmp_path, monkeypatch):
    monkeypatch.setattr(records, "BLOCK_BYTES", 64)
    with pytest.raises(DataError, match=r"ratings\.csv, line 4, is longer than 64 bytes"):
        check_dataset(write(tmp_path, ratings=RATINGS + "1" * 200))


@pytest.mark.parametrize("missing", ["ratings.csv", "movies.csv"])
def test_a_missing_file_is_named(tmp_path, missing):
    (write(tmp_path) / missing).unlink()
    with pytest.raises(DataError, match=rf"has no {missing}; a MovieLens folder needs ratings.csv and movies.csv"):
        check_dataset(tmp_path)


def test_a_missing_folder_and_a_file_in_its_place_are_named(tmp_path):
    with pytest.raises(DataError, match=r"no dataset and no folder 'ml-900t'; known datasets: builtin"):
        import_dataset("ml-900t", tmp_path / "out")
    with pytest.raises(DataError, match=r"ratings\.csv is not a folder"):
        check_dataset(write(tmp_path) / "ratings.csv")


def test_utf16_is_named_with_its_cure(tmp_path):
    with pytest.raises(DataError, match=r"is UTF-16.*save it as CSV in UTF-8"):
        check_dataset(write(tmp_path, movies=MOVIES.encode("utf-16")))


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({"ratings": ""}, r"ratings\.csv of .* holds no rows; fill it"),
        ({"movies": "movieId,title,genres\n"}, r"movies\.csv of .* holds no rows"),
        ({"ratings": RATINGS.replace("rating,", "stars,")}, "on line 1 for a header without a needed column"),
        ({"ratings": "userId,movieId,rating,timestamp\n\n1,1,9,5\n"}, r"on line 3 for a rating outside .* \('9\.0'\)"),
    ],
)
def test_a_dataset_without_usable_rows_is_refused_in_one_sentence(tmp_path, files, sentence):
    source = write(tmp_path, **files)
    assert check_dataset(source).refusal
    with pytest.raises(DataError, match=sentence):
        import_dataset(source, tmp_path / "out")


def test_the_fingerprint_follows_the_content_not_the_place(tmp_path):
    here, there = write(tmp_path / "a"), write(tmp_path / "b")
    assert fingerprint(here) == fingerprint(str(there))
    write(there, ratings=RATINGS + "2,1,1.0,5\n")
    assert fingerprint(here) != fingerprint(there)
    before = fingerprint(here)
    assert fingerprint(write(here, tags="userId,movieId,tag,timestamp\n")) != before
