"""Holds the current release open, swaps it when pointer or rules move; a request keeps what it began with."""

import asyncio
import contextlib
import logging
import sys
from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from sparrow.config import Settings
from sparrow.errors import ReleaseError, SparrowError
from sparrow.features.encoding import EncodingSpec
from sparrow.features.inputs import INPUTS
from sparrow.online.candidate_source import CandidateSource, Ids, ids_or_all
from sparrow.online.catalog import Catalog, build_catalog
from sparrow.online.collaborative import Collaborative
from sparrow.online.deep import DeepRanker, LocalPredictor, OnnxNetwork, RemotePredictor, signature_of
from sparrow.online.ensemble import FILE as FOR_YOU
from sparrow.online.ensemble import Chosen
from sparrow.online.fatigue import shown_lately, shown_nothing
from sparrow.online.known import EventsLater
from sparrow.online.later_events import nothing_later
from sparrow.online.next_item import NextItem
from sparrow.online.recommender import Recommender
from sparrow.online.remote_ranker import RemoteRanker
from sparrow.online.rule_watch import RuleWatch
from sparrow.online.similarity import load_similarity
from sparrow.stores import collaborative_model, next_item_model
from sparrow.stores.collaborative_model import CollaborativeModel
from sparrow.stores.event_store import EventStore
from sparrow.stores.feature_store import FeatureStore
from sparrow.stores.next_item_model import NextItemModel
from sparrow.stores.outside_ids import OutsideIds
from sparrow.stores.publishing import HomeTarget, Pointer, Target, open_target
from sparrow.stores.releases import SERVED_AS, Manifest, check_release, releases_folder
from sparrow.stores.rules import RuleBook

log = logging.getLogger(__name__)

GRACE_S = 10.0
"""How long a replaced release stays open for the requests that hold it."""


def open_release(
    home: Path, pointer: Pointer, settings: Settings, live: EventStore | None = None, target: Target | None = None
) -> Recommender:
    """Load what the pointer names.

    Args:
        home: the state folder; it holds the release's models whatever holds its records.
        pointer: release and model versions.
        settings: recall quotas, ranker address, …
        live: later events of people; None: there are none.
        target: holds the release's records; None is the home itself.

    Raises:
        ReleaseError: the release is incomplete.
        StoreUnavailable: its feature store cannot be opened.
    """
    manifest = check_release(home, pointer.release, checksums=False)
    folder = releases_folder(home) / pointer.release
    return open_folder(folder, manifest, settings, live, pointer.models, target)


def open_folder(
    folder: Path,
    manifest: Manifest,
    settings: Settings,
    live: EventStore | None = None,
    versions: Mapping[str, int] | None = None,
    target: Target | None = None,
) -> Recommender:
    """Load a release's folder, published or not; `versions` are asked of a remote ranker, by served name.

    The rest is as for `open_release`.
    """
    records = target or HomeTarget(folder.parent)
    store = FeatureStore(records.features(folder, patient=True))
    meta = store.meta()
    outside = dict(store.outside_ids("movies")) if meta.outside_ids else {}
    catalog = build_catalog(store.movies(), outside)
    if len(catalog) != meta.movies:
        raise ReleaseError(
            f"The feature store of {manifest.release} holds {len(catalog)} movies where its 'meta' counts {meta.movies}; "
            "publish the release again."
        )
    similarities = {
        name: load_similarity(store, catalog, name, similarity, meta.dimensions[name])
        for name, similarity in meta.similarities.items()
    }
    asked = FeatureStore(records.features(folder, patient=False))
    return Recommender(
        release=manifest.release,
        catalog=catalog,
        store=asked,
        similarities=similarities,
        deep={
            name: _open_ranker(name, served, folder, catalog, settings, (versions or {}).get(served))
            for name, served in _models_of(manifest)
        },
        later=EventsLater(live, manifest.events_through) if live else nothing_later,
        settings=settings,
        ids=OutsideIds(outside, asked) if meta.outside_ids else None,
        collaborative=_open_collaborative(folder, catalog),
        next_item=_open_next_item(folder, catalog),
        chosen=Chosen.load(folder / FOR_YOU),
        shown=partial(shown_lately, live) if live else shown_nothing,
    )


