"""The table of outside ids serves both ways, tells collisions apart, and answers when it is out of reach."""

from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.errors import StoreUnavailable
from sparrow.schema import MAX_ID
from sparrow.stores import outside_ids
from sparrow.stores.feature_store import FeatureStore, KeyValueStore, StoreMeta
from sparrow.stores.outside_ids import HASHED_FROM, OutsideIds, plain_number, surrogates
from tests.online.memory import Dictionary

NAMES = ["ann", "a/b", "東京", "0", "007", str(2**63), str(MAX_ID)]


def make_ids(names: Sequence[str] = NAMES) -> OutsideIds:
    table = {next(surrogates(name)): name for name in names}
    store = FeatureStore(Dictionary())
    store.write_outside_ids("users", table.items())
    return OutsideIds(table, store)


def closed() -> Dictionary:
    """A store that cannot answer."""
    store = Dictionary()
    store.down = True
    return store


def test_ids_round_trip_through_every_store(backend: KeyValueStore) -> None:
    store = FeatureStore(backend)
    assert store.write_outside_ids("movies", [(5, "five"), (MAX_ID, "東京/é")]) == 2
    assert store.write_outside_ids("users", [(5, "person")]) == 1
    assert dict(store.outside_ids("movies")) == {5: "five", MAX_ID: "東京/é"}
    assert store.outside_people([7, 5]) == {5: "person"}
    store.write_meta(StoreMeta(2, 1, {}, {}, {"movies": 2}))
    assert store.meta().outside_ids == {"movies": 2}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_finds_its_number_and_the_number_its_name(name: str) -> None:
    ids = make_ids()
    expected = int(name) if name == str(MAX_ID) else name
    assert ids.movie_name(ids.movie(name)) == expected
    assert ids.people_names([ids.person(name)]) == {ids.person(name): expected}


def test_small_numbers_are_themselves_and_ask_nobody() -> None:
    ids = OutsideIds({}, FeatureStore(closed()))
    assert (ids.person("589"), ids.movie("589"), ids.people_names([1, 589])) == (589, 589, {1: 1, 589: 589})


def test_an_unknown_person_has_the_number_that_an_import_would_give() -> None:
    assert make_ids().person("nobody yet") == next(surrogates("nobody yet"))


def test_a_number_that_is_someones_surrogate_does_not_reach_them() -> None:
    ids = make_ids()
    assert ids.person(str(ids.person("ann"))) != ids.person("ann")


def test_two_names_that_want_one_number_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(outside_ids, "surrogates", lambda text: iter([HASHED_FROM, HASHED_FROM + len(text)]))
    store = FeatureStore(Dictionary())
    table = {HASHED_FROM: "ann", HASHED_FROM + 6: "robert"}
    store.write_outside_ids("users", table.items())
    ids = OutsideIds(table, store)
    assert (ids.person("ann"), ids.person("robert"), ids.movie("robert")) == (
        HASHED_FROM,
        HASHED_FROM + 6,
        HASHED_FROM + 6,
    )
    assert ids.person("newcomer") == HASHED_FROM + 8
    assert ids.people(["ann", "robert"]) == {"ann": HASHED_FROM, "robert": HASHED_FROM + 6}


def test_many_people_are_found_in_one_round_trip(monkeypatch: pytest.MonkeyPatch) -> None:
    ids, asked = make_ids(), []
    get_many = Dictionary.get_many

    def count(self: Dictionary, keys: Sequence[str]) -> list[bytes | None]:
        asked.append(len(keys))
        return get_many(self, keys)

    monkeypatch.setattr(Dictionary, "get_many", count)
    names = [*NAMES, "589", "nobody yet", "ann"]
    found = ids.people(names)
    assert asked == [len(NAMES) + 1], "589 asks nobody, ann is asked for once"
    assert found == {name: ids.person(name) for name in names}


def test_a_person_is_found_while_the_table_is_out_of_reach() -> None:
    ids = OutsideIds({}, FeatureStore(closed()))
    assert ids.person("ann") == next(surrogates("ann"))
    assert ids.people(["ann", "7"]) == {"ann": next(surrogates("ann")), "7": 7}
    with pytest.raises(StoreUnavailable):
        ids.people_names([ids.person("ann")])


@given(st.text(max_size=30))
def test_every_text_has_candidates_that_fit_int64(text: str) -> None:
    found = surrogates(text)
    first, second = next(found), next(found)
    assert 1 <= first <= MAX_ID
    assert first != second
    assert second >= HASHED_FROM
    assert (plain_number(text) is not None) == (str(first) == text)
