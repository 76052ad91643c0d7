"""Every layout of MovieLens: the same world gives the same tables, and every fault has its file and its line."""

import tempfile
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sparrow.datasets import CheckReport, check_dataset, faults, fingerprint, import_dataset, number_columns, records
from sparrow.datasets.attributes import read_kinds
from sparrow.datasets.fields import split_year
from sparrow.datasets.report import FileReport
from sparrow.errors import DataError
from sparrow.schema import Movie, MovieId, Rating, UserId
from tests.datasets.layouts import LAYOUTS, PEOPLE, Laid, Person, in_common, write_1m, write_10m, write_100k
from tests.worlds import World, random_world, write_canonical

WORLD = in_common(random_world())
SMALL = World(
    tuple(Rating(UserId(7), MovieId(movie), 4.0, 964_982_700 + movie) for movie in (3, 6)),
    tuple(Movie(MovieId(movie), f"Film {movie}", 1995, ("Drama",)) for movie in (3, 6)),
)

every_layout = pytest.mark.parametrize("laid", LAYOUTS.values(), ids=LAYOUTS)


def tables(source: Path, out: Path) -> tuple[CheckReport, dict[str, pa.Table]]:
    """The report and the canonical tables of a dataset."""
    report = import_dataset(source, out)
    return report, {path.stem: pq.read_table(path) for path in sorted(out.glob("*.parquet"))}


def found(report: CheckReport, file: str) -> FileReport:
    return next(one for one in report.files if one.file == file)


@every_layout
def test_all_layouts_give_equal_tables_and_no_fault(tmp_path, laid: Laid):
    report, read = tables(laid.write(tmp_path / "in", WORLD), tmp_path / "out")
    expected = write_canonical(tmp_path / "expected", WORLD.ratings, WORLD.movies)
    for part in ("ratings", "movies"):
        assert read[part].equals(pq.read_table(expected / f"{part}.parquet"), check_metadata=False)
    assert report.is_clean


@every_layout
def test_millions_of_rows_take_the_fast_way_and_blocks_of_any_size_give_the_same(tmp_path, laid: Laid, monkeypatch):
    source = laid.write(tmp_path / "in", WORLD)
    _, whole = tables(source, tmp_path / "whole")
    monkeypatch.setattr(records, "BLOCK_BYTES", 256)
    monkeypatch.setattr(number_columns, "_read_exact", None)
    assert tables(source, tmp_path / "parts")[1] == whole


def test_tags_come_from_csv_and_from_10m_alike(tmp_path):
    [csv, colons] = [
        tables(LAYOUTS[name].write(tmp_path / name, WORLD), tmp_path / f"{name}-out")[1]["tags"]
        for name in ("ml-latest", "ml-10m")
    ]
    assert csv == colons
    assert csv.num_rows == 1


@pytest.mark.parametrize("write", [write_1m, write_100k])
def test_people_have_ages_words_for_occupations_and_zip_codes(tmp_path, write):
    report, read = tables(write(tmp_path / "in", WORLD), tmp_path / "out")
    assert read["user_attributes"].to_pylist() == [
        {
            "userId": person.user_id,
            "age": float(person.age),
            "gender": person.gender,
            "occupation": person.occupation,
            "zipCode": person.zip_code,
        }
        for person in PEOPLE
    ]
    assert read_kinds(tmp_path / "out") == {
        "movies": {},
        "users": {"age": "numeric", "gender": "categorical", "occupation": "categorical", "zipCode": "categorical"},
    }
    assert report.is_clean


def test_people_are_optional_in_100k_and_a_1m_without_them_is_read_as_10m(tmp_path):
    for write, file in ((write_100k, "u.user"), (write_1m, "users.dat")):
        source = write(tmp_path / file, WORLD)
        (source / file).unlink()
        _, read = tables(source, tmp_path / f"{file}-out")
        assert "user_attributes" not in read
        assert not (tmp_path / f"{file}-out" / "attributes.json").exists()


def test_a_people_file_without_people_writes_no_attributes(tmp_path):
    report, read = tables(write_1m(tmp_path / "in", WORLD, ()), tmp_path / "out")
    assert "user_attributes" not in read
    assert [fault.kind for fault in found(report, "users.dat").faults] == [faults.EMPTY_FILE]


