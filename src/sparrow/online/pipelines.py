"""Every pipeline of a release by name: which routes, which rankers from best to last resort, which rules.

`similar:{embedding}`, `similar:content` (no vector), `for_you:blend` (known people), `for_you:{model}` (on request),
`for_you:history` (newcomers and guests) and `for_you:popularity` (nothing known).
"""

from collections.abc import Mapping, Sequence

from sparrow.config import Recall as RecallSettings
from sparrow.config import Settings
from sparrow.errors import SettingsError
from sparrow.online.catalog import Catalog
from sparrow.online.deep import DeepRanker
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


def build_pipelines(
    catalog: Catalog,
    similarities: Mapping[str, MovieSimilarity],
    of_history: MovieSimilarity | None,
    deep: Mapping[str, DeepRanker],
    settings: Settings,
) -> dict[str, Pipeline]:
    """Compose the pipelines.

    Args:
        catalog: the release's movies.
        similarities: movie embeddings by name.
        of_history: the one that people's histories are compared by.
        deep: trained networks by name.
        settings: quotas and depths of recall; the rules of similar movies.

    Raises:
        SettingsError: a quota names no route.
    """
    recall = settings.recall
    shared: list[Recall] = [GenreRecall(catalog), *static_routes(catalog, recall.min_ratings)]
    _check_quotas(recall, shared)
    own = [EmbeddingRecall(of_history, recall.recent_likes), *shared] if of_history else shared
    rankers = _personal_rankers(catalog, of_history, deep)
    content, popularity = ContentRanker(catalog), PopularityRanker(catalog)

    def pipeline(
        name: str, routes: Sequence[Recall], rankers: Sequence[Ranker], rules: Sequence[Reranker] = ()
    ) -> Pipeline:
        return Pipeline(name, routes, recall.quotas, (*rankers, popularity), (SeenOut(), *rules))

    built = [pipeline("similar:content", shared, [content], similar_rules(catalog, None, settings.similar))]
    built += [pipeline(f"for_you:{name}", own, chain) for name, chain in rankers.items()]
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
    catalog: Catalog, of_history: MovieSimilarity | None, deep: Mapping[str, DeepRanker]
) -> dict[str, list[Ranker]]:
    """Name → rankers to try in turn; popularity, which always answers, is added to each."""
    chains: dict[str, list[Ranker]] = {"popularity": []}
    history = [HistoryRanker(catalog, of_history)] if of_history else []
    if history:
        chains["history"] = [*history]
    chains |= {name: [ranker, *history] for name, ranker in deep.items()}
    if "neural_cf" in deep and history:
        chains["blend"] = [BlendRanker(deep["neural_cf"], history[0]), *history]
    return chains


def _check_quotas(settings: RecallSettings, shared: Sequence[Recall]) -> None:
    known = [EmbeddingRecall.name, *(route.name for route in shared)]
    for name in settings.quotas:
        if name not in known:
            raise SettingsError(
                f"recall.quotas names the route {name!r}, which is unknown; the routes are: {', '.join(known)}."
            )
