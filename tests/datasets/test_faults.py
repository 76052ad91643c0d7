"""Every fault is named with its line, and has the fate that the documentation promises."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from sparrow.datasets import CheckReport, FileReport, check_dataset, faults, import_dataset
from sparrow.datasets.report import Tally
from tests.datasets.folders import MOVIES, RATINGS, write

LINKS = "movieId,imdbId,tmdbId\n1,0114709,862\n"
TAGS = "userId,movieId,tag,timestamp\n1,1,fun,5\n"

# file, the line added to it, the fault it shows, the value named.
CASES = [
    ("ratings", "1,9,4.0", faults.WRONG_FIELDS, "1,9,4.0"),
    ("ratings", '1,"9,4.0,5', faults.WRONG_FIELDS, '1,"9,4.0,5'),
    ("ratings", "1,9,four,5", faults.NOT_A_NUMBER, "four"),
    ("ratings", "1,9,nan,5", faults.NOT_A_NUMBER, "nan"),
    ("ratings", "1,,4.0,5", faults.NOT_A_NUMBER, ""),
    ("ratings", "1,9,4.0,5.5", faults.NOT_WHOLE, "5.5"),
    ("ratings", "1.0,9,4.0,5", faults.WHOLE_WITH_DECIMALS, "1.0"),
    ("ratings", "0,9,4.0,5", faults.ID_OUT_OF_RANGE, "0"),
    ("ratings", "1,-9,4.0,5", faults.ID_OUT_OF_RANGE, "-9"),
    ("ratings", "1,9223372036854775808,4.0,5", faults.ID_OUT_OF_RANGE, "9223372036854775808"),
    ("ratings", "1,9,0.0,5", faults.RATING_OUT_OF_RANGE, "0.0"),
    ("ratings", "1,9,1e999,5", faults.RATING_OUT_OF_RANGE, "inf"),
    ("ratings", "1,9,3.7,5", faults.RATING_OFF_GRID, "3.7"),
    ("ratings", "1,9,4.0,-1", faults.TIME_NEGATIVE, "-1"),
    ("ratings", f"1,9,4.0,-{10**30}", faults.TIME_NEGATIVE, f"-{10**30}"),
    ("ratings", "1,9,4.0,964982703000", faults.TIME_IN_MILLISECONDS, "964982703000"),
    ("ratings", "1,9,4.0,4100000000", faults.TIME_IN_FUTURE, "4100000000"),
    ("ratings", f"1,9,4.0,{10**30}", faults.TIME_IN_FUTURE, f"{10**30}"),
    ("ratings", "1,3,1.0,5", faults.DUPLICATE_RATING, "user 1, movie 3"),
    ("ratings", "1,9,4.0,5", faults.UNLISTED_MOVIE, "9"),
    ("movies", "3,Heat again,Action", faults.DUPLICATE_MOVIE, "3"),
    ("movies", "9, ,Action", faults.EMPTY_TITLE, "movie 9"),
    ("movies", "9,Heat, The (1995),Action", faults.WRONG_FIELDS, "9,Heat, The (1995),Action"),
    ("movies", b"9,Am\xe9lie (2001),Comedy", faults.NOT_UTF8, "9,Amélie (2001),Comedy"),
    ("movies", b"9,\x81\x8d,Comedy", faults.UNREADABLE_BYTES, "9,��,Comedy"),
    ("movies", "nine,Heat,Action", faults.NOT_A_NUMBER, "nine"),
    ("links", "9,,", faults.UNKNOWN_MOVIE, "9"),
    ("links", "1,1,1", faults.DUPLICATE_MOVIE, "1"),
    ("links", "3,12,862.0", faults.WHOLE_WITH_DECIMALS, "862.0"),
    ("links", "3,movie,", faults.NOT_A_NUMBER, "movie"),
    ("tags", "1,9,fun,5", faults.UNKNOWN_MOVIE, "9"),
    ("tags", "1,1, ,5", faults.EMPTY_TAG, ""),
    ("tags", "1,1,fun,964982703000", faults.TIME_IN_MILLISECONDS, "964982703000"),
    ("tags", "1,1,fun,soon", faults.NOT_A_NUMBER, "soon"),
]


def check(folder: Path, file: str, line: str | bytes) -> tuple[CheckReport, FileReport]:
    """The dataset with one line more at the end of one file: the whole report, and that file's."""
    files = {"ratings": RATINGS, "movies": MOVIES, "links": LINKS, "tags": TAGS}
    added = line.encode() if isinstance(line, str) else line
    content = {name: text.encode() + added * (name == file) for name, text in files.items()}
    report = import_dataset(write(folder, **content), folder / "out")
    return report, next(found for found in report.files if found.file == f"{file}.csv")


@pytest.mark.parametrize(("file", "line", "kind", "example"), CASES)
def test_a_fault_is_named_with_line_and_value_and_other_rows_stay(tmp_path, file, line, kind, example):
    report, found = check(tmp_path, file, line)
    fault = next(fault for fault in found.faults if fault.kind is kind)
    before = 2 if file in ("ratings", "movies") else 1
    assert (fault.count, fault.lines, fault.example) == (1, (before + 2,), example)
    assert (found.rows, found.dropped) == (before + 1, int(kind.fate == "dropped"))
    assert found.repaired == (kind.fate == "repaired")
    assert not report.refusal


