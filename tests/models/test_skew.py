"""What serving assembles is, bit for bit, what the batch job says of the same person and movie at the same moment."""

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest

from sparrow.build.material import Material
from sparrow.features.inputs import INPUTS, movie_inputs, person_inputs
from sparrow.models import ARCHITECTURES
from sparrow.online.live import open_folder
from sparrow.online.people import person_from_history, person_from_record
from sparrow.online.person_inputs import describe_movies, describe_person
from sparrow.stores.releases import Manifest
from sparrow.training.feature_rows import encode_catalogue
from tests.models.board import SETTINGS, Board

pytestmark = pytest.mark.slow

NAMES = tuple(INPUTS)


@pytest.fixture(scope="module")
def material(board: Board) -> Material:
    return Material(board.work("features"), board.work("samples"), "release", SETTINGS)


def last_rows(board: Board) -> pa.Table:
    """Each person's newest rating, with everything the batch job knew just before it."""
    rows = pa.concat_tables(
        pq.read_table(path) for path in sorted(board.work("samples").glob("release/liking.parquet/*"))
    )
    rows = rows.sort_by([("userId", "ascending"), ("timestamp", "descending")])
    _, first = np.unique(rows["userId"].to_numpy(), return_index=True)
    return rows.take(first)


def test_a_person_is_described_alike_offline_and_online(board: Board, material: Material) -> None:
    """The batch job's word on the moment before someone's newest rating, against a request with the history up to it."""
    rows = last_rows(board)
    encoded = material.encode(rows)
    ratings = {}
    for rating in board.world.ratings:
        ratings.setdefault(int(rating.user_id), []).append((rating.timestamp, int(rating.movie_id), rating.score))
    for place, row in enumerate(rows.to_pylist()):
        before = sorted(one for one in ratings[row["userId"]] if one[0] < row["timestamp"])
        who = person_from_history(board.recommender.catalog, [(movie, stars) for _, movie, stars in before])
        raw = describe_person(board.recommender.catalog, who, material.encode.spec)
        for name in person_inputs(NAMES):
            if name == "userId":
                continue
            online = material.encode.spec.fields[name].encode(raw[name])
            np.testing.assert_array_equal(online[0], encoded[name][place], err_msg=f"{name} of person {row['userId']}")


def test_a_stored_person_is_who_their_ratings_make_them(board: Board, material: Material) -> None:
    catalog, store, spec = board.recommender.catalog, board.recommender.store, material.encode.spec
    for user in (1, 2, 59):
        record = store.user(user)
        assert record is not None
        raw = describe_person(catalog, person_from_record(catalog, user, record), spec)
        assert raw["user_count"].item() == record.user_count
        assert raw["user_liked_count"].item() == record.user_liked_count
        assert raw["userId"].tolist() == [user]
        assert [name for name in raw["favourite_genres"][0].tolist() if name] == record.favourite_genres


def test_a_movie_is_described_alike_offline_and_online(board: Board, material: Material) -> None:
    catalog, spec = board.recommender.catalog, material.encode.spec
    offline = encode_catalogue(spec, material.movies)
    raw = describe_movies(catalog, spec.only(movie_inputs(NAMES)))
    for name in movie_inputs(NAMES):
        np.testing.assert_array_equal(spec.fields[name].encode(raw[name]), offline[name], err_msg=name)


def test_every_model_goes_by_the_encoding_it_was_trained_with(board: Board, material: Material) -> None:
    of_rows = [name for name, one in ARCHITECTURES.items() if one.learns in ("features", "positives")]
    assert len(of_rows) >= 6
    for name in of_rows:
        spec = board.ranker(name).spec
        assert spec.digest == material.encode.spec.only(tuple(spec.fields)).digest


def test_the_rows_before_a_cut_know_nothing_after_it(board: Board) -> None:
    """A history never holds the row's own movie, or a later one."""
    material = Material(board.work("features"), board.work("samples"), "judging", SETTINGS)
    for table in material._rows("liking").tables():
        encoded = material.encode(table)
        rated = encoded["rated"]
        assert not (rated == encoded["movieId"][:, None]).any()
        counts = np.minimum(table["user_count"].to_numpy(), rated.shape[1])
        np.testing.assert_array_equal((rated > 0).sum(axis=1), counts)
        assert pc.sum(table["user_count"]).as_py() > 0


def test_a_release_opens_from_its_folder_alone(board: Board) -> None:
    manifest = Manifest("board", "", {}, "", "", {}, {}, 0, ["recmodel", "din"], [], {})
    assert set(open_folder(board.folder, manifest, SETTINGS).deep) == {"neural_cf", "din"}
