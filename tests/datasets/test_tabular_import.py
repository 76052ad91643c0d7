"""Anyone's files become a dataset: columns, ids, ratings, times and attributes, and the fate of every row."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sparrow.datasets import check_dataset, fingerprint, import_dataset
from sparrow.datasets.identities import IdTable
from sparrow.datasets.tabular_faults import TABULAR_FAULTS
from sparrow.datasets.tabular_import import Imported, Order, import_tables
from sparrow.errors import DataError, InvalidInput
from sparrow.stores.outside_ids import surrogates
from tests.datasets.shop import HOSTILE

ITEMS = "id,title\n1,Lamp\n2,Chair\n"
CLICKS = "user_id,item_id\nann,1\nbob,2\n"


@pytest.fixture
def files(tmp_path: Path) -> "Files":
    return Files(tmp_path)


class Files:
    """Writes files, imports them into `out`, and reads what came of it."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.out = folder, folder / "out"

    def run(self, items: str = ITEMS, interactions: str = CLICKS, users: str = "", **order: Any) -> Imported:
        paths = {"items": items, "interactions": interactions} | ({"users": users} if users else {})
        for name, content in paths.items():
            (self.folder / f"{name}.csv").write_text(content, encoding="utf-8")
        where: dict[Any, Path] = {name: self.folder / f"{name}.csv" for name in paths}
        return import_tables(Order(where, **order), self.out, surrogates)

    def rows(self, name: str) -> list[dict[str, Any]]:
        rows: list[dict[str, Any]] = pq.read_table(self.out / f"{name}.parquet").to_pylist()
        return rows

    def column(self, name: str, column: str) -> list[Any]:
        return [row[column] for row in self.rows(name)]


def faults(imported: Imported, file: str) -> dict[str, tuple[int, ...]]:
    """Fault name → lines."""
    report = next(one for one in imported.report.files if one.file == file)
    return {fault.kind.name: fault.lines for fault in report.faults}


def test_numbers_stay_and_text_gets_numbers_that_no_number_has(files: Files) -> None:
    files.run()
    assert files.column("movies", "movieId") == [1, 2]
    assert not (files.out / "movie_ids.parquet").exists()
    people = {row["outsideId"]: row["userId"] for row in files.rows("user_ids")}
    assert set(people) == {"ann", "bob"}
    assert min(people.values()) >= 2**62
    assert files.column("ratings", "userId") == [people["ann"], people["bob"]]


def test_hostile_ids_come_through_as_they_are(files: Files) -> None:
    quoted = ['"' + one.replace('"', '""') + '"' for one in HOSTILE]
    items = "id,title\n" + "".join(f"{one},Item\n" for one in quoted)
    clicks = "user,item\n" + "".join(f"{one},{one}\n" for one in quoted)
    imported = files.run(items, clicks)
    assert imported.report.is_clean
    for name, id_column in (("movie_ids", "movieId"), ("user_ids", "userId")):
        table = {row["outsideId"]: row[id_column] for row in files.rows(name)}
        assert set(table) == set(HOSTILE)
        assert len(set(table.values())) == len(HOSTILE)
        assert table[str(2**63 - 1)] == 2**63 - 1
        assert all(0 < number < 2**63 for number in table.values())


def test_importing_again_keeps_every_number_and_appends_new_ones(files: Files) -> None:
    files.run(items="id,title\nx,Lamp\ny,Chair\n", interactions="user,item\nann,x\nbob,y\n")
    first = files.rows("movie_ids"), files.rows("user_ids")
    files.run(items="id,title\nz,Table\ny,Chair\n", interactions="user,item\ncid,z\nbob,y\n")
    again = files.rows("movie_ids"), files.rows("user_ids")
    assert [one[: len(other)] for one, other in zip(again, first, strict=True)] == list(first)
    assert [rows[-1]["outsideId"] for rows in again] == ["z", "cid"]


def test_two_ids_that_want_one_number_get_two_and_keep_them(tmp_path: Path) -> None:
    def crowded(text: str) -> Any:
        return iter([2**62 + 1, 2**62 + len(text)])

    table = IdTable("users", crowded)
    assert table.encode(pa.array(["ann", "robert", "ann"])).tolist() == [2**62 + 1, 2**62 + 6, 2**62 + 1]
    table.save(tmp_path)
    loaded = IdTable.load(tmp_path, "users", crowded)
    assert loaded.encode(pa.array(["robert", "ann"])).tolist() == [2**62 + 6, 2**62 + 1]
    assert loaded.outside(2**62 + 6) == "robert"


def test_without_ratings_everything_is_liked_and_without_times_the_file_orders(files: Files) -> None:
    imported = files.run(interactions="user,item\nann,1\nann,2\nbob,1\n")
    assert imported.feedback == "implicit"
    assert files.column("ratings", "rating") == [5.0] * 3
    assert files.column("ratings", "timestamp") == [0, 1, 2]


