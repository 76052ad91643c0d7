"""`sparrow cases`: the list, one case whole, a change of status; and forgetting somebody."""

from contextlib import closing
from pathlib import Path

import pytest

from sparrow.stores.bad_cases import BadCase, CaseStore
from tests.cli.commands import Command


@pytest.fixture
def cases(home: Path) -> Path:
    with closing(CaseStore(home, clock=lambda: 1_700_000_000)) as store:
        assert store.add(BadCase("not_for_me", 4, user_id=1, pipeline="for_you:ensemble", trace={"score": 0.5}))
        assert store.add(BadCase("not_alike", 3, about_id=8, embedding="item2vec"))
        assert not store.add(BadCase("not_alike", 3, about_id=8, embedding="item2vec", pipeline="again"))
    return home


def test_from_open_to_fixed(sparrow: Command, cases: Path) -> None:
    there = ("--home", cases)
    listed = sparrow("cases", "list", *there).out
    for words in ("Square 4", "person 1", "Square 8", "for_you:ensemble", "open 2"):
        assert words in listed
    told = sparrow("cases", "show", "1", *there).json
    assert (told["movie"], told["trace"], told["status"]) == ("Square 4", {"score": 0.5}, "open")
    assert (
        sparrow("cases", "set", "1", "rule", "--author", "ann", "--note", "hidden", *there).out == "Case 1 is rule.\n"
    )
    assert [one["id"] for one in sparrow("cases", "list", "--status", "open", *there, "--json").json["items"]] == [2]
    again = sparrow("cases", "set", "1", "fixed", "--author", "bob", *there, "--json").json
    assert [(one["status"], one["author"], one["note"]) for one in again["history"]] == [
        ("rule", "ann", "hidden"),
        ("fixed", "bob", ""),
    ]
    sparrow("cases", "set", "9", "fixed", *there).check_failed(1, "no bad case 9")
    assert sparrow("cases", "set", "1", "gone", *there).code == 2


def test_whoever_is_forgotten_leaves_no_case(sparrow: Command, cases: Path) -> None:
    assert sparrow("forget", "1", "--home", cases).code == 0
    items = sparrow("cases", "list", "--home", cases, "--json").json["items"]
    assert [one["kind"] for one in items] == ["not_alike"]
    with closing(CaseStore(cases)) as store:
        assert not store.add(BadCase("not_for_me", 4, user_id=1, timestamp=1_600_000_000)), "an old copy stays out"
