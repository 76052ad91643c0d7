"""From lists and events to what each person did: who is exposed, in which arm, since when, and what counts."""

import numpy as np

from sparrow.feedback.outcomes import COMPONENTS, DAY, TYPES, Events, Lists, Outcomes, gather

T0 = 100 * DAY + 3600
"""An hour past some midnight."""


def events(*rows: tuple[int, str, float, int, int]) -> Events:
    """(user, type, value, list, timestamp) as columns."""
    user, kinds, value, shown_in, timestamp = zip(*rows, strict=True) if rows else [()] * 5
    return Events(
        np.array(user, dtype=np.int64),
        np.array([TYPES.index(kind) for kind in kinds], dtype=np.int64),
        np.array(value, dtype=np.float64),
        np.array(shown_in, dtype=np.int64),
        np.array(timestamp, dtype=np.int64),
    )


def lists(*rows: tuple[int, int], at: int = T0) -> Lists:
    """(user, arm) as columns; all were served at one time."""
    columns = np.array(rows, dtype=np.int64).reshape(-1, 2)
    return Lists(columns[:, 0], columns[:, 1], np.full(len(columns), at))


def summed(outcomes: Outcomes) -> list[dict[str, list[float]]]:
    """Per look, component → per person."""
    return [dict(zip(COMPONENTS, look.sums.tolist(), strict=True)) for look in outcomes.looks()]


def test_a_person_counts_from_the_first_list_they_were_shown() -> None:
    found = gather(
        lists((7, 0), (9, 1)),
        events(
            (7, "click", 0, -1, T0 - 10), (7, "watch", 600, -1, T0 - 10), (9, "rating", 4.5, -1, T0 - 3 * DAY),
            (7, "impression", 0, 0, T0), (7, "impression", 0, 0, T0), (7, "click", 0, 0, T0 + 9),
            (7, "watch", 1200, -1, T0 + DAY), (7, "rating", 4, -1, T0 + DAY), (7, "dislike", 0, -1, T0 + 2 * DAY),
            (9, "impression", 0, 1, T0 + DAY), (8, "rating", 1, -1, T0), (8, "impression", 0, -1, T0),
        ),
        before_days=2,
    )  # fmt: skip
    assert found.people.tolist() == [7, 9]
    assert found.arm.tolist() == [0, 1]
    assert found.first_day.tolist() == [0, 1]
    assert (found.midnight, found.days, found.crossed) == (100 * DAY, 3, 0)
    first, second, third = summed(found)
    assert (first["impressions"], first["clicks"], first["watch_seconds"]) == ([2, 0], [1, 0], [0, 0])
    assert (second["impressions"], second["watch_seconds"], second["ratings"], second["stars"]) == (
        [2, 1], [1200, 0], [1, 0], [4, 0],
    )  # fmt: skip
    assert third["dislikes"] == [1, 0]
    before = dict(zip(COMPONENTS, found.before.tolist(), strict=True))
    assert (before["clicks"], before["watch_seconds"]) == ([1, 0], [600, 0])
    assert before["ratings"] == [0, 0], "three days before is too long ago"


def test_clicks_elsewhere_and_on_other_peoples_lists_are_none_of_the_experiments() -> None:
    found = gather(
        lists((7, 0), (9, 1)),
        events(
            (7, "impression", 0, 0, T0), (7, "click", 0, -1, T0), (7, "click", 0, 1, T0), (8, "impression", 0, 1, T0),
        ),
    )  # fmt: skip
    assert found.people.tolist() == [7]
    assert summed(found)[0]["clicks"] == [0]


def test_who_saw_two_arms_stays_in_the_first_and_is_counted() -> None:
    found = gather(
        lists((7, 1), (7, 0), (9, 0)),
        events(
            (7, "impression", 0, 1, T0 + 50), (7, "impression", 0, 0, T0), (9, "impression", 0, 2, T0),
            (7, "click", 0, 1, T0 + 60),
        ),
    )  # fmt: skip
    assert found.arm.tolist() == [1, 0]
    assert found.crossed == 1
    assert summed(found)[0]["impressions"] == [2, 1]
    assert summed(found)[0]["clicks"] == [1, 0]


def test_a_later_beginning_makes_no_treated_day_one_of_the_time_before() -> None:
    served = lists((7, 1), (7, 0), (9, 0))
    happened = events(
        (7, "watch", 60, -1, T0 - 10), (7, "impression", 0, 0, T0), (7, "watch", 600, -1, T0 + 10),
        (7, "impression", 0, 1, T0 + 2 * DAY), (7, "watch", 300, -1, T0 + 2 * DAY), (9, "impression", 0, 2, T0 + 3 * DAY),
    )  # fmt: skip
    found = gather(served, happened, since=T0 + DAY)
    assert (found.people.tolist(), found.arm.tolist()) == ([7, 9], [1, 0]), "the first list of all decides"
    assert (found.midnight, found.first_day.tolist(), found.days) == (101 * DAY, [-1, 2], 3)
    assert found.before[COMPONENTS.index("watch_seconds")].tolist() == [60, 0]
    first, second, third = summed(found)
    assert (first["watch_seconds"], second["watch_seconds"], third["impressions"]) == ([0, 0], [300, 0], [1, 1])


def test_who_opens_a_film_before_its_impression_is_told_has_seen_the_list() -> None:
    found = gather(
        lists((7, 1)),
        events((7, "click", 0, 0, T0), (7, "watch", 90, -1, T0 + 5), (7, "impression", 0, 0, T0 + DAY)),
    )
    assert (found.people.tolist(), found.first_day.tolist(), found.before.any()) == ([7], [0], False)
    first, second = summed(found)
    assert (first["clicks"], first["watch_seconds"], second["impressions"]) == ([1], [90], [1])


def test_a_clock_that_was_never_set_makes_no_experiment_of_thirty_years() -> None:
    found = gather(
        lists((7, 1), (9, 0)),
        events((7, "impression", 0, 0, 9_131 * 5), (7, "click", 0, 0, T0 + 9), (9, "impression", 0, 1, T0 + DAY)),
    )
    assert (found.midnight, found.days, found.first_day.tolist()) == (100 * DAY, 2, [0, 1])
    assert summed(found)[0]["impressions"] == [1, 0], "it is an impression of its list's day"


def test_lists_that_nobody_saw_and_no_events_at_all_expose_nobody() -> None:
    for served, happened in (
        (lists((7, 0)), events()),
        (lists(), events((7, "impression", 0, -1, T0))),
        (lists((7, 0)), events((7, "click", 0, -1, T0), (7, "rating", 5, -1, T0))),
    ):
        found = gather(served, happened)
        assert (len(found.people), found.days, list(found.looks())) == (0, 0, [])
