"""What the poller asks of the rules' store: a number each time, the document when the number moved."""

import logging
from collections.abc import Iterator
from pathlib import Path

import pytest

from sparrow.config import Rules
from sparrow.online.rule_watch import RuleWatch
from sparrow.stores.rules import FIRST, HomeRules, RuleBook


@pytest.fixture
def store(tmp_path: Path) -> Iterator[HomeRules]:
    store = HomeRules(tmp_path)
    yield store
    store.close()


def put(book: RuleBook, *hidden: int) -> None:
    rules = Rules.model_validate({"candidates": {"hidden": hidden}})
    book.put(rules.model_dump_json(), book.number(), "", "")


def test_a_document_is_read_once_and_again_when_it_moved(store: HomeRules, monkeypatch: pytest.MonkeyPatch) -> None:
    read, book = [], RuleBook(store)
    watch, newest = RuleWatch(book, Rules()), store.newest

    def follow(times: int) -> int:
        for _ in range(times):
            watch.obey(watch.look())
        return watch.version.version

    monkeypatch.setattr(store, "newest", lambda count: read.append(count) or newest(count))
    assert (follow(3), len(read)) == (0, 1)
    put(book, 1)
    assert (follow(3), len(read)) == (1, 2)
    put(book, 1, 2)
    assert (follow(3), len(read)) == (2, 3)
    assert watch.read(watch.version).candidates.hidden == {1, 2}


def test_another_first_version_after_the_store_was_emptied_is_read(store: HomeRules, tmp_path: Path) -> None:
    book = RuleBook(store)
    watch = RuleWatch(book, Rules())
    put(book, 1)
    watch.obey(watch.look())
    store._run("DELETE FROM rules", ())
    assert watch.look().version == 1
    assert "has no rules any more" in watch.problem
    put(book, 2)
    watch.obey(watch.look())
    assert (watch.read(watch.version).candidates.hidden, watch.problem) == ({2}, "")


def test_what_cannot_be_evaluated_is_logged_once(store: HomeRules, caplog: pytest.LogCaptureFixture) -> None:
    book = RuleBook(store)
    watch = RuleWatch(book, Rules())
    put(book, 1)
    with caplog.at_level(logging.ERROR):
        for _ in range(3):
            assert watch.look().version == 1
            watch.note("no such column")
    assert (watch.version, watch.problem, len(caplog.records)) == (FIRST, "no such column", 1)
    book.undo(None, "", "")
    watch.obey(watch.look())
    assert (watch.version.version, watch.problem) == (2, "")