def _open_collaborative(folder: Path, catalog: Catalog) -> Collaborative | None:
    """None in releases of before there was one."""
    path = folder / collaborative_model.FILE
    return Collaborative(catalog, CollaborativeModel.load(path)) if path.is_file() else None


def _open_next_item(folder: Path, catalog: Catalog) -> NextItem | None:
    """None in releases of before there was one, and where nothing follows anything."""
    path = folder / next_item_model.FILE
    return NextItem(catalog, NextItemModel.load(path)) if path.is_file() else None


def _models_of(manifest: Manifest) -> list[tuple[str, str]]:
    """(model name, name it is served under)."""
    named = {served: name for name, served in SERVED_AS.items()}
    return [(named.get(served, served), served) for served in manifest.models]


def _open_ranker(
    name: str, served: str, folder: Path, catalog: Catalog, settings: Settings, version: int | None
) -> DeepRanker:
    spec, online = EncodingSpec.load(folder / f"{served}.encoding.json"), settings.online
    if unheard := sorted(set(spec.fields) - set(INPUTS)):
        raise ReleaseError(
            f"The model {name} of {folder.name} takes the inputs {', '.join(unheard)}, which this version cannot tell; "
            "update Sparrow, or build the release again."
        )
    # With a remote ranker too: it recalls and explains in process.
    local = LocalPredictor(OnnxNetwork(folder / f"{served}.onnx", spec), spec, catalog)
    if not online.ranker_url:
        return DeepRanker(name, catalog, spec, local, local)
    if version is None:
        raise ReleaseError(f"The live pointer names no version of {served}; publish the release again.")
    remote = RemoteRanker(online.ranker_url, served, version, online.ranker_timeout_ms, signature_of(spec))
    return DeepRanker(name, catalog, spec, RemotePredictor(remote, spec, catalog), local)


async def _retire(recommender: Recommender) -> None:
    """Close a replaced release, at once if the server stops."""
    try:
        await asyncio.sleep(GRACE_S)
    finally:
        await recommender.aclose()


