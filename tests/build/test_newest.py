"""What is held back: the newest ratings, of enough people, and what stands of them."""

from contextlib import closing
from pathlib import Path

import pytest

from sparrow.build.feedback import read_feedback
from sparrow.build.newest import Newest, hold_back
from sparrow.stores.live import LiveStore

NOW = 1_700_000_000


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """Ten events: number n is a rating of movie n by person n % 3, but number 9, which takes movie 8 of person 2 back."""
    events = [
        {"type": "rating", "userId": n % 3, "movieId": n, "value": 4.0, "timestamp": NOW + n} for n in range(1, 11)
    ]
    events[8] = {"type": "undo", "userId": 2, "movieId": 8, "timestamp": NOW + 9}
    with closing(LiveStore(tmp_path)) as live:
        live.append(events)
    return tmp_path


def test_the_newest_share_is_held_back_and_the_last_word_counts(home: Path) -> None:
    newest = hold_back(home, after=0, share=0.4, min_people=1)
    assert newest.until == 5, "of nine ratings the last four: 6, 7, 8 and 10"
    assert {user: movies.tolist() for user, movies in newest.later.items()} == {0: [6], 1: [7, 10]}
    assert {user: [one.seq for one in own] for user, own in newest.known.items()} == {0: [3], 1: [1, 4]}
    feedback = read_feedback(home, with_events=True, until=newest.until)
    assert feedback.through == 5
    assert {movie for _, movie in feedback.ratings} == {1, 2, 3, 4, 5}


def test_what_the_live_release_holds_is_never_held_back(home: Path) -> None:
    newest = hold_back(home, after=8, share=0.9, min_people=1)
    assert newest.until == 9
    assert {user: movies.tolist() for user, movies in newest.later.items()} == {1: [10]}
    assert hold_back(home, after=10, share=0.9, min_people=1) == Newest()


def test_of_too_few_people_nothing_is_held_back(home: Path, tmp_path: Path) -> None:
    assert hold_back(home, after=0, share=0.4, min_people=3) == Newest()
    assert hold_back(tmp_path / "none", after=0, share=0.4, min_people=1) == Newest()
