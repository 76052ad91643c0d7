"""The embeddings stage: each named movie embedding from what one fit knows.

On Spark, Item2vec and the walks run there; content and co-ratings are made on this machine whatever the engine: the ratings
are 24 bytes each, and a sparse SVD passes over them a few times. Libraries are imported by whoever needs them: a reused stage
pays for none.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from sparrow.build.plan import Context
from sparrow.build.posters import read_posters
from sparrow.config import EmbeddingName, Walks
from sparrow.embeddings.people import embed_people
from sparrow.embeddings.sequences import liked_batches, liked_sequences
from sparrow.features.jobs import FITS, Cuts
from sparrow.stores.embedding_table import EmbeddingTable

if TYPE_CHECKING:
    from pyspark.sql import SparkSession

    from sparrow.embeddings.content_files import Films, Ratings
    from sparrow.embeddings.graph import ItemGraph
    from sparrow.features.attributes import Encoded

Progress = Callable[[int, int], None]
Walking = TypeVar("Walking", bound=Walks)


@dataclass(frozen=True)
class Material:
    """What a fit's embeddings are made from; each part is read when first asked for, and once.

    Attributes:
        context: of the stage.
        known: the rows that the fit may know.
        films: the catalogue with its content.
        attributes: what else the dataset declares of movies; None: nothing.
        posters: (n, DIM) what the films' posters look like; None: there are none.
    """

    context: Context
    known: Path
    films: "Films"
    attributes: "Encoded | None"
    posters: NDArray[np.float32] | None

    @cached_property
    def sequences(self) -> tuple[NDArray[np.int64], list[NDArray[np.int64]]]:
        """People, and what each liked in time order."""
        return liked_sequences(self.known)

    @cached_property
    def ratings(self) -> "Ratings":
        """Who gave what how many stars."""
        from sparrow.embeddings.content_files import read_ratings

        return read_ratings(self.known)

    @contextmanager
    def spark(self) -> "Iterator[SparkSession | None]":
        """A session if Spark is the engine, else None."""
        engine = self.context.engine
        if engine.name != "spark":
            yield None
            return
        from sparrow.features.spark_session import spark_session

        with spark_session(engine.master, self.context.scratch, engine.memory) as session:
            yield session


def make_embeddings(context: Context, out: Path) -> Mapping[str, Any]:
    """The embeddings that `embeddings.movies` names, and under Item2vec a vector for every person."""
    from sparrow.embeddings.content_files import read_films
    from sparrow.features.attributes import encode_attributes

    data, names = context.inputs["data"], context.settings.embeddings.movies
    every, attributes = read_films(data), encode_attributes(data)
    cut = Cuts.load(context.inputs["features"] / "cuts.json").valid_from
    ahead = 1 if context.settings.embeddings.posters else 0
    total = ahead + len(names) * len(FITS)
    posters, counts = _posters(context, every, total)
    for place, fit in enumerate(FITS):
        known = context.inputs["features"] / fit / "known.parquet"
        films = read_films(data, before=cut) if fit == "judging" else every  # a tag tells who watched what, too
        material = Material(context, known, films, attributes if len(attributes.ids) else None, posters)
        (out / fit).mkdir()
        counts[fit] = {}
        for number, name in enumerate(names):
            before = ahead + len(names) * place + number
            table = TRAINERS[name](material, partial(_tell, context.report, before, total))
            table.save(out / fit / f"movies-{name}.npz")
            if name == "item2vec":
                embed_people(*material.sequences, table).save(out / fit / f"people-{name}.npz")
            counts[fit][name] = len(table.ids)
            context.report(1000 * (before + 1), 1000 * total)
    return counts


def _posters(context: Context, films: "Films", parts: int) -> tuple[NDArray[np.float32] | None, dict[str, Any]]:
    """What the posters look like, the first part of the stage, and counts of them; both fits share them."""
    if not context.settings.embeddings.posters:
        return None, {}
    folder, progress = Path(context.settings.embeddings.posters), partial(_tell, context.report, 0, parts)
    vectors, counts = read_posters(folder, context.inputs["data"], films.ids, progress)
    return vectors, {"posters": counts}


def _tell(report: Progress, before: int, total: int, done: int, steps: int) -> None:
    """Each embedding is one part of the stage; inside it goes by its own steps."""
    report(1000 * before + 1000 * done // max(steps, 1), 1000 * total)


def _item2vec(material: Material, progress: Progress) -> EmbeddingTable:
    settings = material.context.settings.item2vec
    with material.spark() as session:
        if session is not None:
            from sparrow.embeddings.spark_word2vec import train_item2vec_on_spark

            return train_item2vec_on_spark(session, material.known, settings)
    from sparrow.embeddings.word2vec import train_item2vec

    return train_item2vec(material.sequences[1], settings, progress)


def _deepwalk(material: Material, progress: Progress) -> EmbeddingTable:
    from sparrow.embeddings.spark_walks import train_deepwalk_on_spark
    from sparrow.embeddings.walk_embeddings import train_deepwalk

    return _walked(material, material.context.settings.deepwalk, train_deepwalk, train_deepwalk_on_spark, progress)


def _node2vec(material: Material, progress: Progress) -> EmbeddingTable:
    from sparrow.embeddings.spark_walks import train_node2vec_on_spark
    from sparrow.embeddings.walk_embeddings import train_node2vec

    return _walked(material, material.context.settings.node2vec, train_node2vec, train_node2vec_on_spark, progress)


def _walked(
    material: Material,
    settings: Walking,
    here: "Callable[[ItemGraph, Walking, Progress], EmbeddingTable]",
    on_spark: "Callable[[SparkSession, ItemGraph, Walking], EmbeddingTable]",
    progress: Progress,
) -> EmbeddingTable:
    """Vectors from walks over the graph of liked sequences."""
    from sparrow.embeddings.graph import build_graph

    graph = build_graph(liked_batches(material.known), settings)
    with material.spark() as session:
        return here(graph, settings, progress) if session is None else on_spark(session, graph, settings)


def _co_ratings(material: Material, _: Progress) -> EmbeddingTable:
    from sparrow.embeddings.fusion_co_ratings import train_co_ratings

    return train_co_ratings(material.ratings)


def _content(material: Material, _: Progress) -> EmbeddingTable:
    from sparrow.embeddings.fusion import train_content

    return train_content(material.films, material.attributes, material.posters)


def _fusion(material: Material, _: Progress) -> EmbeddingTable:
    from sparrow.embeddings.fusion import train_fusion

    return train_fusion(material.films, material.ratings, material.attributes, material.posters)


TRAINERS: Final[Mapping[EmbeddingName, Callable[[Material, Progress], EmbeddingTable]]] = {
    "item2vec": _item2vec,
    "deepwalk": _deepwalk,
    "node2vec": _node2vec,
    "co_ratings": _co_ratings,
    "content": _content,
    "fusion": _fusion,
}
