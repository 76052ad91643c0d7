"""The epochs of an id model: positives, honest negatives, liking rows, and a few strangers, block by block."""

from pathlib import Path

import numpy as np
import pytest

from sparrow.config import Samples
from sparrow.errors import BuildError
from sparrow.features.encoding import FIRST_ROW, UNKNOWN_ROW
from sparrow.models.network import CHOICE, LIKING
from sparrow.schema import MAX_ID, Columns
from sparrow.training import id_samples
from sparrow.training.batches import Batch
from sparrow.training.id_samples import UNKNOWN_SHARE, IdSamples
from tests.training.boards import Rows, board_rows, liked_rows, read_samples, write_rows

NEGATIVES = 4
SETTINGS = Samples(negatives=NEGATIVES)


@pytest.fixture(scope="module")
def source() -> IdSamples:
    return read_samples(liked_rows(), board_rows(), SETTINGS)


@pytest.fixture(scope="module")
def epoch(source: IdSamples) -> Batch:
    return Batch.join(list(source(0)))


@pytest.fixture
def no_strangers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_samples, "UNKNOWN_SHARE", 0.0)


def pairs_of(source: IdSamples, batch: Batch, chosen: np.ndarray) -> list[tuple[int, int]]:
    """Raw (user, movie) of the chosen rows, in order; no row may be of an unknown id."""
    rows = [batch.inputs[name][chosen] for name in (Columns.USER, Columns.MOVIE)]
    assert all(found.min() >= FIRST_ROW for found in rows)
    users, movies = (
        source.spec.vocabularies[name].ids[found - FIRST_ROW]
        for name, found in zip((Columns.USER, Columns.MOVIE), rows, strict=True)
    )
    return list(zip(users.tolist(), movies.tolist(), strict=True))


def teaches(batch: Batch, head: str, label: int) -> np.ndarray:
    """(rows,) which rows teach a head that label."""
    found: np.ndarray = (batch.weights[head] == 1) & (batch.labels[head].reshape(-1) == label)
    return found


def some_rows(users: list[int], movies: list[int], times: list[int] | None = None) -> Rows:
    ids = (np.array(column, np.int64) for column in (users, movies, times or [0] * len(users)))
    return Rows(*ids, np.ones(len(users), np.int8))


