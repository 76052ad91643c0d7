"""`sparrow events` and `sparrow forget`, as a shell sees them, on the small release."""

from pathlib import Path
from typing import Any
from unittest.mock import Mock

import orjson
import pytest

from sparrow.stores.live import LiveStore
from sparrow.stores.served import ServedList, ServedLog
from tests.cli.commands import Command

pytestmark = pytest.mark.slow

NOW = 1_700_000_000
UUID = "0b9f3f8e-3c0e-4d6d-9a43-1df4a4c0a001"


def lines(path: Path) -> list[dict[str, Any]]:
    return [orjson.loads(line) for line in path.read_bytes().splitlines()]


@pytest.fixture
def filled(home: Path) -> Path:
    live = LiveStore(home)
    live.append(
        [
            {"type": "rating", "userId": 1, "movieId": 2, "value": 4.5, "timestamp": NOW, "eventId": UUID},
            {
                "type": "impression",
                "userId": 7_000,
                "movieId": 3,
                "position": 4,
                "recommendationId": "r1",
                "timestamp": NOW,
            },
        ]
    )
    live.close()
    return home


def test_an_export_is_what_the_door_takes_and_an_import_counts_it_once(
    sparrow: Command, filled: Path, released: Any, tmp_path: Path
) -> None:
    out = tmp_path / "events.jsonl"
    ended = sparrow("events", "export", "--out", out, "--home", filled)
    assert (ended.code, ended.out) == (0, "")
    assert "2 events in" in ended.err
    first, second = lines(out)
    rating = {"type": "rating", "userId": 1, "movieId": 2, "value": 4.5, "timestamp": NOW, "eventId": UUID}
    assert first == rating
    assert second.pop("eventId")
    assert second == {
        "type": "impression", "userId": 7_000, "movieId": 3, "position": 4, "recommendationId": "r1", "timestamp": NOW,
    }  # fmt: skip
    assert sparrow("events", "export", "--home", filled).out.encode() == out.read_bytes()
    again = sparrow("events", "import", out, "--home", filled, "--json").json
    assert again == {"accepted": 0, "duplicates": 2, "rejected": []}
    other = released.fresh(tmp_path / "other")
    assert sparrow("events", "import", out, "--home", other, "--json").json["accepted"] == 2
    assert sparrow("events", "export", "--home", other).out.encode() == out.read_bytes()


def test_bad_lines_are_told_by_number_and_good_ones_count(sparrow: Command, home: Path, tmp_path: Path) -> None:
    file = tmp_path / "mixed.jsonl"
    good = b'{"type": "rating", "userId": 1, "movieId": 2, "value": 4}'
    bad = [b"{", b'{"type": "dance", "userId": 1, "movieId": 2}', b'{"type": "click", "userId": 1, "movieId": 424242}']
    late = b'{"type": "click", "userId": 1, "movieId": 2, "timestamp": 5}'
    file.write_bytes(
        b"\n".join([*bad, good, b"", late, b'{"type": "click", "userId": "x", "movieId": 2}', b"\xff\xfe"])
    )
    ended = sparrow("events", "import", file, "--home", home, "--json")
    assert ended.code == 0
    assert (ended.json["accepted"], [row["line"] for row in ended.json["rejected"]]) == (1, [1, 2, 3, 6, 7, 8])
    reasons = {row["line"]: row["reason"] for row in ended.json["rejected"]}
    assert "424242" in reasons[3]
    assert "before 1995" in reasons[6]
    again = sparrow("events", "import", file, "--home", home)
    assert "0 events taken, 1 were there already, 6 refused." in again.out, "an id is made from the line's words"
    assert "line 2: type:" in again.err
    file.write_bytes(bad[1])
    sparrow("events", "import", file, "--home", home).check_failed(1, "None of 1 lines", "line 1: type")
    assert sparrow("events", "import", tmp_path / "nowhere", "--home", home).code == 2


def test_replay_says_honestly_that_nothing_was_rebuilt_and_finds_damage(sparrow: Command, filled: Path) -> None:
    told = sparrow("events", "replay", "--home", filled, "--json").json
    assert told == {"rebuilt": False, "events": 2, "people": 1, "newest": 2, "unknownMovies": 0, "faults": []}
    assert "nothing had to be rebuilt" in sparrow("events", "replay", "--home", filled).out
    path = filled / "live.sqlite"
    content = bytearray(path.read_bytes())
    content[4096 * 2 : 4096 * 4] = b"\x5a" * 8192
    path.write_bytes(content)
    sparrow("events", "replay", "--home", filled).check_failed(1, str(filled))


def test_forgetting_tells_what_went_and_what_the_live_release_still_holds(sparrow: Command, filled: Path) -> None:
    told = sparrow("forget", "1", "--home", filled)
    assert told.code == 0
    assert "1 events and 0 served lists" in told.out
    assert "live release still holds" in told.out
    again = sparrow("forget", "1", "--home", filled, "--json").json
    assert again == {"userId": "1", "events": 0, "servedLists": 0, "inLiveRelease": True}
    newcomer = sparrow("forget", "7000", "--home", filled, "--json").json
    assert newcomer == {"userId": "7000", "events": 1, "servedLists": 0, "inLiveRelease": False}
    served = ServedLog(filled)
    served.append([ServedList("r7", NOW, 7_001, "r", "for_you", "", (2,), None)])
    served.close()
    shown = sparrow("forget", "7001", "--home", filled, "--json").json
    assert shown == {"userId": "7001", "events": 0, "servedLists": 1, "inLiveRelease": False}, "who only looked, too"
    sparrow("forget", "424242", "--home", filled).check_failed(1, "Nobody called '424242'", "nothing to remove")
    sparrow("forget", "no number", "--home", filled).check_failed(2, "userId is 'no number'")
    live = LiveStore(filled)
    assert set(live.forgotten()) == {1, 7_000, 7_001, 424_242}
    live.close()


def test_an_export_reads_the_names_of_newcomers_once() -> None:
    from sparrow.cli.events import _lines
    from sparrow.cli.names import Names

    live = Mock(spec=LiveStore, outside_people=Mock(return_value={2: "Ann O"}))
    told = [{"userId": user, "movieId": 5} for user in (1, 2, 3, 2)]
    assert [orjson.loads(line)["userId"] for line in _lines(Names(live, None, None), iter(told))] == [
        1,
        "Ann O",
        3,
        "Ann O",
    ]
    assert live.outside_people.call_count == 1
