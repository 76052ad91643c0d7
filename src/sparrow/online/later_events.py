"""What a person's events sum up to: one rule for the request path and for the next build (`build.feedback`)."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from sparrow.stores.live import StoredEvent


@dataclass(frozen=True, slots=True)
class LaterEvents:
    """What a person did, as far as the release does not hold it.

    Attributes:
        ratings: (movie id, stars), oldest first.
        rated_at: movie id → seconds, UTC, of its latest rating.
        seen: ids not to show again: watched or disliked, ever.
        undone: movie id → seconds, UTC, up to which the release's own rating of it no longer counts.
        shown: movie id → in how many lists since it was last clicked; only where a rule asks for it.
        is_whole: whether all of it could be read; False where a part was unreachable and is missing.
    """

    ratings: Sequence[tuple[int, float]] = ()
    rated_at: Mapping[int, int] = field(default_factory=dict)
    seen: frozenset[int] = frozenset()
    undone: Mapping[int, int] = field(default_factory=dict)
    shown: Mapping[int, int] = field(default_factory=dict)
    is_whole: bool = True

    def __bool__(self) -> bool:
        """Whether anything is known at all of their taste."""
        return bool(self.ratings or self.seen or self.undone)


def sum_events(events: Iterable[StoredEvent], after: int = 0) -> LaterEvents:
    """A person's events in the order they happened; of each movie the last word counts.

    A rating replaces an earlier one. "Not for me" takes the rating back and keeps the movie out of sight; "undo" takes back all
    about its movie. Ratings up to number `after` are in the release already; what was seen is not, and being a set it cannot
    count twice.
    """
    ratings: dict[int, float] = {}
    rated_at: dict[int, int] = {}
    seen: set[int] = set()
    undone: dict[int, int] = {}
    for event in sorted(events, key=lambda event: (event.timestamp, event.seq)):
        movie = event.movie_id
        if event.type in ("rating", "dislike", "undo"):
            ratings.pop(movie, None)
            rated_at.pop(movie, None)
        if event.type == "rating" and event.value is not None and event.seq > after:
            ratings[movie], rated_at[movie] = event.value, event.timestamp
        if event.type in ("dislike", "undo") and event.seq > after:
            undone[movie] = event.timestamp
        if event.type in ("watch", "dislike"):
            seen.add(movie)
        elif event.type == "undo":
            seen.discard(movie)
    return LaterEvents(list(ratings.items()), rated_at, frozenset(seen), undone)


def nothing_later(user_id: int) -> LaterEvents:  # noqa: ARG001 - the shape of `Recommender.later`
    """Where no events are kept."""
    return LaterEvents()
