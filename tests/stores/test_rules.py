"""The rules' versions: one contract for the home's file and for Redis."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from sparrow.errors import Busy, StoreUnavailable
from sparrow.stores import rules
from sparrow.stores.live import LiveStore
from sparrow.stores.redis_rules import RedisRules
from sparrow.stores.rules import FIRST, HomeRules, RuleBook, RuleStore, Stale, Version, open_rules
from tests.stores.redis_servers import running_cluster, running_redis


@contextmanager
def opened(kind: str, folder: Path) -> Iterator[RuleStore]:
    if kind == "home":
        yield HomeRules(folder / "home")
    elif kind == "redis":
        with running_redis(folder) as server:
            yield RedisRules(server.url, 5.0)
    else:
        with running_cluster(folder) as url:
            yield RedisRules(url, 5.0)


@pytest.fixture(
    params=[
        "home",
        pytest.param("redis", marks=pytest.mark.needs("redis-server")),
        pytest.param("cluster", marks=[pytest.mark.needs("redis-server"), pytest.mark.slow]),
    ]
)
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[RuleStore]:
    with opened(request.param, tmp_path) as store:
        yield store
        store.close()


@pytest.fixture
def book(store: RuleStore) -> RuleBook:
    return RuleBook(store, clock=lambda: 1_700_000_000.9)


def put(book: RuleBook, *documents: str) -> None:
    for document in documents:
        book.put(document, book.current().version, "Ann", f"because of {document}")


def test_nothing_was_ever_put(book: RuleBook) -> None:
    assert book.current() == FIRST
    assert book.history(10) == [FIRST]
    with pytest.raises(Busy, match="no change of the rules to undo"):
        book.undo(None, "", "")


def test_what_is_put_is_read_as_it_was(book: RuleBook) -> None:
    told = book.put('{"é": "🎬"}', 0, "Zoë", "licence ended")
    assert told == Version(1, 1_700_000_000, "Zoë", "licence ended", None, '{"é": "🎬"}')
    assert book.current() == told
    assert book.history(10) == [told, FIRST]
    assert book.history(1) == [told]


def test_a_change_from_an_old_version_is_refused_and_changes_nothing(book: RuleBook) -> None:
    put(book, "A", "B")
    for expected in (0, 1, 3, -1):
        with pytest.raises(Stale, match=rf"at version 2, the change was made from version {expected}"):
            book.put("C", expected, "", "")
    with pytest.raises(Stale, match="at version 2, the change was made from version 1"):
        book.undo(1, "", "")
    assert [one.document for one in book.history(10)] == ["B", "A", None]


def test_undo_walks_back_and_never_forth(book: RuleBook) -> None:
    put(book, "A", "B", "C")
    back = [book.undo(None, "Bob", "").document for _ in range(3)]
    assert back == ["B", "A", None]
    with pytest.raises(Busy, match=r"what sparrow\.toml says"):
        book.undo(None, "", "")
    assert [(one.version, one.restores) for one in book.history(4)] == [(6, 0), (5, 1), (4, 2), (3, None)]


def test_undo_after_an_undo_and_a_new_change_goes_on_where_it_was(book: RuleBook) -> None:
    put(book, "A", "B")
    book.undo(2, "", "")
    put(book, "D")
    assert book.undo(None, "", "").document == "A"
    assert book.undo(None, "", "").document is None


def test_one_version_is_found_by_its_number(store: RuleStore) -> None:
    assert (store.number(), store.find(0), store.find(1)) == (0, None, None)
    put(RuleBook(store), "A" * 100_000, "B", '{"version": 7}')
    assert store.number() == 3
    found = {number: store.find(number) for number in range(-1, 6)}
    assert {number: one.document for number, one in found.items() if one} == {
        1: "A" * 100_000,
        2: "B",
        3: '{"version": 7}',
    }
    assert [found[number] for number in (3, 2, 1)] == store.newest(3)


def test_undo_reads_two_versions_however_many_there_are(store: RuleStore, monkeypatch: pytest.MonkeyPatch) -> None:
    book = RuleBook(store)
    put(book, *"ABCDEFG")
    book.undo(None, "", "")
    newest, asked = store.newest, []
    monkeypatch.setattr(store, "newest", lambda count: asked.append(count) or newest(count))
    assert book.undo(None, "", "").document == "E"
    assert asked == [1]


def test_of_changes_at_the_same_time_one_wins(book: RuleBook) -> None:
    start, won = threading.Barrier(4), []

    def change(name: str) -> None:
        start.wait()
        with suppress(Stale):
            won.append(book.put(name, 0, name, "").author)

    people = [threading.Thread(target=change, args=(name,)) for name in "abcd"]
    for person in people:
        person.start()
    for person in people:
        person.join()
    assert [one.author for one in book.history(10)] == [*won, ""]
    assert len(won) == 1


def test_the_oldest_versions_go(book: RuleBook, monkeypatch: pytest.MonkeyPatch) -> None:
    for module in ("sparrow.stores.rules", "sparrow.stores.redis_rules"):
        monkeypatch.setattr(f"{module}.KEPT", 3)
    put(book, "A", "B", "C", "D")
    assert [one.document for one in book.history(10)] == ["D", "C", "B"]
    assert book.undo(None, "", "").document == "C"
    with pytest.raises(Busy, match="before version 3 is not kept any more"):
        book.undo(None, "", "")


def test_they_live_beside_the_events_and_survive(tmp_path: Path) -> None:
    events, book = LiveStore(tmp_path), open_rules(tmp_path, "", 1.0)
    put(book, "A")
    events.append([{"type": "dislike", "userId": 1, "movieId": 2, "timestamp": 3}])
    book.close()
    events.close()
    again = open_rules(tmp_path, "", 1.0)
    assert again.current().document == "A"
    again.close()


def test_a_file_that_is_none_is_told(tmp_path: Path) -> None:
    (tmp_path / rules.FILE).write_bytes(b"no database" * 1000)
    with pytest.raises(StoreUnavailable, match="cannot be opened"):
        open_rules(tmp_path, "", 1.0)


def test_a_redis_that_nobody_runs_is_told(tmp_path: Path) -> None:
    book = open_rules(tmp_path, "redis://127.0.0.1:9", 1.0)
    with pytest.raises(StoreUnavailable, match="cannot be reached"):
        book.current()
    book.close()