def test_one_value_for_all_tells_no_more_than_that_it_happened(files: Files) -> None:
    imported = files.run(interactions="user,item,rating\nann,1,1\nann,2,1\nbob,1,1\n")
    assert imported.feedback == "implicit"
    assert files.column("ratings", "rating") == [5.0] * 3


def test_a_declared_scale_is_mapped_linearly_and_its_outside_is_dropped(files: Files) -> None:
    rows = "".join(f"u{at},1,{value}\n" for at, value in enumerate((1, 4, 7, 10, 11, 0)))
    imported = files.run(interactions="user,item,points\n" + rows, named={"rating": "points"}, scale=(1, 10))
    assert imported.feedback == "explicit"
    assert files.column("ratings", "rating") == [0.5, 2.0, 3.5, 5.0]
    assert faults(imported, "interactions.csv")["rating_off_scale"] == (6, 7)


def test_times_are_seconds_milliseconds_or_iso_8601(files: Files) -> None:
    times = [
        "1714564800",
        "1714564800000",
        "2024-05-01T12:00:00Z",
        "2024-05-01 14:00:00+02:00",
        "2024-05-01T12:00:00.9",
    ]
    times += ["1714564800.75", "2024-05-01", "soon", ""]
    rows = "".join(f"u{at},1,{time}\n" for at, time in enumerate(times))
    imported = files.run(interactions="user,item,time\n" + rows)
    assert files.column("ratings", "timestamp") == [1_714_564_800] * 6 + [1_714_521_600]
    found = faults(imported, "interactions.csv")
    assert (found["unreadable_time"], found["time_with_fraction"], found["time_in_milliseconds"]) == (
        (9, 10),
        (7,),
        (3,),
    )


def test_every_broken_row_is_named_by_its_line_and_costs_only_itself(files: Files) -> None:
    clicks = f"user,item,rating\nann,1,4\n,1,4\nbob,,4\nann,2,many\n{'x' * 201},1,4\nbob,2.0,3\nbob\n"
    imported = files.run(interactions=clicks)
    found = faults(imported, "interactions.csv")
    assert found["empty_id"] == (3, 4)
    assert (found["not_a_number"], found["long_id"], found["wrong_fields"]) == ((5,), (6,), (8,))
    assert found["whole_with_decimals"] == (7,)
    assert [(row["movieId"], row["rating"]) for row in files.rows("ratings")] == [(1, 4.0), (2, 3.0)]
    report = imported.report.files[0]
    assert (report.rows, report.kept, report.dropped, report.repaired) == (7, 2, 5, 1)


def test_items_have_titles_years_and_genres_or_do_without(files: Files) -> None:
    items = "sku,name,release_date,category\na,Lamp,2001-05-01,Home;Light\nb,,later,\na,Twice,2002,Home\n"
    imported = files.run(items, "user,sku\nann,a\nann,new\n", genre_separator=";")
    shown = {row["title"]: (row["releaseYear"], row["genres"]) for row in files.rows("movies")}
    assert shown == {"Lamp": (2001, ["Home", "Light"]), "Movie b": (0, []), "Movie new": (0, [])}
    assert set(faults(imported, "items.csv")) == {"unreadable_year", "empty_title", "duplicate_movie"}
    told = [
        fault.example for file in imported.report.files for fault in file.faults if fault.kind.name == "unlisted_movie"
    ]
    assert told == ["new"], "the report speaks of outside ids"


def test_titles_may_carry_the_year_as_movielens_does(files: Files) -> None:
    files.run(items="id,title\n1,Heat (1995)\n2,1984\n")
    assert [(row["title"], row["releaseYear"]) for row in files.rows("movies")] == [("Heat", 1995), ("1984", 0)]


def test_declared_attributes_are_kept_and_other_columns_told(files: Files) -> None:
    items = (
        "id,title,price,look,text,tags,note\n1,Lamp,2.5,0.5 1,warm lamp,a|b,x\n2,Chair,cheap,1,oak,b,y\n"
        '3,Table,,"[0.25, 2]",,,z\n3,Again,9,1 1,,,z\n'
    )
    kinds = {"price": "numeric", "look": "vector", "text": "text", "tags": "categorical"}
    users = "user_id,age,city\nann,30,Rome\nbob,,\nann,31,Oslo\n"
    imported = files.run(
        items, users=users, attributes={"items": kinds, "users": {"age": "numeric", "city": "categorical"}}
    )
    rows = {row["movieId"]: row for row in files.rows("movie_attributes")}
    assert rows[1] == {"movieId": 1, "price": 2.5, "look": [0.5, 1.0], "text": "warm lamp", "tags": ["a", "b"]}
    assert rows[2] == {"movieId": 2, "price": None, "look": None, "text": "oak", "tags": ["b"]}
    assert rows[3]["look"] == [0.25, 2.0]
    assert faults(imported, "items.csv")["unreadable_attribute"] == (3, 3)
    assert imported.choices["items"].ignored == ("note",)
    assert sorted(row["city"] or "" for row in files.rows("user_attributes")) == ["", "Rome"]
    assert faults(imported, "users.csv") == {"duplicate_person": (4,)}


