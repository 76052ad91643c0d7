"""How good the ranking models are, beside popularity, plain means, logistic regression and LightGBM, on the same rows.

    python -m benchmarks ranking_models [--dataset D] [--models a,b] [--seeds 1 2 3]
    python -m benchmarks ranking_models --like-protocol random|time --dataset ./ml-100k

The first trains every model of `ARCHITECTURES` on the judging fit as a build does, and tells of the rows no fit was trained
on: of liking AUC, GAUC, log loss and calibration error, of choice nDCG@10 over the whole catalogue, for people's next rows, for
people known before the cut and for strangers. The second is the literature's question on ML-100K, rating 4 or more.

All contenders learn from the same `fit` rows and choose by the same `stop` rows. Features and samples lie in `--home` and are
made once.
"""

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from benchmarks.liking.choices import QUESTIONS, ask_questions, choice_ndcg, popularity_ndcg
from benchmarks.liking.figures import Grid
from benchmarks.liking.like_prediction import PROTOCOLS, Likes, open_likes, train_on_likes
from benchmarks.liking.material import Prepared
from benchmarks.liking.references import REFERENCES, Task
from sparrow.build.liking import Trainee
from sparrow.build.train import section_of
from sparrow.config import Settings
from sparrow.evaluation import metrics
from sparrow.evaluation.predictions import Answers, judge_predictions
from sparrow.models import ARCHITECTURES
from sparrow.schema import Columns
from sparrow.training.fit import Schedule, fit

HOME: Final = Path("var/benchmarks/ranking_models")
LIKING: Final = ("auc", "gauc", "log_loss", "calibration_error")
AGAINST: Final = "lightgbm"
BLOCK: Final = 2**14

Chances = NDArray[np.float64]


