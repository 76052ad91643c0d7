"""What this room asks of the rooms behind it, as small protocols: tests put a fake in their place."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from sparrow.config import Rules
from sparrow.feedback.draft_report import DraftReport
from sparrow.feedback.overview import Overview
from sparrow.feedback.report import Report
from sparrow.online.answers import Census, Listing, MovieFacts, Sort, UserFacts
from sparrow.online.wanted import Wanted
from sparrow.stores.bad_cases import BadCase, Status
from sparrow.stores.marks import Mark
from sparrow.stores.outside_ids import OutsideIds
from sparrow.stores.rules import Version
from sparrow.stores.served import ServedList

Genres = Sequence[tuple[str, int]]
"""Genre names with their number of movies, most movies first."""


class Recommender(Protocol):
    """Everything a request may ask of one release (`sparrow.online.recommender`); immutable."""

    @property
    def release(self) -> str: ...
    @property
    def models(self) -> Sequence[str]: ...
    @property
    def embeddings(self) -> Sequence[str]: ...
    @property
    def ids(self) -> OutsideIds | None: ...
    @property
    def genres(self) -> Genres: ...

    def movie(self, movie_id: int) -> MovieFacts: ...
    def movies(
        self,
        genre: str | None,
        sort: Sort,
        size: int,
        offset: int,
        year: int | None = None,
        region: str = "",
        age: int | None = None,
    ) -> tuple[list[MovieFacts], int]: ...
    def census(self) -> Census: ...
    def search(self, text: str, size: int, region: str = "", age: int | None = None) -> list[MovieFacts]: ...
    def user(self, user_id: int) -> UserFacts: ...
    def user_ids(self, size: int) -> list[int]: ...
    def check_rules(self, rules: Rules) -> list[int | str]: ...

    async def similar(self, movie_id: int, wanted: Wanted, embedding: str | None = None) -> Listing: ...
    async def for_user(
        self, user_id: int, wanted: Wanted, model: str | None = None, arm: str | None = None
    ) -> Listing: ...
    async def for_history(self, history: Sequence[tuple[int, float | None]], wanted: Wanted) -> Listing: ...


class Live(Protocol):
    """The current release and its changes (`sparrow.online.live.LiveRelease`)."""

    @property
    def recommender(self) -> Recommender:
        """The recommender of the current release; raises `ReleaseError` when there is none."""
        ...

    @property
    def models(self) -> Mapping[str, int]:
        """The versions of its models that are live, by served name."""
        ...

    async def start(self) -> None: ...
    async def stop(self) -> None: ...
    async def refresh(self) -> None: ...
    def ready(self) -> tuple[bool, dict[str, Any]]: ...


@dataclass(frozen=True, slots=True)
class Receipt:
    """What became of a batch of events; `rejected` pairs a place in the batch with a reason."""

    accepted: int
    duplicates: int
    rejected: Sequence[tuple[int, str]] = ()


class EventReceipt(Protocol):
    """The event log's own receipt, of the same shape as `Receipt`."""

    @property
    def accepted(self) -> int: ...
    @property
    def duplicates(self) -> int: ...
    @property
    def rejected(self) -> Sequence[tuple[int, str]]: ...


class EventLog(Protocol):
    """The durable log (`sparrow.feedback.events`): `accept` returns after the good events are on disk."""

    def accept(self, events: list[dict[str, Any]]) -> EventReceipt: ...


class ServedLists(Protocol):
    """What was shown, on its way to the log (`sparrow.feedback.served`): `put` never waits, and is False for a list it lost."""

    def put(self, served: ServedList) -> bool: ...
    def close(self) -> None: ...


class MarkBook(Protocol):
    """What people marked in the laboratory (`sparrow.stores.marks`); movies by raw id."""

    def add(self, movie_id: int, neighbour_id: int, embedding: str, release: str) -> bool: ...
    def remove(self, movie_id: int, neighbour_id: int, embedding: str) -> bool: ...
    def all(self) -> list[Mark]: ...


class CaseBook(Protocol):
    """Bad cases and what became of them (`sparrow.stores.bad_cases`); movies and people by raw id."""

    def add(self, case: BadCase) -> bool: ...
    def withdraw(self, case: BadCase) -> bool: ...
    def all(self, status: Status | None, most: int, before: int) -> list[BadCase]: ...
    def find(self, number: int) -> BadCase: ...
    def counts(self) -> dict[Status, int]: ...
    def change(self, number: int, status: Status, author: str, note: str) -> BadCase: ...


class Reports(Protocol):
    """What experiments have shown so far (`sparrow.feedback.experiment_reports`)."""

    def all(self) -> list[Report | DraftReport]: ...


class Overviews(Protocol):
    """How fresh a release is, what was shown, what retraining decided (`sparrow.feedback.overview`)."""

    def of(self, release: str) -> Overview: ...


class RuleBook(Protocol):
    """The rules and their history (`sparrow.stores.rules`)."""

    def current(self) -> Version: ...
    def history(self, size: int) -> list[Version]: ...
    def put(self, document: str, expected: int, author: str, comment: str) -> Version: ...
    def undo(self, expected: int | None, author: str, comment: str) -> Version: ...
