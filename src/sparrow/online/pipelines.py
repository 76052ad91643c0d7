"""Every pipeline of a release by name: which routes, which rankers from best to last resort, which rules.

`similar:{embedding}`, `similar:content` (no vector), and `for_you:{ranker}`: `ensemble`, `collaborative`, `next_item`,
`blend`, every network of the release, `history`, `popularity`, each with those to fall back on behind it. Which one is the
default the release says (`build.choose`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from sparrow.config import Recall as RecallSettings
from sparrow.config import Settings
from sparrow.errors import SettingsError
from sparrow.online.catalog import Catalog
from sparrow.online.collaborative import Collaborative, CollaborativeRanker, CollaborativeRecall
from sparrow.online.deep import DeepRanker
from sparrow.online.ensemble import Chosen, EnsembleRanker
from sparrow.online.network_recall import RETRIEVERS, NetworkRecall
from sparrow.online.next_item import NextItem, NextItemRanker, NextItemRecall
from sparrow.online.pipeline import Pipeline
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
    _check_quotas(recall)
    shared: list[Recall] = [GenreRecall(catalog), *static_routes(catalog, recall.min_ratings)]
    own = [*_personal_routes(catalog, personal, recall.recent_likes), *shared]
    quotas = recall.quotas or QUOTAS
    learnt = recall.quotas or dict(personal.chosen.quotas) or QUOTAS
    content, popularity = ContentRanker(catalog), PopularityRanker(catalog)

    def pipeline(
        name: str,
        routes: Sequence[Recall],
        rankers: Sequence[Ranker],
        rules: Sequence[Reranker],
        brought: dict[str, int],
    ) -> Pipeline:
        return Pipeline(name, routes, brought, (*rankers, popularity), (SeenOut(), *rules))

    built = [pipeline("similar:content", shared, [content], similar_rules(catalog, None, settings.similar), quotas)]
    rules = people_rules(catalog, of_history, settings.for_you)
    rankers = _personal_rankers(catalog, personal)
    built += [pipeline(f"for_you:{name}", own, chain, rules, learnt) for name, chain in rankers.items()]
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


def _check_quotas(settings: RecallSettings) -> None:
    known = (*QUOTAS, *RETRIEVERS)
    for name in settings.quotas:
        if name not in known:
            raise SettingsError(
                f"recall.quotas names the route {name!r}, which is unknown; the routes are: {', '.join(known)}."
            )
