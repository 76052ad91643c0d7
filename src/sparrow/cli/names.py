"""What the outside world calls people and movies, for verbs that read and write events."""

from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sparrow.config import Settings
from sparrow.errors import InvalidInput
from sparrow.schema import MAX_ID
from sparrow.stores.event_store import EventStore, open_events
from sparrow.stores.feature_store import FeatureStore
from sparrow.stores.outside_ids import HASHED_FROM, OutsideIds, plain_number, surrogates
from sparrow.stores.publishing import open_target
from sparrow.stores.releases import releases_folder

PATIENT_S: Final = 10.0
"""Deadline of a Redis that holds the events; a verb may wait."""


@dataclass(frozen=True)
class Names:
    """The border of one home: its live release's ids, and people who came later.

    Attributes:
        live: the event log, which remembers newcomers.
        store: the live release's records; None while nothing is live.
        ids: its outside ids; None where ids are numbers.
    """

    live: EventStore
    store: FeatureStore | None
    ids: OutsideIds | None

    def movie(self, written: int | str) -> int:
        """The raw id of a movie; InvalidInput if it can be none."""
        return self.ids.movie(str(written)) if self.ids else _number("movieId", written)

    def person(self, written: int | str) -> int:
        """The raw id of a person; where ids are text, the number itself is understood too."""
        text = str(written)
        if self.ids is None:
            newcomers = {name: raw for raw, name in self.live.outside_people().items()}
            return newcomers[text] if text in newcomers else _number("userId", written)
        number = plain_number(text)
        if number is not None and number >= HASHED_FROM and self.people_names([number])[number] != number:
            return number
        return self.ids.person(text) if text else next(surrogates(text))

    def people_names(self, raw_ids: list[int], newcomers: Mapping[int, str] | None = None) -> dict[int, int | str]:
        """raw id → what the person is called; who asks often reads the log's `newcomers` once and brings them."""
        newcomers = self.live.outside_people() if newcomers is None else newcomers
        known = self.ids.people_names(raw_ids) if self.ids else {raw: raw for raw in raw_ids}
        return {raw: newcomers.get(raw, name) for raw, name in known.items()}

    def movie_name(self, raw: int) -> int | str:
        """What a movie is called."""
        return self.ids.movie_name(raw) if self.ids else raw

    def movies(self) -> frozenset[int]:
        """Raw ids of the live release's movies; none while nothing is live."""
        return frozenset(movie.movieId for movie in self.store.movies()) if self.store else frozenset()


@contextmanager
def open_names(home: Path, settings: Settings) -> Iterator[Names]:
    """The names of a home, from its live release (in Redis, if that is the store) and its event log."""
    with (
        closing(open_events(home, settings.feedback.events, PATIENT_S)) as live,
        closing(open_target(home, settings.online.store)) as target,
    ):
        pointer = target.read_pointer()
        if pointer is None:
            yield Names(live, None, None)
            return
        store = FeatureStore(target.features(releases_folder(home) / pointer.release, patient=True))
        with closing(store):
            outside = dict(store.outside_ids("movies"))
            yield Names(live, store, OutsideIds(outside, store) if store.meta().outside_ids else None)


def _number(name: str, written: int | str) -> int:
    text = str(written)
    if not (text.isascii() and text.isdigit() and len(text) <= 19 and int(text) <= MAX_ID):
        raise InvalidInput(f"{name} is {written!r:.80}; it must be a whole number from 0 to {MAX_ID}.")
    return int(text)
