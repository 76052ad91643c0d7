"""Everything a request may ask of one release under one version of the rules. Immutable: a request sees one."""

import logging
from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.config import Group, MovieRef, Rules, Settings
from sparrow.errors import NotFound
from sparrow.online.answers import Census, Listing, MovieFacts, Sort, UserFacts
from sparrow.online.apart import Apart
from sparrow.online.availability import Availability, check_genres, not_offered, unknown_movies
from sparrow.online.catalog import Catalog
from sparrow.online.collaborative import Collaborative
from sparrow.online.deep import DeepRanker
from sparrow.online.drafting import drafted
from sparrow.online.ensemble import Chosen
from sparrow.online.experiments import AS_RANKED, Assigner, Assignment
from sparrow.online.exploration import explored
from sparrow.online.fatigue import Shown, shown_nothing, with_shown
from sparrow.online.known import EventsLater, as_far_as_known
from sparrow.online.later_events import LaterEvents
from sparrow.online.listings import Listings
from sparrow.online.next_item import NextItem
from sparrow.online.people import Person, person_from_history, person_from_record
from sparrow.online.pipeline import Outcome, Pipeline
from sparrow.online.pipelines import Personal, build_pipelines, check_pipelines
from sparrow.online.rankers import Rankers
from sparrow.online.recall import Candidates, Request
from sparrow.online.remembered import Remembered, is_plain
from sparrow.online.shelf import Shelf
from sparrow.online.similarity import MovieSimilarity
from sparrow.online.traced import run_traced
from sparrow.online.user_facts import rating_times, user_facts
from sparrow.online.wanted import NOWHERE, Wanted
from sparrow.stores.feature_store import FeatureStore
from sparrow.stores.outside_ids import OutsideIds
from sparrow.tracing import stage

log = logging.getLogger(__name__)

EMBEDDING_ALIAS: Final = "emb"


