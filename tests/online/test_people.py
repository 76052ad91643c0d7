"""Who asks: stored ratings, later events and guests, each movie counting once."""

import numpy as np
import pytest

from sparrow.online.catalog import Catalog, build_catalog
from sparrow.online.later_events import sum_events
from sparrow.online.people import Person, person_from_history, person_from_record
from sparrow.schema import Movie, MovieId, Rating, UserId
from sparrow.stores.feature_store import UserRecord
from sparrow.stores.live import StoredEvent
from tests.online.memory import movie_record, user_record


@pytest.fixture
def catalog() -> Catalog:
    return build_catalog(movie_record(Movie(MovieId(at), f"M{at}", 1990, ())) for at in (10, 20, 30, 40))


@pytest.fixture
def record() -> UserRecord:
    """Rated 20 badly, then 10 well, then a movie that has left the catalogue."""
    rows = [(20, 1.0, 100), (10, 4.0, 200), (99, 5.0, 300)]
    return user_record(7, [Rating(UserId(7), MovieId(movie), score, at) for movie, score, at in rows])


def events(*rows: tuple[str, int, float | None]) -> list[StoredEvent]:
    return [StoredEvent(at + 1, kind, movie, value, 1000 + at) for at, (kind, movie, value) in enumerate(rows)]


def ids(catalog: Catalog, rows: np.ndarray) -> list[int]:
    return catalog.ids[rows].tolist()


def test_a_record_gives_ratings_oldest_first_without_lost_movies(catalog: Catalog, record: UserRecord) -> None:
    person = person_from_record(catalog, 7, record)
    assert (person.user_id, ids(catalog, person.rated), person.halves.tolist()) == (7, [20, 10], [2, 8])
    assert ids(catalog, person.liked) == [10]
    assert not person.is_new


def test_the_latest_rating_of_a_movie_counts_and_moves_it_to_the_end(catalog: Catalog, record: UserRecord) -> None:
    later = sum_events(events(("rating", 20, 5.0), ("rating", 30, 4.0), ("rating", 30, 0.5)))
    person = person_from_record(catalog, 7, record, later)
    assert ids(catalog, person.rated) == [10, 20, 30]
    assert person.halves.tolist() == [8, 10, 1]
    assert ids(catalog, person.liked) == [10, 20]


def test_watching_and_disliking_are_seen_but_are_no_ratings(catalog: Catalog, record: UserRecord) -> None:
    later = sum_events(events(("watch", 30, 60.0), ("dislike", 40, None)))
    person = person_from_record(catalog, 7, record, later)
    assert ids(catalog, person.rated) == [20, 10]
    assert ids(catalog, person.seen) == [10, 20, 30, 40]


def test_not_for_me_takes_the_rating_back_wherever_it_stands(catalog: Catalog, record: UserRecord) -> None:
    later = sum_events(events(("rating", 30, 5.0), ("dislike", 30, None), ("dislike", 10, None)))
    person = person_from_record(catalog, 7, record, later)
    assert (ids(catalog, person.rated), ids(catalog, person.seen)) == ([20], [10, 20, 30])
    again = sum_events(events(("dislike", 10, None), ("rating", 10, 4.5)))
    assert ids(catalog, person_from_record(catalog, 7, record, again).liked) == [10]


def test_of_two_tabs_the_later_word_counts_whichever_arrived_first(catalog: Catalog, record: UserRecord) -> None:
    tabs = [StoredEvent(1, "rating", 30, 2.0, 2000), StoredEvent(2, "rating", 30, 5.0, 1999)]
    assert sum_events(tabs).ratings == [(30, 2.0)]
    together = [StoredEvent(1, "rating", 30, 2.0, 2000), StoredEvent(2, "rating", 30, 5.0, 2000)]
    assert sum_events(together).ratings == [(30, 5.0)], "in the same second the one that arrived last"
    old = [StoredEvent(1, "rating", 10, 1.0, 150), StoredEvent(2, "undo", 20, None, 50)]
    person = person_from_record(catalog, 7, record, sum_events(old))
    assert (ids(catalog, person.rated), person.halves.tolist()) == ([20, 10], [2, 8]), "the release knows later words"


def test_what_the_release_holds_counts_once_and_what_it_cannot_hold_goes_on_counting() -> None:
    done = events(("rating", 10, 5.0), ("dislike", 20, None), ("watch", 30, 60.0), ("rating", 40, 3.0))
    later = sum_events(done, after=3)
    assert (later.ratings, later.seen, dict(later.undone)) == ([(40, 3.0)], {20, 30}, {})
    undone = sum_events([*done, StoredEvent(5, "undo", 20, None, 1004)], after=4)
    assert (undone.ratings, undone.seen, dict(undone.undone)) == ([], {30}, {20: 1004})


@pytest.mark.parametrize("kind", ["impression", "click"])
def test_looking_is_not_seeing(kind: str) -> None:
    assert not sum_events(events((kind, 30, None)))


def test_undo_takes_back_everything_about_its_movie_and_nothing_else() -> None:
    later = sum_events(
        events(("rating", 10, 5.0), ("dislike", 10, None), ("watch", 20, 9.0), ("rating", 30, 2.0), ("undo", 10, None))
    )
    assert later.ratings == [(30, 2.0)]
    assert later.rated_at == {30: 1003}
    assert later.seen == {20}


def test_undo_takes_back_a_rating_that_the_release_holds(catalog: Catalog, record: UserRecord) -> None:
    person = person_from_record(catalog, 7, record, sum_events(events(("undo", 10, None))))
    assert ids(catalog, person.rated) == [20]
    assert ids(catalog, person.seen) == [20]


def test_what_comes_after_an_undo_counts_again(catalog: Catalog, record: UserRecord) -> None:
    later = sum_events(events(("undo", 10, None), ("rating", 10, 2.0)))
    person = person_from_record(catalog, 7, record, later)
    assert (ids(catalog, person.rated), person.halves.tolist()) == ([20, 10], [2, 4])


def test_a_stranger_with_events_is_a_person(catalog: Catalog) -> None:
    person = person_from_record(catalog, 8, None, sum_events(events(("rating", 40, 4.5))))
    assert (person.user_id, ids(catalog, person.liked)) == (8, [40])


def test_a_stranger_without_events_is_new(catalog: Catalog) -> None:
    person = person_from_record(catalog, 8, None)
    assert person.is_new
    assert (len(person.rated), len(person.seen)) == (0, 0)


def test_a_guests_movie_without_stars_is_liked_and_unknown_ones_are_left_out(catalog: Catalog) -> None:
    person = person_from_history(catalog, [(10, None), (555, 5.0), (20, 3.0), (30, 3.5)])
    assert person.user_id is None
    assert ids(catalog, person.rated) == [10, 20, 30]
    assert ids(catalog, person.liked) == [10, 30]
    assert ids(catalog, person.seen) == [10, 20, 30]


def test_a_guests_last_word_on_a_movie_counts(catalog: Catalog) -> None:
    person: Person = person_from_history(catalog, [(10, 5.0), (20, 4.0), (10, 1.0)])
    assert (ids(catalog, person.rated), person.halves.tolist()) == ([20, 10], [8, 2])
