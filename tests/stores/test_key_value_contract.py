"""What every backend of the feature store must do."""

from collections.abc import Callable

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from sparrow.errors import StoreUnavailable
from sparrow.stores.feature_store import KeyValueStore

EXTREMES = (0, 1, 2**31, 2**53 + 1, 2**63 - 1, -(2**63))


def test_get_many_answers_in_the_order_of_the_keys_with_none_for_the_unknown(backend: KeyValueStore) -> None:
    backend.put_many([("b", b"2"), ("a", b"1"), ("empty", b"")])
    assert backend.get_many(["b", "missing", "a", "b", "empty"]) == [b"2", None, b"1", b"2", b""]
    assert backend.get_many([]) == []


def test_putting_again_replaces(backend: KeyValueStore) -> None:
    backend.put_many([("a", b"1")])
    assert backend.put_many([("a", b"2")]) == 1
    assert backend.get_many(["a"]) == [b"2"]
    assert list(backend.scan("a")) == [("a", b"2")]


def test_a_scan_is_exactly_the_keys_with_the_prefix(backend: KeyValueStore) -> None:
    keys = ["mf:1", "mf:10", "mf:2", "mf", "mg:1", "uf:1", "emb:item2vec:1", "emb:item2vec2:1", "uemb:item2vec:1"]
    backend.put_many((key, key.encode()) for key in keys)
    for prefix in ("mf:1", "mf:", "emb:item2vec:", "uf:", "nothing:", "mf:100", "uemb:", ""):
        assert dict(backend.scan(prefix)) == {key: key.encode() for key in keys if key.startswith(prefix)}, prefix
        assert sorted(backend.keys(prefix)) == sorted(key for key in keys if key.startswith(prefix)), prefix


def test_a_prefix_with_pattern_characters_is_taken_as_written(backend: KeyValueStore) -> None:
    backend.put_many([("a*b", b"star"), ("axb", b"x"), ("a?b", b"mark"), ("a[b]", b"brackets")])
    assert dict(backend.scan("a*")) == {"a*b": b"star"}
    assert dict(backend.scan("a?")) == {"a?b": b"mark"}
    assert dict(backend.scan("a[")) == {"a[b]": b"brackets"}


def test_more_items_than_one_batch_all_arrive(backend: KeyValueStore, reopen: Callable[[], KeyValueStore]) -> None:
    count = 25_001
    assert backend.put_many((f"mf:{number}", str(number).encode()) for number in range(count)) == count
    assert sum(1 for _ in backend.scan("mf:")) == count
    assert backend.get_many(["mf:0", "mf:9999", "mf:10000", f"mf:{count - 1}", f"mf:{count}"]) == [
        b"0", b"9999", b"10000", str(count - 1).encode(), None,
    ]  # fmt: skip
    assert backend.put_many([]) == 0


def test_keys_of_the_largest_ids_and_values_of_any_bytes(backend: KeyValueStore) -> None:
    items = {f"uf:{number}": bytes(range(256)) + str(number).encode() for number in EXTREMES}
    backend.put_many(items.items())
    assert dict(zip(items, backend.get_many(list(items)), strict=True)) == items
    assert dict(backend.scan("uf:")) == items


def test_what_was_written_is_there_after_a_new_start(reopen: Callable[[], KeyValueStore]) -> None:
    first = reopen()
    first.put_many([("é爱", b"\x00\xff")])
    first.close()
    again = reopen()
    assert again.get_many(["é爱"]) == [b"\x00\xff"]
    again.close()


def test_a_closed_store_is_unavailable(reopen: Callable[[], KeyValueStore]) -> None:
    store = reopen()
    store.close()
    for ask in (
        lambda: store.get_many(["a"]),
        lambda: list(store.scan("a")),
        lambda: list(store.keys("a")),
        lambda: store.put_many([("a", b"1")]),
    ):
        with pytest.raises(StoreUnavailable):
            ask()


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(st.text("ab:1*é", min_size=1, max_size=6), st.binary(max_size=5), max_size=12), st.data())
def test_it_is_a_dict(backend: KeyValueStore, items: dict[str, bytes], data: st.DataObject) -> None:
    backend.put_many(items.items())
    asked = data.draw(st.lists(st.sampled_from(sorted(items)), max_size=5)) if items else []
    assert backend.get_many(asked) == [items[key] for key in asked]
    for key in asked:
        assert items.items() >= {(k, v) for k, v in backend.scan(key) if k == key}
        assert all(found.startswith(key) for found, _ in backend.scan(key))
