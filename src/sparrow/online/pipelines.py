"""Every pipeline of a release by name: which routes, which rankers from best to last resort, which rules.

`similar:{embedding}`, `similar:content` (no vector), and `for_you:{ranker}`: `ensemble`, `collaborative`, `next_item`,
`blend`, every network of the release, `history`, `popularity`, each with those to fall back on behind it; and those that the
settings list (`[pipelines.people.NAME]`). Which one is the default the release says (`build.choose`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from math import inf
from typing import Final

from sparrow.config import MODEL_NAMES, Pipelines, Settings
from sparrow.errors import SettingsError
from sparrow.online.catalog import Catalog
from sparrow.online.collaborative import Collaborative, CollaborativeRanker, CollaborativeRecall
from sparrow.online.deep import DeepRanker
from sparrow.online.ensemble import Chosen, EnsembleRanker
from sparrow.online.network_recall import RETRIEVERS, NetworkRecall
from sparrow.online.next_item import NextItem, NextItemRanker, NextItemRecall
from sparrow.online.pipeline import Deadlines, Pipeline
from sparrow.online.ranking import (
    BlendRanker,
    ContentRanker,
    HistoryRanker,
    PopularityRanker,
    Ranker,
    SimilarityRanker,
)
from sparrow.online.recall import EmbeddingRecall, GenreRecall, Recall, static_routes
from sparrow.online.reranking import Reranker, SeenOut
from sparrow.online.rules import similar_rules
from sparrow.online.similarity import MovieSimilarity
from sparrow.online.taste import people_rules

FOR_YOU: Final = "for_you:"
"""What the names of people's pipelines begin with."""

RANKERS: Final = ("ensemble", "blend", "collaborative", "next_item", "history", "popularity")
"""Those of people's lists that are no networks."""

FALLBACKS: Final = ("collaborative", "history")
"""Rankers that need nothing but a history, best first: whom another one does not serve, they do; popularity serves the rest."""

QUOTAS: Final = {
    "collaborative": 250,
    "embedding": 150,
    "next_item": 50,
    "genres": 100,
    "rated": 50,
    "recent": 50,
    "popular": 100,
}
"""Candidates by route, for similar movies, and for people's lists until a build has learnt better ones."""


@dataclass(frozen=True)
class Personal:
    """What of a release tells people's taste.

    Attributes:
        of_history: the similarity that people's histories are compared by.
        deep: trained networks by name.
        collaborative: iALS and EASE, if the release has them.
        next_item: which movie follows which, if the release says so.
        chosen: weights of the ensemble, quotas of recall.
    """

    of_history: MovieSimilarity | None = None
    deep: Mapping[str, DeepRanker] = field(default_factory=dict)
    collaborative: Collaborative | None = None
    next_item: NextItem | None = None
    chosen: Chosen = field(default_factory=Chosen)


def build_pipelines(
    catalog: Catalog, similarities: Mapping[str, MovieSimilarity], personal: Personal, settings: Settings
) -> dict[str, Pipeline]:
    """Compose the pipelines.

    Args:
        catalog: the release's movies.
        similarities: movie embeddings by name.
        personal: what people's lists are made from.
        settings: quotas and depths of recall; the rules of similar movies and of people's lists.

    Raises:
        SettingsError: a quota names no route.
    """
    recall, of_history = settings.recall, personal.of_history
    _check_names(settings)
    shared: list[Recall] = [GenreRecall(catalog), *static_routes(catalog, recall.min_ratings)]
    own = [*_personal_routes(catalog, personal, recall.recent_likes), *shared]
    quotas = recall.quotas or QUOTAS
    learnt = recall.quotas or dict(personal.chosen.quotas) or QUOTAS
    content, popularity = ContentRanker(catalog), PopularityRanker(catalog)

    deadlines = _deadlines(settings.pipelines)

    def pipeline(
        name: str,
        routes: Sequence[Recall],
        rankers: Sequence[Ranker],
        rules: Sequence[Reranker],
        brought: Mapping[str, int],
        explore: float = 0.0,
    ) -> Pipeline:
        return Pipeline(name, routes, brought, (*rankers, popularity), (SeenOut(), *rules), deadlines, explore)

    built = [pipeline("similar:content", shared, [content], similar_rules(catalog, None, settings.similar), quotas)]
    rules = people_rules(catalog, of_history, settings.for_you)
    rankers = _with_next_best(catalog, personal)
    drawn = settings.for_you.explore
    built += [pipeline(f"{FOR_YOU}{name}", own, chain, rules, learnt, drawn) for name, chain in rankers.items()]
    for name, listed in settings.pipelines.people.items():
        routes = _in_order(own, listed.recall) if listed.recall else own
        chain = [ranker for one in listed.rankers for ranker in _own(rankers.get(one, []))]
        lists = listed.lists or settings.for_you
        followed = people_rules(catalog, of_history, lists, listed.rules)
        built.append(pipeline(f"{FOR_YOU}{name}", routes, chain, followed, listed.recall or learnt, lists.explore))
    built += [
        pipeline(
            f"similar:{name}",
            [EmbeddingRecall(similarity, recall.recent_likes), *shared],
            [SimilarityRanker(catalog, similarity), content],
            similar_rules(catalog, similarity, settings.similar),
            quotas,
        )
        for name, similarity in similarities.items()
    ]
    return {one.name: one for one in built}