PERSON_FAULTS = [
    ("u.user", "x|30|M|writer|1", faults.NOT_A_NUMBER, None),
    ("u.user", "0|30|M|writer|1", faults.ID_OUT_OF_RANGE, None),
    ("u.user", "9|30|M|writer", faults.WRONG_FIELDS, None),
    ("u.user", "7|30|M|writer|1", faults.DUPLICATE_ID, None),
    ("u.user", "9|young|M|writer|1", faults.UNREADABLE_VALUE, (None, "M", "writer", "1")),
    ("u.user", "9|200|M|writer|1", faults.UNREADABLE_VALUE, (None, "M", "writer", "1")),
    ("u.user", "9|30.0|M||", faults.WHOLE_WITH_DECIMALS, (30.0, "M", None, None)),
    ("users.dat", "9::M::30::21::1", faults.UNREADABLE_VALUE, (30.0, "M", None, "1")),
    ("users.dat", "9::M::30::-1::1", faults.UNREADABLE_VALUE, (30.0, "M", None, "1")),
    ("users.dat", "9223372036854775808::M::30::2::1", faults.ID_OUT_OF_RANGE, None),
]


@pytest.mark.parametrize(("file", "line", "kind", "kept"), PERSON_FAULTS)
def test_a_fault_of_a_person_costs_the_person_or_the_value_alone(tmp_path, file, line, kind, kept):
    source = (write_1m if file == "users.dat" else write_100k)(tmp_path / "in", WORLD)
    with (source / file).open("a") as people:
        people.write(line + "\n")
    report, read = tables(source, tmp_path / "out")
    [fault] = found(report, file).faults
    assert (fault.kind, fault.lines, fault.count) == (kind, (4,), 1)
    rows = read["user_attributes"].to_pylist()[3:]
    assert [tuple(row.values())[1:] for row in rows] == ([] if kept is None else [kept])


# The fields of a rating that is wrong, and its fault: what the issue lists, in each layout's own way of writing.
RATING_FAULTS = [
    (("7", "9"), faults.WRONG_FIELDS),
    (("7", "9", "4.0", "96", "1"), faults.WRONG_FIELDS),
    (("7", "6", "1.0", "964982000"), faults.DUPLICATE_RATING),
    (("7", "9", "11", "964982703"), faults.RATING_OUT_OF_RANGE),
    (("7", "9", "3.7", "964982703"), faults.RATING_OFF_GRID),
    (("7", "9", "4.0", "964982703000"), faults.TIME_IN_MILLISECONDS),
    (("7", "9", "4.0", "4100000000"), faults.TIME_IN_FUTURE),
    (("7", "9", "4.0", "-5"), faults.TIME_NEGATIVE),
    (("9223372036854775808", "9", "4.0", "964982703"), faults.ID_OUT_OF_RANGE),
    (("7", "9223372036854775808", "4.0", "964982703"), faults.ID_OUT_OF_RANGE),
    (("7", "0", "4.0", "964982703"), faults.ID_OUT_OF_RANGE),
    (("7", "9,9", "4.0", "964982703"), faults.NOT_A_NUMBER),
    (("seven", "9", "4.0", "964982703"), faults.NOT_A_NUMBER),
]


@every_layout
@pytest.mark.parametrize(("fields", "kind"), RATING_FAULTS)
def test_a_wrong_rating_is_named_with_file_and_line(tmp_path, laid: Laid, fields, kind):
    if laid.separator == "," and fields[1] == "9,9":
        kind = faults.WRONG_FIELDS
    source = laid.write(tmp_path / "in", SMALL)
    with (source / laid.ratings).open("a") as file:
        file.write(laid.separator.join(fields) + "\n")
    report = import_dataset(source, tmp_path / "out")
    fault = next(fault for fault in found(report, laid.ratings).faults if fault.kind is kind)
    assert (fault.count, fault.lines) == (1, (laid.first_line + 2,))
    dropped = int(kind.fate == "dropped")
    assert (found(report, laid.ratings).kept, found(report, laid.ratings).dropped) == (3 - dropped, dropped)


