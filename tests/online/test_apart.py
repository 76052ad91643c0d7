"""Parted pairs: neither stands in the other's list, whoever names them first and whatever the embedding."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.config import Settings, load_settings
from sparrow.errors import SettingsError
from sparrow.online.apart import Apart
from sparrow.stores.feature_store import FeatureStore
from tests.conftest import BARE, FARTHEST, UNRATED
from tests.online.memory import Dictionary, fill, make_recommender
from tests.online.test_recommender import MOVIES, WORLD, ids, similar

CATALOG = fill(WORLD, FeatureStore(Dictionary()))
PAIRS = st.lists(st.tuples(st.sampled_from([*MOVIES, 777_777]), st.sampled_from([*MOVIES, 777_777])), max_size=20)


@given(pairs=PAIRS)
def test_apart_holds_both_ways_and_only_for_what_was_named(pairs: list[tuple[int, int]]) -> None:
    apart = Apart(pairs, CATALOG)
    for row, movie in enumerate(CATALOG.ids.tolist()):
        parted = {a if b == movie else b for a, b in pairs if movie in (a, b)} & set(MOVIES)
        assert CATALOG.ids[apart.of(row)].tolist() == sorted(parted)


def test_nobody_is_parted_by_default() -> None:
    apart = Apart((), CATALOG)
    assert not any(apart.of(row).size for row in range(len(CATALOG)))
    assert apart.of(0).dtype == np.int32


@given(movie=st.sampled_from(MOVIES), others=st.frozensets(st.sampled_from(MOVIES), min_size=1, max_size=8))
def test_parted_movies_stand_in_neither_list(movie: int, others: frozenset[int]) -> None:
    settings = Settings.model_validate({"similar": {"apart": [(other, movie) for other in others]}})
    board = make_recommender(WORLD, settings)
    assert not set(ids(similar(board, movie, 60))) & others
    for other in others:
        assert movie not in ids(similar(board, other, 60))


def test_lists_by_content_obey_too_and_others_stay_as_they_were() -> None:
    plain = make_recommender(WORLD)
    near = ids(similar(plain, BARE, 60))[0]
    parted = make_recommender(WORLD, Settings.model_validate({"similar": {"apart": [(BARE, near)]}}))
    assert ids(similar(parted, BARE, 60)) == ids(similar(plain, BARE, 60))[1:]
    assert ids(similar(parted, UNRATED, 60)) == ids(similar(plain, UNRATED, 60))


def test_the_setting_takes_pairs_of_ids() -> None:
    for text in (f"[[1, {FARTHEST}], [2, 3]]", f"[[1, {FARTHEST}],[2, 3],]"):
        settings = load_settings(environ={"SPARROW_SIMILAR__APART": text})
        assert settings.similar.apart == ((1, FARTHEST), (2, 3))
    for text in ("[[1]]", "[[1, 2, 3]]", "[1, 2]", f"[[1, {2**63}]]", "[[1, -1]]", "x"):
        with pytest.raises(SettingsError, match=r"'similar\.apart"):
            load_settings(environ={"SPARROW_SIMILAR__APART": text})
