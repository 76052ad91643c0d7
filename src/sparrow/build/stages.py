"""What each stage does. Every stage makes both fits side by side in the folders `judging` and `release`."""

import logging
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

from sparrow.build.assemble import assemble
from sparrow.build.choose import choose_ranker
from sparrow.build.embed import make_embeddings
from sparrow.build.feedback import fold
from sparrow.build.judge import judge_release
from sparrow.build.plan import Context, Stage
from sparrow.build.recall import make_recall
from sparrow.build.train import train_ranking
from sparrow.config import MODEL_NAMES
from sparrow.datasets import import_dataset
from sparrow.features.engines import open_engine
from sparrow.features.jobs import FITS, read_events, write_events, write_features
from sparrow.features.samples import remove_draws, write_samples

log = logging.getLogger(__name__)


def import_data(context: Context, out: Path) -> Mapping[str, Any]:
    """Read the dataset into canonical Parquet, with a report of what was wrong; then fold in what people did."""
    report = import_dataset(context.source, out)
    for file in report.files:
        for fault in file.faults:
            log.warning(
                "%s: %d x %s, %s; see `sparrow data check`", file.file, fault.count, fault.kind.what, fault.kind.fate
            )
    counts = {"rows_in": sum(file.rows for file in report.files)} | {file.file: file.kept for file in report.files}
    return counts | fold(context.feedback, out) if context.feedback.digest else counts


def make_features(context: Context, out: Path) -> Mapping[str, Any]:
    """Events with their cuts; movies and people as each fit knows them."""
    data, settings = context.inputs["data"], context.settings
    with open_engine(context.engine, context.scratch) as engine:
        counts: dict[str, Any] = {"events": write_events(engine, data, out, settings)}
        engine.read("movies", data / "movies.parquet")
        for place, fit in enumerate(FITS):
            (out / fit).mkdir()
            counts[fit] = write_features(engine, out, fit, settings)
            context.report(place + 1, len(FITS))
    return counts


def make_samples(context: Context, out: Path) -> Mapping[str, Any]:
    """`liking` and `choice` rows of each fit, every feature as of just before its row."""
    features = context.inputs["features"]
    counts: dict[str, Any] = {}
    with open_engine(context.engine, context.scratch) as engine:
        read_events(engine, features)
        for place, fit in enumerate(FITS):
            (out / fit).mkdir()
            counts[fit] = write_samples(engine, features, out / fit, fit, context.settings)
            remove_draws(out / fit)
            context.report(place + 1, len(FITS))
    return counts


def make_ranking(context: Context, out: Path) -> Mapping[str, Any]:
    """Every ranking model, judging fit first: it finds how many epochs the release fit trains."""
    features, samples = context.inputs["features"], context.inputs["samples"]
    return train_ranking(features, samples, out, context.settings, context.report)


def make_assembly(context: Context, out: Path) -> Mapping[str, Any]:
    """Both fits laid out as releases, and which ranker they serve by default."""
    counts: dict[str, Any] = {}
    for place, fit in enumerate(FITS):
        (out / fit).mkdir()
        features, embeddings, recall, ranking = (
            context.inputs[name] / fit for name in ("features", "embeddings", "recall", "ranking")
        )
        counts[fit] = assemble(context.inputs["data"], features, embeddings, recall, ranking, out / fit)
        context.report(place + 1, len(FITS) + 1)
    folders = [out / fit for fit in FITS]
    counts["for_you"] = choose_ranker(folders[0], context.inputs["features"], context.settings, folders)
    return counts


def make_evaluation(context: Context, out: Path) -> Mapping[str, Any]:
    """The judging fit, asked exactly as served."""
    return judge_release(
        context.inputs["assemble"] / "judging",
        context.inputs["features"],
        context.inputs["recall"] / "judging",
        context.inputs["ranking"] / "judging" / "liking.parquet",
        out,
        context.settings,
        context.report,
    )


DESCRIBING: Final = tuple(
    f"features/{name}"
    for name in (
        *("chance", "definitions", "engines", "genres", "grouped", "jobs", "movies", "people", "prefetch", "queries"),
        "spark_session",
    )
)
"""What the feature rows depend on."""


STAGES: Final = (
    Stage("data", (), (), ("datasets", "build/feedback", "online/later_events", "features/definitions"), import_data),
    Stage(
        "features",
        needs=("data",),
        sections=("split", "features"),
        rooms=DESCRIBING,
        run=make_features,
    ),
    Stage(
        "samples",
        ("features",),
        ("samples", "features"),
        (*DESCRIBING, "features/samples", "features/draws"),
        make_samples,
    ),
    Stage(
        "embeddings",
        needs=("data", "features"),
        sections=("embeddings", "item2vec", "deepwalk", "node2vec"),
        rooms=(
            *("embeddings", "stores/embedding_table", "stores/outside_ids", "build/embed", "build/posters"),
            *(f"features/{name}" for name in ("attributes", "attribute_kinds", "jobs", "series", "user_vector")),
        ),
        run=make_embeddings,
        engine_matters=True,
    ),
    Stage(
        "recall",
        needs=("features", "embeddings"),
        sections=("vector_search", "collaborative", "next_item"),
        rooms=(
            *("embeddings/neighbours", "embeddings/compiled", "build/recall", "build/collaborative"),
            *(f"retrieval/{name}" for name in ("ease", "fusion", "ials", "interactions", "model", "next_item")),
            *(
                f"stores/{name}"
                for name in (
                    "collaborative_model",
                    "next_item_model",
                    "saved_arrays",
                    "embedding_table",
                    "index_choice",
                )
            ),
            *(f"stores/{name}" for name in ("inverted_index", "vector_index")),
        ),
        run=make_recall,
    ),
    Stage(
        "ranking",
        needs=("features", "samples"),
        sections=("ranking", *MODEL_NAMES, "samples", "features"),
        rooms=(
            *("models", "training", "evaluation"),
            *(f"build/{name}" for name in ("train", "fit_model", "tune", "material", "liking")),
            *(f"features/{name}" for name in ("definitions", "encoding", "histories", "inputs", "prefetch")),
        ),
        run=make_ranking,
    ),
    Stage(
        "assemble",
        needs=("data", "features", "embeddings", "recall", "ranking"),
        sections=("recall", "candidates"),
        rooms=(
            *("online", "evaluation", "build/assemble", "build/choose", "build/events", "build/merging"),
            *(f"stores/{name}" for name in ("feature_store", "lmdb_store")),
            *(f"features/{name}" for name in ("chance", "definitions", "encoding", "genres", "series", "user_vector")),
        ),
        run=make_assembly,
    ),
    Stage(
        "evaluate",
        needs=("features", "recall", "ranking", "assemble"),
        sections=("recall", "candidates"),
        rooms=(
            *("online", "evaluation"),
            *(f"build/{name}" for name in ("choose", "events", "merging", "judge", "judge_liking", "judge_similar")),
            *(f"features/{name}" for name in ("chance", "definitions", "encoding", "genres", "series", "user_vector")),
        ),
        run=make_evaluation,
    ),
)
"""The build, in order."""