def parquet(folder: Path, name: str, columns: dict[str, Sequence[Any]]) -> Path:
    path = folder / name
    pq.write_table(pa.table(columns), path)
    return path


def test_parquet_is_read_like_csv(tmp_path: Path) -> None:
    from datetime import UTC, datetime

    items = parquet(tmp_path, "items.parquet", {"id": [10, 20], "title": ["A", "B"], "genres": [["x", "y"], None]})
    moments = [datetime(2024, 5, 1, 12, tzinfo=UTC), datetime(2024, 5, 1, 12, 0, 1, tzinfo=UTC), None]
    clicks = {"user": pa.array(["ann", "bob", "ann"]).dictionary_encode(), "item": [10.0, 20.0, 20.0], "time": moments}
    log = parquet(tmp_path, "log.parquet", clicks)
    imported = import_tables(Order({"items": items, "interactions": log}), tmp_path / "out", surrogates)
    ratings = pq.read_table(tmp_path / "out" / "ratings.parquet").to_pylist()
    assert [(row["movieId"], row["timestamp"]) for row in ratings] == [(10, 1_714_564_800), (20, 1_714_564_801)]
    assert faults(imported, "log.parquet") == {"unreadable_time": (3,)}
    assert pq.read_table(tmp_path / "out" / "movies.parquet")["genres"].to_pylist() == [["x", "y"], []]


def test_the_written_folder_is_a_dataset_like_any_other(files: Files, tmp_path: Path) -> None:
    items = "id,title,price\na,Lamp,1\nb,Chair,2\n"
    files.run(items, "user,item\nann,a\nbob,b\nbob,a\n", attributes={"items": {"price": "numeric"}})
    assert check_dataset(files.out).is_clean
    import_dataset(files.out, tmp_path / "again")
    for path in files.out.iterdir():
        if path.name not in ("report.json", "about.json"):
            assert (tmp_path / "again" / path.name).exists(), path.name
    assert pq.read_table(tmp_path / "again" / "ratings.parquet") == pq.read_table(files.out / "ratings.parquet")
    assert pq.read_table(tmp_path / "again" / "movies.parquet") == pq.read_table(files.out / "movies.parquet")
    before = fingerprint(files.out)
    files.run(items, "user,item\nann,a\nbob,b\n", attributes={"items": {"price": "numeric"}})
    assert fingerprint(files.out) != before
    files.run(items, "user,item\nann,a\nbob,b\nbob,a\n", attributes={"items": {"price": "numeric"}})
    assert fingerprint(files.out) == before


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"items": "a,b\n1,2\n"}, "Name it with --item-id"),
        ({"interactions": "who,item\n1,2\n"}, "Name it with --user-id"),
        ({"named": {"title": "nmae"}}, "--title names the column 'nmae'"),
        ({"attributes": {"items": {"prize": "numeric"}}}, "'prize'"),
        ({"scale": (1.0, 10.0)}, "no column of ratings"),
    ],
)
def test_columns_that_cannot_be_told_are_refused_with_the_cure(files: Files, change: dict[str, Any], told: str) -> None:
    with pytest.raises(InvalidInput, match=told):
        files.run(**change)
    assert not files.out.exists()


def test_a_failed_import_leaves_the_folder_as_it_was(files: Files) -> None:
    files.run()
    before = fingerprint(files.out)
    with pytest.raises(DataError, match="no usable row"):
        files.run(interactions="user,item\n,1\n")
    assert fingerprint(files.out) == before
    assert sorted(path.name for path in files.folder.iterdir()) == ["interactions.csv", "items.csv", "out"]


def test_the_folder_of_someone_else_is_not_touched(files: Files) -> None:
    files.out.mkdir()
    (files.out / "thesis.txt").write_text("years of work")
    with pytest.raises(InvalidInput, match="holds other files"):
        files.run()


def test_headers_without_sense_are_refused(files: Files) -> None:
    for items in ("id,id\n1,2\n", "\n1,2\n"):
        with pytest.raises(DataError, match="header"):
            files.run(items=items)


def test_the_page_about_own_data_shows_every_fault() -> None:
    page = (Path(__file__).parents[2] / "docs" / "your-own-data.md").read_text(encoding="utf-8")
    for kind in TABULAR_FAULTS:
        assert f"| `{kind.name}` | {kind.what} | {kind.fate} | {kind.cure} |" in page