def run(options: Sequence[str] = ()) -> Grid:
    """Measure; an hour and more with three seeds of every model."""
    given = _parser().parse_args(list(options))
    models = given.models.split(",") if given.models else [*REFERENCES, *ARCHITECTURES]
    unknown = [name for name in models if name not in ARCHITECTURES and name not in REFERENCES]
    if unknown:
        sys.exit(f"There is no model {unknown[0]!r}; there are: {', '.join([*REFERENCES, *ARCHITECTURES])}.")
    if given.like_protocol:
        return _likes(given.home, Path(given.dataset), given.like_protocol, models, given.seeds)
    return _judging(given.home, given.dataset, models, given.seeds)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m benchmarks ranking_models")
    parser.add_argument("--dataset", default="builtin", help="name or folder")
    parser.add_argument("--models", help="names, with commas; all models and references by default")
    parser.add_argument("--seeds", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--like-protocol", choices=PROTOCOLS, help="ML-100K, rating 4 or more; --dataset is its folder")
    parser.add_argument("--home", type=Path, default=HOME, help="where features and samples are made")
    return parser


def _judging(home: Path, dataset: str, models: Sequence[str], seeds: Sequence[int]) -> Grid:
    prepared = Prepared(home / Path(dataset).name, dataset, Settings())
    rows, grid = prepared.rated(), Grid("ranking_models", {"dataset": dataset, "seeds": str(seeds)})
    split, fold = rows["split"].to_numpy(), rows["fold"].to_numpy()
    questions = ask_questions(rows)
    task = Task(
        prepared.plain(rows), rows["label"].to_numpy(), (split == "train") & (fold == "fit"),
        (split == "train") & (fold == "stop"),
    )  # fmt: skip
    for name in ("movie_mean", "user_mean"):
        grid.add(name, _liking(rows, {}, np.nan_to_num(task.features[name])))
    grid.add("popularity", {f"{name}/nDCG@10": value for name, value in popularity_ndcg(questions, prepared).items()})
    for name in models:
        for seed in seeds:
            if name in REFERENCES:
                chances, note = REFERENCES[name](task, seed)
                grid.add(name, _liking(rows, {name: chances}), note)
            else:
                trainee, note = _train(prepared, name, seed)
                chosen = choice_ndcg(trainee.network, trainee.source, questions, prepared)
                told = {f"{question}/nDCG@10": value for question, value in chosen.items()}
                grid.add(name, _liking(rows, {name: _chances(trainee, rows)}) | told, note)
    return grid


def _train(prepared: Prepared, name: str, seed: int) -> tuple[Trainee, str]:
    """One model of the judging fit, as `build.train` trains it, and how long it took to stop."""
    architecture = ARCHITECTURES[name]
    section = section_of(prepared.settings, name).model_copy(update={"seed": seed})
    source = prepared.material.source(architecture, section)
    network, curve = fit(
        lambda: architecture.build(source.spec, section),
        source,
        Schedule.of(section, name),
        prepared.material.validation(source),
    )
    return Trainee(network.serving, source), f"best of {len(curve.loss)} epochs: {curve.best_epoch}"


def _chances(trainee: Trainee, rows: pa.Table) -> Chances:
    parts = (rows.slice(start, BLOCK) for start in range(0, len(rows), BLOCK))
    return np.concatenate([trainee.liking(part) for part in parts])


def _liking(rows: pa.Table, chances: Mapping[str, Chances], scores: Chances | None = None) -> dict[str, float]:
    """Figures of one prediction by question, `next/auc` and so on."""
    user, split, fold = (rows[name].to_numpy() for name in (Columns.USER, "split", "fold"))
    after = split != "train"
    known, told = np.isin(user, user[~after]), {}
    where = (~after & (fold == "last"), after & known, after & ~known)
    for question, own in zip(QUESTIONS, where, strict=True):
        values = {name: all_of[own] for name, all_of in chances.items()}
        plain = {} if scores is None else {"score": scores[own]}
        found = judge_predictions(Answers(user[own], rows["label"].to_numpy()[own], plain, values), {})
        reached = found["rows"][0]["metrics"]
        told |= {f"{question}/{metric}": reached[metric] for metric in LIKING if metric in reached}
    return told


def _likes(home: Path, dataset: Path, protocol: Any, models: Sequence[str], seeds: Sequence[int]) -> Grid:
    """Each seed draws its own random cut; by time there is one, and seeds are those of the training."""
    grid = Grid(f"like_prediction_{protocol}", {"dataset": dataset.name, "protocol": protocol, "seeds": str(seeds)})
    for seed in seeds:
        likes = open_likes(home / "likes", dataset, protocol, seed)
        task, judged = likes.task(), {}
        for name in ("movie_mean", "user_mean", "movie_mean_and_bias"):
            tested, column = likes.part == 2, np.nan_to_num(task.features[name])
            grid.add(name, {"test/auc": metrics.auc(column[tested], likes.labels[tested])})
        for name in models:
            for contender, chances, note in _predict(likes, task, name, seed):
                judged[contender] = chances
                grid.add(contender, _parts(likes, chances), note)
        deep = [chances for name, chances in judged.items() if name not in REFERENCES]
        if deep:
            grid.add("mean of the deep", _parts(likes, np.mean(deep, axis=0)))
        if deep and AGAINST in judged:
            judged["mean of the deep"] = np.mean(deep, axis=0)
            judged["deep and lightgbm"] = np.mean([judged["mean of the deep"], judged[AGAINST]], axis=0)
            grid.add("deep and lightgbm", _parts(likes, judged["deep and lightgbm"]))
            _tell_leads(likes, judged, grid)
    return grid


def _predict(likes: Likes, task: Task, name: str, seed: int) -> Iterator[tuple[str, Chances, str]]:
    """(contender, chances of every row, what was chosen): a network once taught by likes and once by stars."""
    if name in REFERENCES:
        yield name, *REFERENCES[name](task, seed)
        return
    for contender, by_stars in ((name, False), (f"{name}, by stars", True)):
        yield contender, train_on_likes(likes, name, ARCHITECTURES[name], seed, by_stars), ""


def _parts(likes: Likes, chances: Chances) -> dict[str, float]:
    valid, tested = (likes.part == part for part in (1, 2))
    who = np.unique(likes.rows[Columns.USER].to_numpy()[tested], return_inverse=True)[1]
    asked, labels = chances[tested], likes.labels[tested]
    return {
        "valid/auc": metrics.auc(chances[valid], likes.labels[valid]),
        "test/auc": metrics.auc(asked, labels),
        "test/gauc": metrics.gauc(asked, labels, who),
        "test/log loss": metrics.log_loss(asked, labels),
        "test/calibration error": metrics.calibration_error(asked, labels),
    }


def _tell_leads(likes: Likes, judged: Mapping[str, Chances], grid: Grid) -> None:
    """Each model's lead in AUC over the trees on the test rows, paired over people, as a note."""
    tested = likes.part == 2
    chances = {name: values[tested] for name, values in judged.items()}
    answers = Answers(likes.rows[Columns.USER].to_numpy()[tested], likes.labels[tested], {}, chances)
    for row in judge_predictions(answers, {AGAINST: ("auc",)})["rows"]:
        if "leads" in row:
            lead = row["leads"][AGAINST]["auc"]
            grid.notes[row["model"]] = f"AUC {lead['value']:+.4f} {lead['interval']} beside {AGAINST}"