@every_layout
def test_a_download_that_was_cut_off_shows_its_last_line(tmp_path, laid: Laid):
    source = laid.write(tmp_path / "in", SMALL)
    content = (source / laid.ratings).read_bytes()
    (source / laid.ratings).write_bytes(content[: content.rindex(laid.separator.encode())])
    fault = found(check_dataset(source), laid.ratings).faults[0]
    assert (fault.kind, fault.lines) == (faults.WRONG_FIELDS, (laid.first_line + 1,))


@every_layout
def test_bytes_that_are_not_utf8_are_repaired_and_named_where_utf8_was_promised(tmp_path, laid: Laid):
    source = laid.write(tmp_path / "in", SMALL)
    content = (source / laid.movies).read_bytes()
    (source / laid.movies).write_bytes(content.replace(b"Film 6", b"Am\xe9lie"))
    report, read = tables(source, tmp_path / "out")
    assert read["movies"].column("title").to_pylist() == ["Film 3", "Amélie"]
    named = [(fault.kind, fault.lines) for fault in found(report, laid.movies).faults]
    assert named == ([(faults.NOT_UTF8, (laid.first_line + 1,))] if laid.encoding == "utf-8" else [])


@every_layout
def test_bytes_of_no_known_encoding_are_named_everywhere(tmp_path, laid: Laid):
    source = laid.write(tmp_path / "in", SMALL)
    content = (source / laid.movies).read_bytes()
    (source / laid.movies).write_bytes(content.replace(b"Film 6", b"\x81\x8d"))
    [fault] = found(check_dataset(source), laid.movies).faults
    assert (fault.kind, fault.lines) == (faults.UNREADABLE_BYTES, (laid.first_line + 1,))


@every_layout
def test_a_movie_listed_twice_and_one_without_title_are_named(tmp_path, laid: Laid):
    first, second = SMALL.movies
    world = replace(SMALL, movies=(first, replace(second, title=" ", release_year=0), replace(first, title="Again")))
    report, read = tables(laid.write(tmp_path / "in", world), tmp_path / "out")
    assert read["movies"].column("title").to_pylist() == ["Film 3", "Movie 6"]
    assert {fault.kind: fault.lines for fault in found(report, laid.movies).faults} == {
        faults.EMPTY_TITLE: (laid.first_line + 1,),
        faults.DUPLICATE_MOVIE: (laid.first_line + 2,),
    }


def titles(encoding: str) -> st.SearchStrategy[str]:
    """Titles of any letters an encoding has, with much of what separates fields; some look dated."""
    letters = st.characters(codec=encoding, exclude_categories=["Cc", "Cs"])
    parts = st.text(letters, min_size=1, max_size=6) | st.sampled_from(
        [",", '"', "::", ":", "|", "\t", "(1995)", "The"]
    )
    return (
        st.lists(parts, min_size=1, max_size=6)
        .map("".join)
        .map(str.strip)
        .filter(lambda text: bool(text) and survives(text, encoding))
    )


def survives(text: str, encoding: str) -> bool:
    """Latin-1 bytes that happen to be sound UTF-8 are read as that: nobody writes such a title."""
    raw = text.encode(encoding)
    try:
        return raw.decode("utf-8") == text
    except UnicodeDecodeError:
        return True


@settings(max_examples=40, deadline=None)
@given(st.sampled_from(sorted(LAYOUTS)), st.data())
def test_a_title_of_any_letters_arrives_as_it_was_written(name, data):
    laid = LAYOUTS[name]
    written = data.draw(st.lists(titles(laid.encoding), min_size=1, max_size=5))
    movies = tuple(Movie(MovieId(at), title, 0, ("Drama",)) for at, title in enumerate(written, start=1))
    with tempfile.TemporaryDirectory() as folder:
        report, read = tables(laid.write(Path(folder) / "in", World(SMALL.ratings, movies)), Path(folder) / "out")
    rows = read["movies"].to_pylist()[: len(movies)]
    assert [(row["title"], row["releaseYear"]) for row in rows] == [split_year(title) for title in written]
    assert all(row["genres"] == ["Drama"] for row in rows)
    assert not found(report, laid.movies).faults


