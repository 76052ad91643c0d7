"""Feedback folded into data: whoever asks, before or after, with or without it, meets the same person."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given
from hypothesis import strategies as st

from sparrow.build.feedback import Feedback, fold, read_feedback
from sparrow.datasets.canonical import MOVIES, MOVIES_SCHEMA, RATINGS, RATINGS_SCHEMA, TAGS, TAGS_SCHEMA
from sparrow.datasets.identities import ID_TABLES, read_ids
from sparrow.online.catalog import build_catalog
from sparrow.online.later_events import sum_events
from sparrow.online.people import Person, person_from_record
from sparrow.schema import Movie, MovieId, Rating, UserId
from sparrow.stores.clearing import forget_person
from sparrow.stores.live import LiveStore, StoredEvent
from tests.online.memory import movie_record, user_record

MOVIE_IDS = (10, 20, 30)
CATALOG = build_catalog(movie_record(Movie(MovieId(one), f"M{one}", 1990, ())) for one in MOVIE_IDS)
TEXT_ID = 2**62 + 5

Row = tuple[int, int, float, int]
"""(person, movie, stars, seconds)."""


def canonical(folder: Path, rows: Sequence[Row]) -> Path:
    """A canonical folder with the three movies and these ratings."""
    folder.mkdir(parents=True, exist_ok=True)
    columns = [list(column) for column in zip(*rows, strict=True)] or [[], [], [], []]
    pq.write_table(pa.table([*columns, list(range(len(rows)))], schema=RATINGS_SCHEMA), folder / RATINGS)
    movies = [MOVIE_IDS, [f"M{one}" for one in MOVIE_IDS], [1990] * 3, [[]] * 3, [""] * 3, [""] * 3]
    pq.write_table(pa.table([list(one) for one in movies], schema=MOVIES_SCHEMA), folder / MOVIES)
    return folder


def ratings(folder: Path) -> list[Row]:
    table = pq.read_table(folder / RATINGS)
    assert len(set(table["row"].to_pylist())) == len(table)
    return [tuple(row[name] for name in RATINGS_SCHEMA.names[:4]) for row in table.to_pylist()]  # type: ignore[misc]


def folded(events: Sequence[StoredEvent], user: int = 1) -> Feedback:
    told = sum_events(events)
    return Feedback(
        through=max((event.seq for event in events), default=0),
        ratings={(user, movie): (stars, told.rated_at[movie]) for movie, stars in told.ratings},
        undone={(user, movie): at for movie, at in told.undone.items()},
    )


def person_of(rows: Sequence[Row], events: Sequence[StoredEvent], through: int) -> Person:
    """Person 1 as a request meets them on a release with these rows that holds events up to `through`."""
    own = sorted(((at, movie, stars) for user, movie, stars, at in rows if user == 1))
    record = user_record(1, [Rating(UserId(1), MovieId(movie), stars, at) for at, movie, stars in own])
    return person_from_record(CATALOG, 1, record, sum_events(events, after=through))


def told_of(person: Person) -> tuple[list[int], list[int], list[int]]:
    return person.rated.tolist(), person.halves.tolist(), person.seen.tolist()


KINDS = st.sampled_from(["rating", "rating", "dislike", "undo", "watch", "click"])
SECONDS = st.integers(1, 6)
EVENTS = st.lists(st.tuples(KINDS, st.sampled_from(MOVIE_IDS), st.integers(1, 10), SECONDS), max_size=9)
ROWS = st.dictionaries(st.sampled_from(MOVIE_IDS), st.tuples(st.integers(1, 10), SECONDS))


@given(rows=ROWS, drawn=EVENTS, cut=st.integers(0, 9))
def test_a_publish_and_a_rollback_change_nobody(
    tmp_path_factory: pytest.TempPathFactory, rows: dict[int, tuple[int, int]], drawn: Any, cut: int
) -> None:
    data = [(1, movie, half / 2, at) for movie, (half, at) in rows.items()]
    events = [
        StoredEvent(seq, kind, movie, half / 2 if kind == "rating" else None, at)
        for seq, (kind, movie, half, at) in enumerate(drawn, 1)
    ]
    before = person_of(data, events, through=0)
    held = [event for event in events if event.seq <= cut]
    folder = canonical(tmp_path_factory.mktemp("folded"), data)
    fold(folded(held), folder)
    after = person_of(ratings(folder), events, through=cut)
    assert told_of(after) == told_of(before)


@pytest.fixture
def live(tmp_path: Path) -> Any:
    store = LiveStore(tmp_path / "home")
    yield store
    store.close()


def event(user: int, kind: str, movie: int, at: int, value: float | None = None, **more: Any) -> dict[str, Any]:
    return {"type": kind, "userId": user, "movieId": movie, "timestamp": at, "value": value, **more}


DATA: list[Row] = [(1, 10, 2.0, 100), (1, 20, 4.0, 100), (2, 10, 5.0, 100), (3, 30, 1.0, 900)]


def test_ratings_replace_undo_and_not_for_me_take_away_and_watching_is_no_rating(
    tmp_path: Path, live: LiveStore
) -> None:
    live.append([event(1, "rating", 10, 200, 4.5), event(1, "undo", 20, 201), event(2, "dislike", 10, 202)])
    live.append([event(4, "rating", 30, 203, 3.7), event(4, "watch", 10, 204, 4000.0), event(4, "impression", 20, 205)])
    live.append([event(3, "rating", 30, 800, 5.0), event(4, "rating", 999, 206, 5.0)])
    feedback, folder = read_feedback(tmp_path / "home", with_events=True), canonical(tmp_path / "data", DATA)
    assert feedback.through == 8
    assert fold(feedback, folder) == {"added": 2, "taken away": 3}
    assert ratings(folder) == [
        (3, 30, 1.0, 900),  # the data set's word is the later one
        (1, 10, 4.5, 200),
        (4, 30, 3.5, 203),  # on the grid, as nearline puts it
    ]


def test_without_events_only_the_forgotten_are_left_out_of_all_files(tmp_path: Path, live: LiveStore) -> None:
    home, folder = tmp_path / "home", canonical(tmp_path / "data", DATA)
    live.append([event(2, "rating", 20, 200, 1.0)])
    assert read_feedback(home, with_events=False).digest == ""
    pq.write_table(pa.table([[1, 2], [10, 10], ["dull", "funny"], [1, 1]], schema=TAGS_SCHEMA), folder / TAGS)
    pq.write_table(pa.table({"userId": [1, TEXT_ID], "outsideId": ["x", "ann"]}), folder / ID_TABLES["users"])
    for user in (1, TEXT_ID):
        forget_person(home, user, 300)
    feedback = read_feedback(home, with_events=False)
    assert (feedback.through, feedback.forgotten) == (0, {1, TEXT_ID})
    assert fold(feedback, folder) == {"added": 0, "taken away": 2}
    assert ratings(folder) == DATA[2:]
    assert pq.read_table(folder / TAGS)["tag"].to_pylist() == ["funny"]
    assert list(read_ids(folder, "users")) == []


def test_newcomers_with_a_text_id_get_their_name_in_the_release(tmp_path: Path, live: LiveStore) -> None:
    home = tmp_path / "home"
    live.append(
        [event(TEXT_ID, "rating", 10, 200, 5.0, outsideUserId="ann"), event(8, "click", 10, 9, outsideUserId="8x")]
    )
    feedback = read_feedback(home, with_events=True)
    plain, other = canonical(tmp_path / "plain", DATA), canonical(tmp_path / "other", DATA)
    pq.write_table(pa.table({"userId": [TEXT_ID + 9], "outsideId": ["bob"]}), other / ID_TABLES["users"])
    for folder in (plain, other):
        fold(feedback, folder)
    assert list(read_ids(plain, "users")) == [(TEXT_ID, "ann")]
    assert list(read_ids(other, "users")) == [(TEXT_ID + 9, "bob"), (TEXT_ID, "ann")]


def test_the_digest_tells_what_changes_the_data_and_nothing_else(tmp_path: Path, live: LiveStore) -> None:
    home = tmp_path / "home"
    assert read_feedback(tmp_path / "nowhere", with_events=True) == Feedback()
    live.append([event(1, "rating", 10, 200, 4.0)])
    first = read_feedback(home, with_events=True)
    live.append([event(1, "impression", 20, 300), event(1, "watch", 20, 301, 60.0)])
    second = read_feedback(home, with_events=True)
    assert second.digest == first.digest != ""
    assert second.through == first.through + 2
    live.append([event(1, "undo", 10, 400)])
    assert read_feedback(home, with_events=True).digest not in ("", first.digest)
    assert replace(first, forgotten=frozenset([1])).digest != first.digest


def test_many_ratings_stream_through(tmp_path: Path, live: LiveStore) -> None:
    rows = [(user, 10, 3.0, 100) for user in range(1, 300_001)]
    folder = canonical(tmp_path / "data", rows)
    live.append([event(200_000, "rating", 10, 200, 5.0), event(250_000, "undo", 10, 200)])
    assert fold(read_feedback(tmp_path / "home", with_events=True), folder) == {"added": 1, "taken away": 2}
    table = pq.read_table(folder / RATINGS)
    users, stars = table["userId"].to_numpy(), table["rating"].to_numpy()
    assert len(users) == 299_999
    assert stars[users == 200_000].tolist() == [5.0]
    assert np.count_nonzero(stars != 3.0) == 1
    assert not np.any(users == 250_000)
