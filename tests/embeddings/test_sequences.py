"""Liked movies per person, in time order."""

from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from sparrow.embeddings.sequences import liked_batches, liked_sequences
from tests.embeddings.likes import write_known

LARGEST = 2**63 - 1


def test_likes_stand_in_time_order_and_simultaneous_ones_by_id(tmp_path: Path) -> None:
    rows = [(7, 3, 30, True), (LARGEST, LARGEST, 1, True), (7, 9, 10, True), (7, 2, 20, False), (7, 5, 10, True),
            (8, 1, 1, False)]  # fmt: skip
    people, sequences = liked_sequences(write_known(tmp_path / "known.parquet", rows))
    assert people.tolist() == [7, LARGEST]
    assert [sequence.tolist() for sequence in sequences] == [[5, 9, 3], [LARGEST]]
    assert all(sequence.dtype == np.int64 for sequence in sequences)


def test_where_nobody_likes_anything_there_are_no_people_and_no_sequences(tmp_path: Path) -> None:
    for name, rows in (("empty", []), ("disliked", [(1, 2, 3, False)])):
        people, sequences = liked_sequences(write_known(tmp_path / f"{name}.parquet", rows))
        assert (people.tolist(), sequences) == ([], [])


def many_rows(seed: int = 2) -> list[tuple[int, int, int, bool]]:
    """People 0 … 29 with 0 to 40 rows each; every third row is not liked."""
    chance = np.random.default_rng(seed)
    return [
        (person, int(movie), int(time), bool(row % 3))
        for person in range(30)
        for row, (movie, time) in enumerate(chance.integers(0, 50, size=(person * 4 // 3, 2)))
    ]


@pytest.mark.parametrize("rows", [1, 7, 100, 10_000])
@pytest.mark.parametrize("ordered", [True, False])
def test_batches_hold_whole_people_whatever_the_order_of_the_file(tmp_path: Path, rows: int, ordered: bool) -> None:
    everything = many_rows()
    if not ordered:
        everything = [everything[at] for at in np.random.default_rng(3).permutation(len(everything))]
    batches = list(liked_batches(write_known(tmp_path / "known.parquet", everything, group=64), rows))
    flat = [
        (person, movie, time)
        for batch in batches
        for at, person in enumerate(batch.people.tolist())
        for movie, time in zip(
            batch.movies[batch.starts[at] : batch.starts[at + 1]].tolist(),
            batch.times[batch.starts[at] : batch.starts[at + 1]].tolist(),
            strict=True,
        )
    ]
    liked = [(person, movie, time) for person, movie, time, liked in everything if liked]
    assert flat == sorted(liked, key=lambda row: (row[0], row[2], row[1]))
    longest = max(np.bincount([person for person, _, _ in liked]))
    assert all(len(batch.movies) < rows + longest for batch in batches)
    assert len(batches) > 5 or rows >= 100


def test_a_folder_of_parts_is_read_as_one_file(tmp_path: Path) -> None:
    everything = many_rows()
    whole = write_known(tmp_path / "whole.parquet", everything)
    folder = tmp_path / "parts.parquet"
    folder.mkdir()
    for part in range(3):
        write_known(folder / f"part-{part}.parquet", everything[part::3])
    assert sum(pq.read_metadata(file).num_rows for file in folder.iterdir()) == len(everything)
    people, sequences = liked_sequences(folder)
    expected_people, expected = liked_sequences(whole)
    assert people.tolist() == expected_people.tolist()
    assert [one.tolist() for one in sequences] == [one.tolist() for one in expected]
