"""Liked movies per person, in time order."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from sparrow.embeddings.sequences import liked_sequences

LARGEST = 2**63 - 1


def known(path: Path, rows: list[tuple[int, int, int, bool]]) -> Path:
    users, movies, times, liked = zip(*rows, strict=True) if rows else ([], [], [], [])
    columns = {"userId": users, "movieId": movies, "timestamp": times}
    table = {name: pa.array(values, pa.int64()) for name, values in columns.items()}
    pq.write_table(pa.table(table | {"liked": pa.array(liked, pa.bool_())}), path)
    return path


def test_likes_stand_in_time_order_and_simultaneous_ones_by_id(tmp_path: Path) -> None:
    rows = [(7, 3, 30, True), (LARGEST, LARGEST, 1, True), (7, 9, 10, True), (7, 2, 20, False), (7, 5, 10, True),
            (8, 1, 1, False)]  # fmt: skip
    people, sequences = liked_sequences(known(tmp_path / "known.parquet", rows))
    assert people.tolist() == [7, LARGEST]
    assert [sequence.tolist() for sequence in sequences] == [[5, 9, 3], [LARGEST]]
    assert all(sequence.dtype == np.int64 for sequence in sequences)


def test_where_nobody_likes_anything_there_are_no_people_and_no_sequences(tmp_path: Path) -> None:
    for name, rows in (("empty", []), ("disliked", [(1, 2, 3, False)])):
        people, sequences = liked_sequences(known(tmp_path / f"{name}.parquet", rows))
        assert (people.tolist(), sequences) == ([], [])