def test_every_kind_of_fault_has_a_case():
    genome = {
        faults.UNKNOWN_GENOME_TAG,
        faults.RELEVANCE_OUT_OF_RANGE,
        faults.DUPLICATE_SCORE,
        faults.INCOMPLETE_VECTOR,
    }
    people = {faults.DUPLICATE_ID, faults.UNREADABLE_VALUE}
    elsewhere = {faults.MISSING_COLUMN, faults.EMPTY_FILE} | people | genome  # test_layouts, test_genome
    assert {kind for _, _, kind, _ in CASES} | elsewhere == set(faults.FAULTS)
    assert len({kind.name for kind in faults.FAULTS}) == len(faults.FAULTS)


def test_the_documentation_tells_every_fault_and_its_fate():
    page = (Path(__file__).parents[2] / "docs" / "datasets.md").read_text(encoding="utf-8")
    for kind in faults.FAULTS:
        assert f"| `{kind.name}` | {kind.what} | {kind.fate} |" in page


def test_an_optional_file_without_its_columns_is_left_out_with_all_rows_counted(tmp_path):
    write(tmp_path, tags="userId,movieId,words,timestamp\n1,1,fun,5\n\n1,1,sad,5\n", links="")
    report = check_dataset(tmp_path)
    links, tags = report.files[2:]
    assert not report.refusal
    assert (tags.rows, tags.kept, tags.dropped) == (2, 0, 2)
    assert (tags.faults[0].kind, tags.faults[0].lines) == (faults.MISSING_COLUMN, (1,))
    assert tags.faults[0].example == "no tag in userId,movieId,words,timestamp"
    assert [fault.kind for fault in links.faults] == [faults.EMPTY_FILE]


def test_repairs_write_the_right_value(tmp_path):
    ratings = RATINGS + "2,1,3.7,964982703000\n2,3,2.25,7.0\n"
    movies = MOVIES.encode() + b"9,Am\xe9lie (2001),Comedy\n10,,\n"
    import_dataset(write(tmp_path, ratings=ratings, movies=movies), tmp_path / "out")
    rows = pq.read_table(tmp_path / "out" / "ratings.parquet").to_pylist()
    titles = {row["movieId"]: row["title"] for row in pq.read_table(tmp_path / "out" / "movies.parquet").to_pylist()}
    assert [(row["rating"], row["timestamp"]) for row in rows[2:]] == [(3.5, 964982703), (2.5, 7)]
    assert (titles[9], titles[10]) == ("Amélie", "Movie 10")


def test_a_row_repaired_twice_counts_once_and_one_dropped_later_is_not_repaired(tmp_path):
    ratings = RATINGS + "2.0,1,3.7,964982703000\n2,1,3.7,1\n"
    found = check_dataset(write(tmp_path, ratings=ratings)).files[0]
    assert (found.rows, found.kept, found.repaired, found.dropped) == (4, 3, 1, 1)


def test_lines_count_as_an_editor_does_with_blank_lines_between(tmp_path):
    ratings = "userId,movieId,rating,timestamp\r\n\r\n1,1,4.0,5\r\n  \r\n1,3,4.0,5,6\r\n\n1,3,9,5\n"
    found = check_dataset(write(tmp_path, ratings=ratings)).files[0]
    assert {fault.kind: fault.lines for fault in found.faults} == {
        faults.WRONG_FIELDS: (5,),
        faults.RATING_OUT_OF_RANGE: (7,),
    }


def test_many_faults_of_a_kind_are_counted_and_the_first_lines_named(tmp_path):
    ratings = RATINGS + "".join(f"2,{movie},7.0,5\n" for movie in range(1, 100))
    fault = check_dataset(write(tmp_path, ratings=ratings)).files[0].faults[0]
    assert (fault.count, fault.lines, fault.example) == (99, (4, 5, 6, 7, 8), "7.0")


def test_a_rated_movie_that_is_not_listed_has_a_row(tmp_path):
    import_dataset(write(tmp_path, ratings=RATINGS + "1,9,4.0,5\n2,9,4.0,5\n"), tmp_path / "out")
    last = pq.read_table(tmp_path / "out" / "movies.parquet").to_pylist()[-1]
    assert last == {"movieId": 9, "title": "Movie 9", "releaseYear": 0, "genres": [], "imdbId": "", "tmdbId": ""}


def test_a_report_that_lost_a_row_cannot_be_built():
    tally = Tally("ratings.csv", rows=3)
    tally.note(faults.NOT_A_NUMBER, (2,), "x")
    with pytest.raises(ValueError, match="3 rows read, but 1 kept and 1 dropped"):
        tally.report(kept=1)


def test_the_report_is_saved_as_json(tmp_path):
    import orjson

    report, _ = check(tmp_path, "ratings", "1,9,four,5")
    saved = orjson.loads((tmp_path / "out" / "report.json").read_bytes())
    assert saved == report.to_json()
    assert saved["usable"]
    assert saved["files"][0]["faults"][0] == {
        "kind": "not_a_number",
        "what": "not a number",
        "fate": "dropped",
        "count": 1,
        "lines": [4],
        "example": "four",
        "cure": "write digits only, 4.5 or 964982703",
    }