@settings(max_examples=60, deadline=None)
@given(st.sampled_from(["ml-10m", "ml-1m", "ml-100k"]), st.data())
def test_rows_read_are_kept_or_dropped_in_files_damaged_anywhere(name, data):
    with tempfile.TemporaryDirectory() as folder:
        source = LAYOUTS[name].write(Path(folder) / "in", WORLD)
        for path in sorted(source.iterdir()):
            content, at = path.read_bytes(), data.draw(st.floats(0, 1))
            cut, put = (
                data.draw(st.integers(0, 3)),
                data.draw(st.binary(max_size=4) | st.sampled_from([b"::", b"|", b"\t", b"\r"])),
            )
            place = int(at * len(content))
            path.write_bytes(content[:place] + put + content[place + cut :])
        try:
            report = check_dataset(source)
        except DataError as refused:
            assert str(source) in str(refused)
            return
        for file in report.files:
            lines = (source / file.file).read_bytes().removeprefix(b"\xef\xbb\xbf").split(b"\n")
            assert file.rows == sum(1 for line in lines if line.strip()) == file.kept + file.dropped
            assert file.repaired <= file.kept


ITEM = "9|{title}|{date}||http://x|0|{flags}"


@pytest.mark.parametrize(
    ("title", "date", "flags", "read", "kinds"),
    [
        ("Up (2009)", "01-Jan-1997", "1" + "|0" * 17, ("Up", 2009, ["Action"]), []),
        (
            "Land (1995) (V)",
            "08-Feb-1996",
            "0|0|1|1|1" + "|0" * 13,
            ("Land (1995) (V)", 1996, ["Animation", "Children's", "Comedy"]),
            [],
        ),
        ("unknown", "", "0" + "|0" * 17, ("unknown", 0, []), []),
        ("a|b (1990)", "", "0" + "|0" * 16 + "|1", ("a|b", 1990, ["Western"]), []),
        ("Up", "soon", "0" + "|0" * 17, ("Up", 0, []), [faults.UNREADABLE_VALUE]),
        ("Up", "", "2" + "|0" * 16 + "|1", ("Up", 0, ["Western"]), [faults.UNREADABLE_VALUE]),
    ],
)
def test_lines_of_u_item(tmp_path, title, date, flags, read, kinds):
    source = write_100k(tmp_path / "in", SMALL)
    with (source / "u.item").open("a") as file:
        file.write(ITEM.format(title=title, date=date, flags=flags) + "\n")
    report, got = tables(source, tmp_path / "out")
    row = got["movies"].to_pylist()[-1]
    assert (row["title"], row["releaseYear"], row["genres"]) == read
    assert [fault.kind for fault in found(report, "u.item").faults] == kinds


@every_layout
def test_a_folder_without_one_of_its_files_names_it_and_what_every_layout_needs(tmp_path, laid: Laid):
    for missing in (laid.ratings, laid.movies):
        source = laid.write(tmp_path / missing, SMALL)
        (source / missing).unlink()
        with pytest.raises(DataError) as refused:
            check_dataset(source)
        assert f"{source} has no {missing}; " in str(refused.value)
        for needs in (
            "ratings.csv and movies.csv (ml-latest",
            "u.data and u.item (ml-100k)",
            "ratings.dat and movies.dat (ml-10m)",
        ):
            assert needs in str(refused.value)


def test_the_folder_around_a_release_is_told_where_it_is(tmp_path):
    write_10m(tmp_path / "ml-10M100K", SMALL)
    with pytest.raises(DataError, match=r"ml-10M100K inside it is one, name that"):
        check_dataset(tmp_path)


@every_layout
def test_the_fingerprint_follows_every_file_that_is_read(tmp_path, laid: Laid):
    source = laid.write(tmp_path, WORLD, (*PEOPLE, Person(5, 18, "F", "artist", "1")))
    marks = {fingerprint(source)}
    for path in sorted(source.iterdir()):
        path.write_bytes(path.read_bytes() + b"\n")
        marks.add(fingerprint(source))
    assert len(marks) == 1 + len(list(source.iterdir()))


def test_old_releases_are_not_to_be_passed_on(tmp_path):
    for name, laid in LAYOUTS.items():
        import_dataset(laid.write(tmp_path / name, SMALL), tmp_path / f"{name}-out")
        about = (tmp_path / f"{name}-out" / "about.json").read_text()
        assert ("may not be passed on without separate permission" in about) == (name != "ml-latest")
