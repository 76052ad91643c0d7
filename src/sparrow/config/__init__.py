"""Frozen settings, one section per room: `sparrow.toml` < environment `SPARROW_SECTION__KEY` < command-line flags.

An unknown section or key is an error that names it. `load_settings` is the only way in; the file is `--config`, else
`{home}/sparrow.toml`, else `./sparrow.toml`, else none.

Example:
    >>> load_settings(environ={"SPARROW_WEB__PORT": "7000"}).web.port
    7000

- `section`   what a section is made of
- `building`  sections of the offline side
- `ranking`   sections of the ranking models
- `experiments` who is shown what, and what a report goes by
- `rules`     sections of the online side that also change while it serves, and the document they make
- `pipelines` which routes, rankers and rules make a list
- `serving`   its other sections
- `retraining` what a rebuilt release must show before it goes live
- `settings`  all of them together, and `load_settings`
"""

from sparrow.config.building import (
    Build,
    Collaborative,
    DeepWalk,
    EmbeddingName,
    Embeddings,
    Features,
    Item2vec,
    NextItem,
    Node2vec,
    Samples,
    Split,
    VectorSearch,
    Walks,
    Word2vec,
)
from sparrow.config.experiments import INTERLEAVED, Arm, Experiment, Experiments, MetricName, arm_in, label_of
from sparrow.config.pipelines import PeoplePipeline, Pipelines
from sparrow.config.ranking import (
    MODEL_NAMES,
    DeepFM,
    Dien,
    Din,
    EmbeddingMLP,
    ModelName,
    NeuralCF,
    Ranking,
    SasRec,
    Trained,
    TwoTower,
    WideDeep,
)
from sparrow.config.retraining import Retrain
from sparrow.config.rules import AgeRating, Candidates, ForYou, Group, Lists, MovieRef, People, Rules, Similar, Window
from sparrow.config.section import Section
from sparrow.config.serving import Feedback, Online, Recall, Releases, Web
from sparrow.config.settings import DEFAULT_HOME, HOME_VARIABLE, Settings, find_home, load_settings

__all__ = [
    "DEFAULT_HOME",
    "HOME_VARIABLE",
    "INTERLEAVED",
    "MODEL_NAMES",
    "AgeRating",
    "Arm",
    "Build",
    "Candidates",
    "Collaborative",
    "DeepFM",
    "DeepWalk",
    "Dien",
    "Din",
    "EmbeddingMLP",
    "EmbeddingName",
    "Embeddings",
    "Experiment",
    "Experiments",
    "Features",
    "Feedback",
    "ForYou",
    "Group",
    "Item2vec",
    "Lists",
    "MetricName",
    "ModelName",
    "MovieRef",
    "NeuralCF",
    "NextItem",
    "Node2vec",
    "Online",
    "People",
    "PeoplePipeline",
    "Pipelines",
    "Ranking",
    "Recall",
    "Releases",
    "Retrain",
    "Rules",
    "Samples",
    "SasRec",
    "Section",
    "Settings",
    "Similar",
    "Split",
    "Trained",
    "TwoTower",
    "VectorSearch",
    "Walks",
    "Web",
    "WideDeep",
    "Window",
    "Word2vec",
    "arm_in",
    "find_home",
    "label_of",
    "load_settings",
]
