"""Every pipeline of a release by name: which routes, which rankers from best to last resort, which rules.

`similar:{embedding}`, `similar:content` (no vector), and `for_you:{ranker}`: `ensemble`, `collaborative`, `blend`, every network
of the release, `history`, `popularity`, each with those to fall back on behind it. Which one is the default the release says
(`build.choose`).
"""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Final

from sparrow.config import Recall as RecallSettings
from sparrow.config import Settings
from sparrow.errors import SettingsError
from sparrow.online.catalog import Catalog
from sparrow.online.collaborative import Collaborative, CollaborativeRanker, CollaborativeRecall
from sparrow.online.deep import DeepRanker
from sparrow.online.ensemble import EnsembleRanker
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


def build_pipelines(
    catalog: Catalog,
    similarities: Mapping[str, MovieSimilarity],
    of_history: MovieSimilarity | None,
    deep: Mapping[str, DeepRanker],
    settings: Settings,
    collaborative: Collaborative | None = None,
    weights: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, Pipeline]:
    """Compose the pipelines.

    Args:
        catalog: the release's movies.
        similarities: movie embeddings by name.
        of_history: the one that people's histories are compared by.
        deep: trained networks by name.
        settings: quotas and depths of recall; the rules of similar movies and of people's lists.
        collaborative: iALS and EASE, if the release has them.
        weights: of the ensemble's rankers; empty: there is none.

    Raises:
        SettingsError: a quota names no route.
    """
    recall = settings.recall
    shared: list[Recall] = [GenreRecall(catalog), *static_routes(catalog, recall.min_ratings)]
    _check_quotas(recall, shared)
    own: list[Recall] = [CollaborativeRecall(collaborative)] if collaborative else []
    own += [EmbeddingRecall(of_history, recall.recent_likes)] if of_history else []
    own += shared
    rankers = _personal_rankers(catalog, of_history, deep, collaborative, weights)
    content, popularity = ContentRanker(catalog), PopularityRanker(catalog)

    def pipeline(
        name: str, routes: Sequence[Recall], rankers: Sequence[Ranker], rules: Sequence[Reranker] = ()
    ) -> Pipeline:
        return Pipeline(name, routes, recall.quotas, (*rankers, popularity), (SeenOut(), *rules))

    built = [pipeline("similar:content", shared, [content], similar_rules(catalog, None, settings.similar))]
    rules = people_rules(catalog, of_history, settings.for_you)
    built += [pipeline(f"for_you:{name}", own, chain, rules) for name, chain in rankers.items()]
    built += [
        pipeline(
            f"similar:{name}",
            [EmbeddingRecall(similarity, recall.recent_likes), *shared],
            [SimilarityRanker(catalog, similarity), content],
            similar_rules(catalog, similarity, settings.similar),
        )
        for name, similarity in similarities.items()
    ]
    return {one.name: one for one in built}


def _personal_rankers(
    catalog: Catalog,
    of_history: MovieSimilarity | None,
    deep: Mapping[str, DeepRanker],
    collaborative: Collaborative | None,
    weights: Mapping[str, float],
) -> dict[str, list[Ranker]]:
    """Name → rankers to try in turn, the names in the order of preference where a release chose none; popularity, which
    always answers, is added to each."""
    single: dict[str, Ranker] = {**deep}
    if collaborative is not None:
        single["collaborative"] = CollaborativeRanker(collaborative)
    if of_history is not None:
        single["history"] = HistoryRanker(catalog, of_history)
    fallback = [single[name] for name in FALLBACKS if name in single]
    chains: dict[str, list[Ranker]] = {}
    if weights and weights.keys() <= single.keys():
        parts = {name: single[name] for name in weights if weights[name]}
        chains["ensemble"] = [EnsembleRanker(parts, weights), *fallback]
    if "neural_cf" in deep and of_history is not None:
        chains["blend"] = [BlendRanker(deep["neural_cf"], HistoryRanker(catalog, of_history)), *fallback]
    chains |= {name: [one, *(other for other in fallback if other is not one)] for name, one in single.items()}
    return {**chains, "history": chains.get("history", fallback), "popularity": []}


def _check_quotas(settings: RecallSettings, shared: Sequence[Recall]) -> None:
    known = [CollaborativeRecall.name, EmbeddingRecall.name, *(route.name for route in shared)]
    for name in settings.quotas:
        if name not in known:
            raise SettingsError(
                f"recall.quotas names the route {name!r}, which is unknown; the routes are: {', '.join(known)}."
            )