def _personal_routes(catalog: Catalog, personal: Personal, recent_likes: int) -> list[Recall]:
    """Those that need a history, in the order in which they give reasons."""
    routes: list[Recall] = []
    if personal.collaborative is not None:
        routes.append(CollaborativeRecall(personal.collaborative))
    if personal.of_history is not None:
        routes.append(EmbeddingRecall(personal.of_history, recent_likes))
    if personal.next_item is not None:
        routes.append(NextItemRecall(personal.next_item))
    networks = (personal.deep[name] for name in RETRIEVERS if name in personal.deep)
    routes += [NetworkRecall(one, one.local, len(catalog)) for one in networks if one.local is not None]
    return routes


def _with_next_best(catalog: Catalog, personal: Personal) -> dict[str, list[Ranker]]:
    """Chains by name; behind a ranker that asks another server stands the same one with its networks asked in process."""
    chains = _personal_rankers(catalog, personal)
    here = {name: one.in_process for name, one in personal.deep.items()}
    if not any(here.values()):
        return chains
    local = replace(personal, deep={name: here[name] or one for name, one in personal.deep.items()})
    asks = {"blend": {"neural_cf"}, "ensemble": {name for name, weight in personal.chosen.weights.items() if weight}}
    asks |= {name: {name} for name in personal.deep}
    for name, chain in _personal_rankers(catalog, local).items():
        if any(here.get(part) for part in asks.get(name, ())):
            chains[name].insert(1, chain[0])
    return chains


def _personal_rankers(catalog: Catalog, personal: Personal) -> dict[str, list[Ranker]]:
    """Name → rankers to try in turn, the names in the order of preference where a release chose none; popularity, which
    always answers, is added to each."""
    of_history, weights = personal.of_history, personal.chosen.weights
    single: dict[str, Ranker] = {**personal.deep}
    if personal.collaborative is not None:
        single["collaborative"] = CollaborativeRanker(personal.collaborative)
    if personal.next_item is not None:
        single["next_item"] = NextItemRanker(personal.next_item)
    if of_history is not None:
        single["history"] = HistoryRanker(catalog, of_history)
    fallback = [single[name] for name in FALLBACKS if name in single]
    chains: dict[str, list[Ranker]] = {}
    if weights and weights.keys() <= single.keys():
        parts = {name: single[name] for name in weights if weights[name]}
        chains["ensemble"] = [EnsembleRanker(parts, weights), *fallback]
    if "neural_cf" in personal.deep and of_history is not None:
        chains["blend"] = [BlendRanker(personal.deep["neural_cf"], HistoryRanker(catalog, of_history)), *fallback]
    chains |= {name: [one, *(other for other in fallback if other is not one)] for name, one in single.items()}
    return {**chains, "history": chains.get("history", fallback), "popularity": []}


def check_pipelines(settings: Pipelines, built: Mapping[str, Pipeline]) -> None:
    """Refuse a release that lacks what a pipeline of the settings names.

    Raises:
        SettingsError: names the pipeline and the ranker.
    """
    held = [name.removeprefix(FOR_YOU) for name in built if name.startswith(FOR_YOU)]
    rankers = [name for name in held if name not in settings.people]
    for name, listed in settings.people.items():
        for ranker in listed.rankers:
            if ranker not in rankers:
                raise SettingsError(
                    f"pipelines.people.{name} names the ranker {ranker!r}, which this release lacks; "
                    f"it has: {', '.join(rankers)}."
                )


def _check_names(settings: Settings) -> None:
    """Raise SettingsError for a route that there is not, and for a pipeline with the name of a ranker."""
    tables = {"recall.quotas": settings.recall.quotas}
    tables |= {f"pipelines.people.{name}.recall": one.recall for name, one in settings.pipelines.people.items()}
    routes = (*QUOTAS, *RETRIEVERS)
    for table, quotas in tables.items():
        for name in quotas:
            if name not in routes:
                raise SettingsError(
                    f"{table} names the route {name!r}, which is unknown; the routes are: {', '.join(routes)}."
                )
    if taken := sorted(settings.pipelines.people.keys() & {*RANKERS, *MODEL_NAMES}):
        raise SettingsError(f"pipelines.people.{taken[0]} has the name of a ranker; give the pipeline another one.")


def _own(chain: Sequence[Ranker]) -> list[Ranker]:
    """Of a ranker's chain itself, wherever it is asked, and not what it falls back on."""
    return [one for one in chain if one.name == chain[0].name]


def _in_order(routes: Sequence[Recall], quotas: Mapping[str, int]) -> list[Recall]:
    """Those that have a quota, in the order of the quotas; what the release lacks brings nothing."""
    named = {route.name: route for route in routes}
    return [named[name] for name in quotas if name in named]


def _deadlines(settings: Pipelines) -> Deadlines:
    stages = (settings.recall_ms, settings.ranking_ms, settings.reranking_ms)
    return Deadlines(*(stage / 1000 if stage else inf for stage in stages))
