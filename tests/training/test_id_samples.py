"""The epochs of an id model: positives, honest negatives, liking rows, and a few strangers."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from sparrow.config import Samples
from sparrow.features.encoding import FIRST_ROW, UNKNOWN_ROW
from sparrow.models.neural_cf import CHOICE, LIKING
from sparrow.schema import MAX_ID, Columns
from sparrow.training.fit import Epoch
from sparrow.training.id_samples import UNKNOWN_SHARE, IdEpochs, Rows
from tests.models.trained import board_rows, liked_rows

NEGATIVES = 4


@pytest.fixture(scope="module")
def source() -> IdEpochs:
    return IdEpochs(liked_rows(), board_rows(), Samples(negatives=NEGATIVES))


@pytest.fixture(scope="module")
def epoch(source: IdEpochs) -> Epoch:
    return source(0)


def decode(source: IdEpochs, epoch: Epoch, name: str) -> np.ndarray:
    """Raw ids of the rows; -1 where the id was made unknown."""
    rows = epoch.inputs[name]
    ids = source.spec.vocabularies[name].ids
    return np.where(rows == UNKNOWN_ROW, -1, ids[np.maximum(rows - FIRST_ROW, 0)])


def test_every_positive_stands_first_with_its_negatives_behind(source: IdEpochs, epoch: Epoch) -> None:
    positives, liking = len(liked_rows().users), len(board_rows().users)
    chosen = epoch.weights[CHOICE].reshape(-1) == 1
    labels = epoch.labels[CHOICE].reshape(-1)
    assert labels[:positives].all()
    assert labels[chosen].sum() == positives
    assert chosen.sum() == positives * (1 + NEGATIVES)
    assert epoch.rows == positives * (1 + NEGATIVES) + liking
    users, movies = decode(source, epoch, Columns.USER), decode(source, epoch, Columns.MOVIE)
    known = (users[:positives] != -1) & (movies[:positives] != -1)
    assert np.array_equal(users[:positives][known], liked_rows().users[known])
    assert np.array_equal(movies[:positives][known], liked_rows().movies[known])


def test_a_negative_is_never_a_positive(source: IdEpochs) -> None:
    taken = set(zip(liked_rows().users.tolist(), liked_rows().movies.tolist(), strict=True))
    for number in range(3):
        epoch = source(number)
        users, movies = decode(source, epoch, Columns.USER), decode(source, epoch, Columns.MOVIE)
        negative = (epoch.weights[CHOICE].reshape(-1) == 1) & (epoch.labels[CHOICE].reshape(-1) == 0)
        drawn = set(zip(users[negative].tolist(), movies[negative].tolist(), strict=True))
        assert not drawn & taken
        assert len(drawn) > 500


def test_each_head_learns_only_from_its_own_rows(epoch: Epoch) -> None:
    choice, liking = (epoch.weights[head].reshape(-1) for head in (CHOICE, LIKING))
    assert set(np.unique(choice)) == set(np.unique(liking)) == {0, 1}
    assert np.all(choice + liking == 1)
    rows = board_rows()
    assert liking.sum() == len(rows.users)
    assert np.array_equal(epoch.labels[LIKING].reshape(-1)[liking == 1], rows.labels)


def test_all_parts_are_equally_long(epoch: Epoch) -> None:
    parts = [*epoch.inputs.values(), *epoch.labels.values(), *epoch.weights.values()]
    assert {len(part) for part in parts} == {epoch.rows}


def test_a_small_share_of_ids_is_made_unknown(source: IdEpochs) -> None:
    epochs = [source(number) for number in range(10)]
    for name in (Columns.USER, Columns.MOVIE):
        share = np.mean([np.mean(epoch.inputs[name] == UNKNOWN_ROW) for epoch in epochs])
        assert share == pytest.approx(UNKNOWN_SHARE, rel=0.2)


def test_epochs_differ_and_repeat(source: IdEpochs) -> None:
    again = IdEpochs(liked_rows(), board_rows(), Samples(negatives=NEGATIVES))
    for name in (Columns.USER, Columns.MOVIE):
        assert np.array_equal(source(1).inputs[name], again(1).inputs[name])
        assert not np.array_equal(source(1).inputs[name], source(2).inputs[name])


def test_another_seed_draws_other_negatives(source: IdEpochs) -> None:
    other = IdEpochs(liked_rows(), board_rows(), Samples(negatives=NEGATIVES, seed=2))
    assert not np.array_equal(source(0).inputs[Columns.MOVIE], other(0).inputs[Columns.MOVIE])


def test_someone_who_saw_everything_gets_fewer_negatives_not_wrong_ones() -> None:
    users, movies = np.array([1, 1, 1, 2]), np.array([1, 2, 3, 1])
    rows = Rows(users.astype(np.int64), movies.astype(np.int64), np.ones(4, np.float32))
    epoch = IdEpochs(rows, rows, Samples(negatives=4))(0)
    chosen = epoch.weights[CHOICE].reshape(-1) == 1
    assert epoch.labels[CHOICE].reshape(-1)[chosen].sum() == 4
    assert 4 < chosen.sum() <= 8, "only the second person has anything left to draw"


def test_rows_are_read_as_written_and_filtered(tmp_path: Path) -> None:
    table = pa.table(
        {
            Columns.USER: pa.array([1, MAX_ID], pa.int64()),
            Columns.MOVIE: pa.array([MAX_ID, 5], pa.int64()),
            "label": pa.array([1, 0], pa.int8()),
            "split": ["train", "test"],
        }
    )
    pq.write_table(table, tmp_path / "liking.parquet")
    rows = Rows.read(tmp_path / "liking.parquet")
    assert (rows.users.tolist(), rows.movies.tolist(), rows.labels.tolist()) == ([1, MAX_ID], [MAX_ID, 5], [1, 0])
    assert rows.labels.dtype == np.float32
    assert Rows.read(tmp_path / "liking.parquet", [("split", "==", "train")]).users.tolist() == [1]
