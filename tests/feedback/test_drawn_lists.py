"""Which lists and clicks an off-policy estimate goes by."""

from contextlib import closing
from pathlib import Path

import pytest

from sparrow.errors import NotFound
from sparrow.feedback.drawn_lists import drawn_lists
from sparrow.stores.live import LiveStore
from sparrow.stores.served import ServedList, ServedLog

NOW = 1_700_000_000


def served(name: str, user: int | None, movies: tuple[int, ...], chances: tuple[float, ...] | None) -> ServedList:
    return ServedList(name, NOW, user, "r", "for_you", "draw:on", movies, chances)


def click(user: int, movie: int, shown_in: str | None) -> dict[str, object]:
    return {"type": "click", "userId": user, "movieId": movie, "recommendationId": shown_in, "timestamp": NOW + 1}


def test_drawn_lists_and_clicks_on_their_first_places_count_once(tmp_path: Path) -> None:
    with closing(ServedLog(tmp_path)) as log, closing(LiveStore(tmp_path)) as live:
        log.append([
            served("a", 1, (5, 6, 7), (0.5, 0.4, 0.3)), served("undrawn", 1, (5, 6, 7), None), served("short", 1, (5,), (0.5,)),
            served("guest", None, (5, 6), (0.5, 0.5)), served("b", 2, (6, 5), (0.2, 0.9)),
        ])  # fmt: skip
        clicks = [
            (1, 6, "a"),
            (1, 6, "a"),
            (1, 7, "a"),
            (2, 5, "a"),
            (1, 8, "a"),
            (2, 6, "b"),
            (2, 5, None),
            (1, 5, "undrawn"),
        ]
        live.append([click(*one) for one in clicks])
    found = drawn_lists(tmp_path, places=2)
    assert [one.recommendation_id for one in found.lists] == ["a", "b"]
    assert found.people.tolist() == [1, 2]
    assert found.clicks.tolist() == [[0, 1], [1, 0]], "twice is once, place 3 and somebody else's click are none"
    assert found.chances.tolist() == [[0.5, 0.4], [0.2, 0.9]]
    with pytest.raises(NotFound, match="4 places or more"):
        drawn_lists(tmp_path, places=4)
    with pytest.raises(NotFound):
        drawn_lists(tmp_path, places=2, since=NOW + 1)