@pytest.mark.parametrize("block", [7, 100, 2**15])
@pytest.mark.usefixtures("no_strangers")
def test_an_epoch_holds_each_positive_and_each_liking_row_once(
    source: IdSamples, block: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(id_samples, "BLOCK", block)
    liked, board = liked_rows(), board_rows()
    for number in range(2):
        epoch = Batch.join(list(source(number)))
        assert source.rows == len(liked.users) * (1 + NEGATIVES) + len(board.users)
        assert 0 <= source.rows - epoch.rows <= 3, "a negative is given up after many seen movies in a row"
        assert sorted(pairs_of(source, epoch, teaches(epoch, CHOICE, 1))) == sorted(liked.pairs())
        assert sorted(pairs_of(source, epoch, teaches(epoch, LIKING, 1))) == sorted(liked.pairs())
        assert sorted(pairs_of(source, epoch, teaches(epoch, LIKING, 0))) == sorted(board.pairs() - liked.pairs())


def test_a_block_is_bounded_and_mixes_all_kinds(source: IdSamples, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(id_samples, "BLOCK", 50)
    blocks = list(source(0))
    rated = len(board_rows().users) / len(liked_rows().users)
    assert max(block.rows for block in blocks) <= 50 * (1 + NEGATIVES + rated) + 1
    for block in blocks:
        kinds = [teaches(block, head, label) for head in (CHOICE, LIKING) for label in (0, 1)]
        assert np.sum(kinds) == block.rows
        assert all(kind.any() for kind in kinds)
        labels = block.labels[CHOICE].reshape(-1)
        assert np.count_nonzero(np.diff(labels)) > 0.1 * block.rows, "rows are shuffled inside a block"


@pytest.mark.usefixtures("no_strangers")
def test_a_negative_is_never_a_positive(source: IdSamples) -> None:
    for number in range(3):
        for block in source(number):
            drawn = set(pairs_of(source, block, teaches(block, CHOICE, 0)))
            assert not drawn & liked_rows().pairs()
            assert len(drawn) > 500


def test_each_head_learns_only_from_its_own_rows(epoch: Batch) -> None:
    choice, liking = epoch.weights[CHOICE], epoch.weights[LIKING]
    assert set(np.unique(choice)) == set(np.unique(liking)) == {0, 1}
    assert np.all(choice + liking == 1)
    assert liking.sum() == len(board_rows().users)


def test_all_parts_are_equally_long_and_as_the_network_takes_them(epoch: Batch) -> None:
    parts = [*epoch.inputs.values(), *epoch.labels.values(), *epoch.weights.values()]
    assert {len(part) for part in parts} == {epoch.rows}
    assert {rows.dtype for rows in epoch.inputs.values()} == {np.dtype(np.int32)}
    assert {values.dtype for values in (*epoch.labels.values(), *epoch.weights.values())} == {np.dtype(np.float32)}


def test_a_small_share_of_ids_is_made_unknown(source: IdSamples) -> None:
    blocks = [block for number in range(10) for block in source(number)]
    for name in (Columns.USER, Columns.MOVIE):
        share = np.mean(np.concatenate([block.inputs[name] for block in blocks]) == UNKNOWN_ROW)
        assert share == pytest.approx(UNKNOWN_SHARE, rel=0.2)


def test_epochs_differ_and_repeat(source: IdSamples) -> None:
    again = read_samples(liked_rows(), board_rows(), SETTINGS)
    for name in (Columns.USER, Columns.MOVIE):
        assert np.array_equal(next(source(1)).inputs[name], next(again(1)).inputs[name])
        assert not np.array_equal(next(source(1)).inputs[name], next(source(2)).inputs[name])


def test_another_seed_draws_otherwise(source: IdSamples) -> None:
    other = read_samples(liked_rows(), board_rows(), Samples(negatives=NEGATIVES, seed=2))
    assert not np.array_equal(next(source(0)).inputs[Columns.MOVIE], next(other(0)).inputs[Columns.MOVIE])


def test_positives_are_in_one_order_whatever_the_order_on_disk(source: IdSamples) -> None:
    backwards = liked_rows().take(np.arange(len(liked_rows().users))[::-1])
    other = read_samples(backwards, board_rows(), SETTINGS)
    assert np.array_equal(source.users, other.users)
    assert np.array_equal(source.movies, other.movies)
    assert np.all(np.diff(source.users) >= 0)


def test_negatives_on_disk_are_no_positives(source: IdSamples) -> None:
    mixed = read_samples(board_rows(), board_rows(), SETTINGS)
    assert np.array_equal(source.users, mixed.users)
    assert np.array_equal(source.movies, mixed.movies)


def test_someone_who_saw_everything_gets_fewer_negatives_not_wrong_ones() -> None:
    rows = some_rows([1, 1, 1, 2], [1, 2, 3, 1])
    [epoch] = read_samples(rows, rows, Samples(negatives=4))(0)
    chosen = epoch.weights[CHOICE] == 1
    assert teaches(epoch, CHOICE, 1).sum() == 4
    assert 4 < chosen.sum() <= 8, "only the second person has anything left to draw"


def test_ids_of_any_size_are_read() -> None:
    rows = some_rows([1, MAX_ID], [MAX_ID, 5])
    source = read_samples(rows, rows, Samples(negatives=1))
    assert {name: vocabulary.ids.tolist() for name, vocabulary in source.spec.vocabularies.items()} == {
        Columns.USER: [1, MAX_ID],
        Columns.MOVIE: [5, MAX_ID],
    }
    assert (source.users.tolist(), source.movies.tolist()) == ([2, 3], [3, 2])


def test_beyond_its_budget_only_the_newest_rows_are_learned() -> None:
    rows = some_rows([1, 2, 3, 4, 5], [7, 7, 8, 8, 9], [50, 10, 40, 20, 30])
    source = read_samples(rows, rows, Samples(negatives=1), max_rows=3)
    assert source.spec.vocabularies[Columns.USER].ids.tolist() == [1, 3, 5]
    assert source.spec.vocabularies[Columns.MOVIE].ids.tolist() == [7, 8, 9]
    assert source.left_out == 2
    assert Batch.join(list(source(0))).weights[LIKING].sum() == 3, "the liking rows keep to the same time"


def test_a_shared_second_is_kept_whole_and_a_budget_for_all_leaves_nothing_out() -> None:
    rows = some_rows([1, 2, 3], [7, 8, 9], [20, 10, 10])
    assert read_samples(rows, rows, Samples(), max_rows=2).left_out == 0
    assert read_samples(rows, rows, Samples(), max_rows=1).left_out == 2
    assert read_samples(rows, rows, Samples(), max_rows=3).left_out == 0


def test_without_a_positive_it_says_so(tmp_path: Path) -> None:
    disliked = Rows(*(np.array([1], np.int64) for _ in range(3)), np.zeros(1, np.int8))
    files = write_rows(tmp_path / "choice.parquet", [disliked])
    with pytest.raises(BuildError, match=r"choice\.parquet holds no row of label 1"):
        IdSamples(files, files, Samples())


def test_without_liking_rows_the_other_head_still_learns() -> None:
    rows = liked_rows()
    nothing = rows.take(np.zeros(len(rows.users), np.bool_))
    blocks = list(read_samples(rows, nothing, SETTINGS)(0))
    assert sum(block.rows for block in blocks) == len(rows.users) * (1 + NEGATIVES)
    assert all(block.weights[CHOICE].all() for block in blocks)


@pytest.mark.usefixtures("no_strangers")
@pytest.mark.parametrize("way", ["older rows in a file of their own", "older rows beyond the limit"])
def test_what_was_seen_before_the_newest_rows_is_never_a_negative(tmp_path: Path, way: str) -> None:
    newest = Rows(np.repeat([1, 2], 5), np.arange(10), np.full(10, 100), np.ones(10, np.int8))
    older = Rows(np.full(4, 1), np.array([5, 6, 7, 8]), np.full(4, 50), np.ones(4, np.int8))
    liking = write_rows(tmp_path / "liking.parquet", [newest])
    if way == "older rows in a file of their own":
        choice, seen = (write_rows(tmp_path / f"{n}.parquet", [rows]) for n, rows in enumerate((newest, older)))
        source = IdSamples(choice, liking, Samples(negatives=20), older=seen)
    else:
        every = write_rows(tmp_path / "every.parquet", [newest, older])
        source = IdSamples(every, liking, Samples(negatives=20), max_rows=10)
        assert source.left_out == 4
    batch = Batch.join(list(source(0)))
    chosen = (batch.weights[CHOICE] == 1) & (batch.labels[CHOICE].reshape(-1) == 0)
    drawn = set(pairs_of(source, batch, chosen))
    assert {movie for user, movie in drawn if user == 1} == {9}
    assert {movie for user, movie in drawn if user == 2} == {0, 1, 2, 3, 4}
