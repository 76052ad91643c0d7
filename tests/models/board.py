"""The checkerboard built into a release that holds every ranking model; and each model's network as it learns."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from sparrow.build.material import Material
from sparrow.build.train import section_of
from sparrow.config import MODEL_NAMES, Settings
from sparrow.features.inputs import movie_inputs
from sparrow.model_server.servable import Servable
from sparrow.models import ARCHITECTURES
from sparrow.models.network import Network
from sparrow.online.deep import DeepRanker
from sparrow.online.people import Person
from sparrow.online.person_inputs import describe_movies, describe_person
from sparrow.online.recommender import Recommender
from sparrow.stores.releases import releases_folder, served_name
from tests.worlds import World

USERS, MOVIES = 60, 40

EVERY: Final = {"epochs": 30, "patience": 10, "batch": 256, "learning_rate": 0.01, "weight_decay": 1e-4}
SMALL: Final[Mapping[str, Mapping[str, Any]]] = {
    "neural_cf": {"dim": 8, "hidden": (16, 8), "dropout": 0.1, "embedding_dropout": 0.1},
    "embedding_mlp": {"dim": 8, "hidden": (16, 8), "dropout": 0.1, "embedding_dropout": 0.0, "epochs": 40},
    "wide_deep": {"dim": 8, "hidden": (16, 8), "dropout": 0.1, "embedding_dropout": 0.0, "buckets": 1009},
    "deep_fm": {"dim": 8, "hidden": (16, 8), "dropout": 0.1, "embedding_dropout": 0.0, "epochs": 12},
    "din": {"dim": 8, "hidden": (16, 8), "attention": 8, "embedding_dropout": 0.1, "epochs": 20},
    "dien": {"dim": 8, "hidden": (16, 8), "embedding_dropout": 0.0},
    "two_tower": {"dim": 16, "hidden": (16,), "dropout": 0.3, "batch": 64, "learning_rate": 0.003},
    "sasrec": {"dim": 16, "feed": 32, "length": 20, "batch": 8, "dropout": 0.3},
}
"""Small settings by model; a new model needs a line here."""

SETTINGS: Final = Settings.model_validate(
    {
        "ranking": {"models": MODEL_NAMES, "buckets": 4},
        "features": {"history_length": 10},
        "item2vec": {"dim": 8, "epochs": 30, "window": 12, "workers": 1, "min_count": 3},
        "recall": {"min_ratings": 3},
        **{name: {**EVERY, **own} for name, own in SMALL.items()},
    }
)


@dataclass(frozen=True)
class Board:
    """A home whose live release holds every model, and that release opened."""

    home: Path
    world: World
    recommender: Recommender

    @property
    def folder(self) -> Path:
        return releases_folder(self.home) / self.recommender.release

    def saved_model(self, name: str) -> Path:
        return self.folder / served_name(name)

    def ranker(self, name: str) -> DeepRanker:
        return self.recommender.deep[name]

    def work(self, stage: str) -> Path:
        """What a stage of the build left."""
        [folder] = (self.home / "work").glob(f"{stage}-*")
        return folder

    def material(self) -> Material:
        """The release fit, to learn from again."""
        return Material(self.work("features"), self.work("samples"), "release", SETTINGS)


def untrained(board: Board, name: str) -> tuple[Network, Any]:
    """A model's fresh network and its source."""
    architecture, section = ARCHITECTURES[name], section_of(SETTINGS, name)
    source = board.material().source(architecture, section)
    return architecture.build(source.spec, section), source


@cache
def seen_untrained(home: Path, name: str) -> tuple[Network, Any]:
    """The same, built once: to look at, not to change."""
    architecture, section = ARCHITECTURES[name], section_of(SETTINGS, name)
    [features], [samples] = ((home / "work").glob(f"{stage}-*") for stage in ("features", "samples"))
    source = Material(features, samples, "release", SETTINGS).source(architecture, section)
    return architecture.build(source.spec, section), source


@cache
def served(saved_model: Path) -> Servable:
    """A model as TensorFlow Serving loads it, once."""
    return Servable(saved_model)


def raw_inputs(ranker: DeepRanker, person: Person, rows: NDArray[np.int32]) -> dict[str, NDArray[Any]]:
    """What a model server is sent under `serving_default`: every input with one row a candidate."""
    alone = describe_person(ranker.catalog, person, ranker.spec)
    movies = describe_movies(ranker.catalog, ranker.spec.only(movie_inputs(tuple(ranker.spec.fields))))
    told = {name: np.repeat(value, len(rows), axis=0) for name, value in alone.items()}
    return told | {name: column[rows] for name, column in movies.items()}