@dataclass(frozen=True)
class Recommender:
    """One release, ready to answer by the rules of its settings.

    Attributes:
        release: its id.
        catalog: its movies.
        store: its people.
        similarities: movie embedding name → vectors.
        deep: trained networks by name.
        later: a person's events since the release.
        shown: what a person was shown and did not open in the last so many days, by movie id; asked only where a rule wants it.
        settings: recall quotas, rules, the default embedding.
        ids: what the outside world calls movies and people; None: by their numbers.
        collaborative: iALS and EASE, None when the release has none.
        next_item: which movie follows which, None when the release has none.
        chosen: the default ranker of people's lists, the ensemble's weights, the quotas of recall.
        offered: what a source of candidates names; None: no source is asked.
        rankers: who ranks for whom.
    """

    release: str
    catalog: Catalog
    store: FeatureStore
    similarities: dict[str, MovieSimilarity]
    deep: Mapping[str, DeepRanker]
    later: Callable[[int], LaterEvents]
    settings: Settings
    ids: OutsideIds | None = None
    collaborative: Collaborative | None = None
    next_item: NextItem | None = None
    chosen: Chosen = field(default_factory=Chosen)
    shown: Shown = shown_nothing
    offered: frozenset[MovieRef] | None = None
    rankers: Rankers = field(init=False, repr=False)
    _pipelines: Mapping[str, Pipeline] = field(init=False, repr=False)
    _shelf: Shelf = field(init=False, repr=False)
    _apart: Apart = field(init=False, repr=False)
    _assigner: Assigner = field(init=False, repr=False)
    _available: Availability = field(init=False, repr=False)
    _listings: Listings = field(init=False, repr=False)
    _remembered: Remembered = field(init=False, repr=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_shelf", Shelf(self.catalog))
        object.__setattr__(self, "_assigner", Assigner(self.settings.experiments))
        self._obey()

    def _obey(self) -> None:
        """Evaluate the rules over the catalogue, once: a request pays for a mask."""
        available = Availability(self.catalog, self.settings.candidates, self.ids, self.offered)
        apart = Apart(self.settings.similar.apart, self.catalog)
        personal = Personal(self._of_history, self.deep, self.collaborative, self.next_item, self.chosen)
        pipelines = build_pipelines(self.catalog, self.similarities, personal, self.settings)
        rankers = Rankers(pipelines, personal, self.settings.for_you.ranker, self.settings.pipelines.people)
        listings = Listings(self.release, self.catalog, self.deep, available, apart)
        found = {
            "_available": available,
            "_apart": apart,
            "_pipelines": pipelines,
            "rankers": rankers,
            "_listings": listings,
            "_remembered": Remembered(),
        }
        for name, value in found.items():
            object.__setattr__(self, name, value)

    def with_rules(self, rules: Rules) -> "Recommender":
        """The same release under other rules; both share whatever does not depend on them.

        Raises:
            InvalidInput: a rule cannot be evaluated over this catalogue.
        """
        other = copy(self)
        object.__setattr__(other, "settings", self.settings.with_rules(rules))
        other._obey()
        return other

    def with_offered(self, offered: frozenset[MovieRef] | None) -> "Recommender":
        """The same release and rules over what a source of candidates names now; otherwise as `with_rules`."""
        other = copy(self)
        object.__setattr__(other, "offered", offered)
        other._obey()
        return other

    def check_offered(self, offered: frozenset[MovieRef]) -> None:
        """Raise InvalidInput if a source of candidates names no movie of this release."""
        not_offered(self.catalog, offered, self.ids)

    def check_rules(self, rules: Rules) -> list[int | str]:
        """Evaluate rules without obeying them; gives the movies they name that this release lacks.

        Raises:
            InvalidInput: one cannot be evaluated, or names a genre that no movie has.
        """
        check_genres(self.catalog, rules)
        self.with_rules(rules)
        listed: tuple[Group, ...] = (*rules.candidates.windows, *rules.candidates.age_ratings)
        named = {movie for one in listed for movie in one.movies}
        return unknown_movies(self.catalog, {*rules.candidates.hidden, *named}, self.ids)

    @property
    def models(self) -> tuple[str, ...]:
        """Names that `model=` takes, the default first."""
        return self.rankers.names

    @property
    def embeddings(self) -> tuple[str, ...]:
        """Names that `embedding=` takes, the default first."""
        default = self.settings.online.embedding
        return tuple(sorted(self.similarities, key=lambda name: (name != default, name)))

    @property
    def _of_history(self) -> MovieSimilarity | None:
        """What a person's history is compared by; the first by name where the release lacks the configured one."""
        names = (self.settings.recall.embedding, *sorted(self.similarities))
        return next((self.similarities[name] for name in names if name in self.similarities), None)

    @property
    def genres(self) -> tuple[tuple[str, int], ...]:
        """Genre names with their number of movies that may be shown, most movies first."""
        return self._shelf.genres(self._available.mask())

    def movie(self, movie_id: int) -> MovieFacts:
        """One movie; NotFound if the release lacks it."""
        return self.catalog.facts[self.catalog.row(movie_id)]

    def movies(
        self,
        genre: str | None,
        sort: Sort,
        size: int,
        offset: int,
        year: int | None = None,
        region: str = NOWHERE,
        age: int | None = None,
    ) -> tuple[list[MovieFacts], int]:
        """A page of the catalogue and the number of movies in all; NotFound for an unknown genre."""
        return self._shelf.movies(self._available.mask(region, age), genre, sort, size, offset, year)

    def search(self, text: str, size: int, region: str = NOWHERE, age: int | None = None) -> list[MovieFacts]:
        """Movies whose title has every word of `text`: the title itself first, then most rated."""
        return self._shelf.search(self._available.mask(region, age), text, size)

    def user(self, user_id: int) -> UserFacts:
        """One person, with what they did since the release; NotFound for someone nobody has heard of."""
        record, later = self.store.user(user_id), self.later(user_id)
        if record is None and not later:
            raise NotFound(f"There is no person {user_id} in this release; GET /user.html shows people there are.")
        person = person_from_record(self.catalog, user_id, record, later)
        favourites = self.settings.features.favourite_genres
        return user_facts(self.catalog, user_id, person, rating_times(record, later), favourites)

    def user_ids(self, size: int) -> list[int]:
        """The first people of the release, by id."""
        return self._everyone[:size]

    def census(self) -> Census:
        """How much the release holds."""
        return Census(len(self.catalog), len(self._everyone), int(self.catalog.counts.sum()))

    @cached_property
    def _everyone(self) -> list[int]:
        return self.store.user_ids()

    @cached_property
    def _nobody(self) -> Person:
        """Whoever looks at a movie."""
        return person_from_history(self.catalog, ())

    async def aclose(self) -> None:
        """Let go of connections; no request may follow."""
        for ranker in self.deep.values():
            await ranker.aclose()

    async def similar(self, movie_id: int, wanted: Wanted, embedding: str | None = None) -> Listing:
        """Movies like one movie."""
        name = self._embedding_name(embedding)
        row = int(self.catalog.row(movie_id))
        known = name is not None and bool(self.similarities[name].has_vector[row])
        pipeline = self._pipelines[f"similar:{name}" if known else "similar:content"]
        if not is_plain(wanted):
            return await self._similar(row, wanted, pipeline)
        question, mask = (pipeline.name, row, wanted), self._available.mask(wanted.region)
        listing = self._remembered.find(question, mask)
        if listing is None:
            listing = await self._similar(row, wanted, pipeline)
            self._remembered.keep(question, mask, listing)
        return listing

    async def _similar(self, row: int, wanted: Wanted, pipeline: Pipeline) -> Listing:
        person = self._nobody
        allowed = self.allowed(person, wanted.exclude, wanted.region, wanted.age)
        allowed[row] = False
        allowed[self._apart.of(row)] = False
        request = Request(row, person, allowed, wanted.exclude, wanted.region, wanted.age)
        outcome = await run_traced(pipeline, request)
        return self._listings.of(pipeline, outcome, request, wanted)

    def check_settings(self) -> None:
        """Raise SettingsError if an arm or a pipeline names what this release lacks."""
        check_pipelines(self.settings.pipelines, self._pipelines)
        self._assigner.check_rankers(self.models)

    async def for_user(self, user_id: int, wanted: Wanted, model: str | None = None, arm: str | None = None) -> Listing:
        """A person's list; for someone nobody has heard of the cold-start list.

        Who asks for a `model` stands outside of experiments; `arm` is one to be tried out, where the settings allow it.
        """
        assigned = self._assigner.override(arm) if arm else AS_RANKED if model else self._assigner.of(user_id)
        with stage("store"):
            record, later, degraded = await as_far_as_known(self.store, self._later, user_id, self._events_wait)
        person = person_from_record(self.catalog, user_id, record, later)
        return await self.for_person(person, wanted, model, assigned, degraded)

    @property
    def _events_wait(self) -> bool:
        return isinstance(self.later, EventsLater) and self.later.waits

    def _later(self, user_id: int) -> LaterEvents:
        """All that the rules want to know of a person's events, in one go; without what was shown nobody tires."""
        return with_shown(self.later(user_id), self.settings, self.shown, user_id)

    async def for_history(self, history: Sequence[tuple[int, float | None]], wanted: Wanted) -> Listing:
        """A guest's list from (movie id, stars) pairs, oldest first."""
        return await self.for_person(person_from_history(self.catalog, history), wanted)

    async def for_person(
        self,
        person: Person,
        wanted: Wanted,
        model: str | None = None,
        assigned: Assignment = AS_RANKED,
        degraded: tuple[str, ...] = (),
    ) -> Listing:
        """The list of whoever it is: what the site, the API and evaluation all ask."""
        allowed = self.allowed(person, wanted.exclude, wanted.region, wanted.age)
        request = Request(None, person, allowed, wanted.exclude, wanted.region, wanted.age)
        if assigned.draft and model is None:
            sides = [await self.rank(request, ranker, wanted.explain) for ranker in assigned.draft]
            both = drafted((sides[0], sides[1]), wanted.size, np.random.default_rng())
            return replace(self._listings.of_draft(both, request, wanted, degraded), arm=assigned.label)
        pipeline, outcome = await self.rank(request, model or assigned.ranker, wanted.explain)
        share = pipeline.explore if assigned.explore is None else assigned.explore
        outcome, chances = explored(outcome, wanted.size, share, self.settings.experiments.steepness)
        listing = self._listings.of(pipeline, outcome, request, wanted, degraded)
        return replace(listing, arm=assigned.label, propensities=chances)

    async def rank(
        self, request: Request, model: str | None, explain: bool = False, brought: Candidates | None = None
    ) -> tuple[Pipeline, Outcome]:
        """The ranking behind a person's list, without the words; all rankers share one recall (`brought`)."""
        pipeline = self.rankers.pipeline_for(request.person, model)
        return pipeline, await run_traced(pipeline, request, explain, brought)

    def _embedding_name(self, asked: str | None) -> str | None:
        if asked in (None, EMBEDDING_ALIAS):
            return next(iter(self.embeddings), None)
        if asked not in self.similarities:
            raise NotFound(f"This release has no embedding {asked!r}; it has: {', '.join(self.embeddings)}.")
        return asked

    def allowed(
        self, person: Person, exclude: frozenset[int] = frozenset(), region: str = NOWHERE, age: int | None = None
    ) -> NDArray[np.bool_]:
        """(n,) which movies may stand in a list of theirs."""
        allowed = self._available.mask(region, age).copy()
        allowed[person.seen] = False
        if exclude:
            allowed[self.catalog.known_rows(np.array(sorted(exclude), dtype=np.int64))[0]] = False
        return allowed
