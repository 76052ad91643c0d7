"""The one table of recommenders that learn from interactions alone: how each is fitted, and what its tuning tries.

A factory is `fit(train, **settings) -> Model`. Whatever needs more than this room has (Item2vec's trainer, the whole served
pipeline) joins the table where it is asked for: `sparrow.cli.evaluate.recommenders`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from sparrow.retrieval.ease import Ease
from sparrow.retrieval.fusion import fit_blend
from sparrow.retrieval.ials import Ials
from sparrow.retrieval.interactions import Interactions
from sparrow.retrieval.item_knn import ItemKnn
from sparrow.retrieval.model import Model
from sparrow.retrieval.next_item import NextItem
from sparrow.retrieval.popular import Popular

Settings = Mapping[str, Any]


@dataclass(frozen=True)
class Recommender:
    """A model that can be fitted, and the values that tuning may choose from.

    Attributes:
        fit: (train, **settings) → a model.
        grid: setting → values; tuning tries all combinations, or a seeded sample of them.
    """

    fit: Callable[..., Model]
    grid: Mapping[str, tuple[Any, ...]] = field(default_factory=dict)


RECOMMENDERS: Final[Mapping[str, Recommender]] = {
    "popular": Recommender(Popular.fit),
    "item_knn": Recommender(
        ItemKnn.fit, {"neighbours": (50, 100, 200, 400), "q": (0.4, 0.5, 0.6), "stars": (0.0, 0.1)}
    ),
    "ease": Recommender(Ease.fit, {"l2": (100.0, 200.0, 300.0, 400.0, 500.0, 650.0, 800.0)}),
    "edlae": Recommender(Ease.fit, {"l2": (100.0, 200.0, 400.0), "dropout": (0.33, 0.5), "stars": (0.0, 0.2)}),
    "als": Recommender(
        Ials.fit, {"alpha": (0.1, 0.25), "reg": (0.2, 0.3, 0.4, 0.6), "nu": (0.5,), "stars": (0.0, 0.2, 0.4)}
    ),
    "blend": Recommender(
        fit_blend,
        {
            "als_weight": (1.0, 2.0),
            "als_stars": (0.2, 0.4, 0.6),
            "alpha": (0.25,),
            "reg": (0.3, 0.4),
            "l2": (200.0, 300.0, 450.0),
        },
    ),
    "next_item": Recommender(NextItem.fit, {"l2": (3.0, 10.0, 30.0), "decay": (0.5, 0.8, 0.95), "window": (30,)}),
}
"""Name on the command line → recommender."""


def fit(name: str, train: Interactions, settings: Settings) -> Model:
    """Fit the named recommender.

    Example:
        >>> import numpy as np
        >>> train = Interactions.from_rows(np.array([1, 1, 2]), np.array([10, 20, 10]))
        >>> fit("popular", train, {}).scores(train.of(np.array([2]))).tolist()
        [[2.0, 1.0]]
    """
    return RECOMMENDERS[name].fit(train, **settings)
