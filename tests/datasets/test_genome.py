"""The tag genome: one vector a movie, whatever the order of the scores; what is wrong has its line."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.datasets import CheckReport, faults, genome, import_dataset, records
from sparrow.datasets.attributes import read_kinds
from tests.datasets.folders import MOVIES, write

TAGS = 'tagId,tag\n1,dark\n2,"fun, fast"\n5,slow\n'
SCORES = [(1, 1, 0.25), (1, 2, 0.5), (1, 5, 1.0), (3, 1, 0.0), (3, 2, 0.125), (3, 5, 0.75)]


def write_genome(folder: Path, scores: list[tuple[object, ...]], tags: str | None = TAGS, movies: str = MOVIES) -> Path:
    """A release with a genome; `tags` None leaves its tags out."""
    write(folder, movies=movies)
    lines = "".join(",".join(map(str, row)) + "\n" for row in scores)
    (folder / "genome-scores.csv").write_text("movieId,tagId,relevance\n" + lines)
    if tags is not None:
        (folder / "genome-tags.csv").write_text(tags)
    return folder


def read(source: Path) -> tuple[CheckReport, dict[int, list[float]]]:
    """The report, and movie → vector."""
    report = import_dataset(source, source / "out")
    path = source / "out" / "movie_attributes.parquet"
    rows = pq.read_table(path).to_pylist() if path.exists() else []
    return report, {row["movieId"]: row["genome"] for row in rows}


def test_scores_become_vectors_in_the_order_of_the_tags(tmp_path):
    report, vectors = read(write_genome(tmp_path, SCORES))
    assert vectors == {1: [0.25, 0.5, 1.0], 3: [0.0, 0.125, 0.75]}
    assert read_kinds(tmp_path / "out") == {"movies": {"genome": "vector"}, "users": {}}
    column = pq.read_schema(tmp_path / "out" / "movie_attributes.parquet").field("genome")
    assert (column.type.list_size, str(column.type.value_type)) == (3, "float")
    assert report.is_clean
    assert [(file.file, file.rows, file.kept) for file in report.files[2:]] == [
        ("genome-scores.csv", 6, 6),
        ("genome-tags.csv", 3, 3),
    ]


@given(st.permutations(SCORES), st.sampled_from([32, 64, 4096]))
def test_the_order_of_scores_and_the_size_of_blocks_are_free(tmp_path_factory, scores, size):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(records, "BLOCK_BYTES", size)
        patch.setattr(genome, "BATCH", 1)
        report, vectors = read(write_genome(tmp_path_factory.mktemp("genome"), scores))
    assert vectors == {1: [0.25, 0.5, 1.0], 3: [0.0, 0.125, 0.75]}
    assert report.is_clean


@pytest.mark.parametrize(
    ("line", "kind", "example"),
    [
        ((9, 1, 0.5), faults.UNKNOWN_MOVIE, "9"),
        ((1, 3, 0.5), faults.UNKNOWN_GENOME_TAG, "3"),
        ((1, 1, 1.5), faults.RELEVANCE_OUT_OF_RANGE, "1.5"),
        ((1, 1, -0.5), faults.RELEVANCE_OUT_OF_RANGE, "-0.5"),
        ((1, 1, 0.9), faults.DUPLICATE_SCORE, "1"),
        ((1, 1), faults.WRONG_FIELDS, "1,1"),
        ((1, 1, "high"), faults.NOT_A_NUMBER, "high"),
        ((2**63, 1, 0.5), faults.ID_OUT_OF_RANGE, str(2**63)),
    ],
)
def test_a_wrong_score_is_named_and_changes_nothing(tmp_path, line, kind, example):
    report, vectors = read(write_genome(tmp_path, [*SCORES, line]))
    [fault] = report.files[2].faults
    assert (fault.kind, fault.lines, fault.example) == (kind, (8,), example)
    assert (report.files[2].rows, report.files[2].kept, report.files[2].dropped) == (7, 6, 1)
    assert vectors == {1: [0.25, 0.5, 1.0], 3: [0.0, 0.125, 0.75]}


def test_of_two_scores_in_one_block_the_first_counts(tmp_path):
    report, vectors = read(write_genome(tmp_path, [(1, 1, 0.5), (1, 1, 0.25), (1, 2, 0.5), (1, 5, 0.5)]))
    assert vectors == {1: [0.5, 0.5, 0.5]}
    assert [(fault.kind, fault.lines) for fault in report.files[2].faults] == [(faults.DUPLICATE_SCORE, (3,))]


def test_a_gap_counts_as_0_and_is_named_where_the_movie_begins(tmp_path):
    report, vectors = read(write_genome(tmp_path, SCORES[:5]))
    assert vectors[3] == [0.0, 0.125, 0.0]
    [fault] = report.files[2].faults
    assert (fault.kind, fault.lines, fault.example) == (faults.INCOMPLETE_VECTOR, (5,), "movie 3")


def test_scores_without_their_tags_are_dropped_in_words(tmp_path):
    report, vectors = read(write_genome(tmp_path, SCORES, tags=None))
    [fault] = report.files[2].faults
    assert (fault.kind, fault.count, report.files[2].dropped) == (faults.UNKNOWN_GENOME_TAG, 6, 6)
    assert vectors == {}
    assert not report.refusal


def test_wrong_tags_are_named(tmp_path):
    report, vectors = read(write_genome(tmp_path, SCORES, tags=TAGS + "2,again\nx,y\n"))
    assert {fault.kind: fault.lines for fault in report.files[3].faults} == {
        faults.DUPLICATE_ID: (5,),
        faults.NOT_A_NUMBER: (6,),
    }
    assert len(vectors) == 2


def test_numbers_with_exponents_are_read(tmp_path):
    _, vectors = read(write_genome(tmp_path, [(1, 1, "2.5e-1"), (1, 2, "1e-05"), (1, 5, "0.5")]))
    np.testing.assert_allclose(vectors[1], [0.25, 1e-05, 0.5])