class LiveRelease:
    """What requests are answered from. Polls pointer and rules; loads the next release before letting go of this one."""

    def __init__(
        self, home: Path, settings: Settings, live: EventStore | None = None, rules: RuleBook | None = None
    ) -> None:
        self._home, self._settings, self._live = home, settings, live
        self._rules, self._changing = RuleWatch(rules, settings.rules), asyncio.Lock()
        self._source: CandidateSource | None = None
        if settings.online.candidates_url:
            self._source = CandidateSource(home, settings.online, self._check_offered)
        self._target = open_target(home, settings.online.store, settings.online.store_timeout_ms / 1000)
        self._pointer: Pointer | None = None
        self._recommender: Recommender | None = None
        self._problem = ""
        self._pollers: list[asyncio.Task[None]] = []
        self._retiring: set[asyncio.Task[None]] = set()

    @property
    def recommender(self) -> Recommender:
        """The current release.

        Raises:
            ReleaseError: none is published yet.
        """
        if self._recommender is None:
            raise ReleaseError(
                self._problem or f"No release is published in {self._where}; run `sparrow build` and `sparrow publish`."
            )
        return self._recommender

    @property
    def models(self) -> Mapping[str, int]:
        """The versions of its models that the pointer names, by served name."""
        return self._pointer.models if self._pointer else {}

    async def start(self) -> None:
        """Load the current release and begin to watch the pointer, and the source of candidates."""
        if self._source and self._source.offer is None:
            await self._source.look()
        await self.refresh()
        self._pollers = [asyncio.create_task(self._poll(), name="release-poller")]
        if self._source:
            self._pollers.append(asyncio.create_task(self._source.watch(self._follow_source), name="candidate-watch"))

    async def stop(self) -> None:
        """Stop watching and let go of every release."""
        for task in (*self._pollers, *self._retiring):
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task
        if self._source:
            await self._source.aclose()
        if self._recommender is not None:
            await self._recommender.aclose()
        self._target.close()

    def ready(self) -> tuple[bool, dict[str, Any]]:
        """Whether requests can be answered, and what is served; "problem" says why a newer release is not."""
        facts: dict[str, Any] = {"release": self._pointer.release if self._pointer else None}
        if self._pointer:
            facts["models"] = self._pointer.models
            facts["rules"] = self._rules.version.version
        for name, problem in (("problem", self._problem), ("rules_problem", self._rules.problem)):
            if problem:
                facts[name] = problem
        if self._source:
            facts["candidates"] = self._source.state()
        return self._recommender is not None, facts

    async def refresh(self) -> None:
        """Follow rules and pointer if they have moved; on failure the old ones stay and `ready` says why.

        No release is opened before the rules were read once: a movie that somebody hid must not come back with a restart.
        """
        async with self._changing:
            await self._follow_rules()
            if not self._rules.known:
                self._problem = f"Nothing is served before the rules can be read: {self._rules.problem}"
            elif self._source and self._source.offer is None:
                self._problem = f"Nothing is served before it is known what may be. {self._source.problem}"
            else:
                await self._follow_pointer()

    async def _follow_rules(self) -> None:
        version = await asyncio.to_thread(self._rules.look)
        if version == self._rules.version:
            return
        rules = self._rules.read(version)
        if self._recommender is not None:
            try:
                self._recommender = await asyncio.to_thread(self._recommender.with_rules, rules)
            except Exception as error:  # noqa: BLE001 - as below
                self._rules.note(str(error))
                return
        self._settings = self._settings.with_rules(rules)
        self._rules.obey(version)
        log.info("Obeying version %d of the rules", version.version)

    async def _follow_pointer(self) -> None:
        try:
            pointer = await asyncio.to_thread(self._target.read_pointer)
            if pointer is None and self._pointer is not None:
                raise ReleaseError(f"{self._where} no longer names a live release; publish one again.")
            if pointer is None or pointer == self._pointer:
                self._problem = ""
                return
            recommender = await asyncio.to_thread(self._open, pointer)
        except Exception as error:  # noqa: BLE001 - logged in `_note`
            # A release can be broken in ways no list of errors foresees, and the watch must outlive them all.
            self._note(str(error) if isinstance(error, SparrowError) else f"{type(error).__name__}: {error}")
            return
        if self._recommender is not None:
            retiring = asyncio.create_task(_retire(self._recommender), name="release-retiring")
            self._retiring.add(retiring)
            retiring.add_done_callback(self._retiring.discard)
        self._pointer, self._recommender, self._problem = pointer, recommender, ""
        log.info("Serving release %s", pointer.release)

    @property
    def _where(self) -> str:
        return self._target.name or str(self._home)

    def _open(self, pointer: Pointer) -> Recommender:
        recommender = open_release(self._home, pointer, self._settings, self._live, self._target)
        recommender.check_settings()
        if self._source:
            recommender = recommender.with_offered(ids_or_all(self._source))
        # Asked now, away from requests: it is a walk over everybody, and must be known when a shared store is away.
        recommender.user_ids(1)
        return recommender

    def _note(self, problem: str) -> None:
        """Remember why the pointer's release cannot be served; log it once, not at every poll."""
        if problem != self._problem:
            unforeseen = sys.exc_info() if not isinstance(sys.exception(), SparrowError) else None
            log.error("The live release cannot be followed, the old one stays: %s", problem, exc_info=unforeseen)
        self._problem = problem

    async def _poll(self) -> None:
        while True:
            await asyncio.sleep(self._settings.online.poll_seconds)
            await self.refresh()

    def _check_offered(self, ids: Ids) -> None:
        """Raise InvalidInput if the release that is live knows none of these."""
        if self._recommender is not None:
            self._recommender.check_offered(ids)

    async def _follow_source(self) -> None:
        async with self._changing:
            held, offered = self._recommender, ids_or_all(self._source)
            if held is not None and held.offered is not offered:
                self._recommender = await asyncio.to_thread(held.with_offered, offered)
