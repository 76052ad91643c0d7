"""`sparrow evaluate`: how good a release is, or how good recommenders are on a split of one's own."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote

import click
from rich.console import Console
from rich.table import Table

from sparrow.cli.options import Command, echo_json, home_options, json_option, open_home
from sparrow.cli.release_metrics import show_release
from sparrow.errors import InvalidInput

if TYPE_CHECKING:
    from sparrow.cli.evaluation_data import Question
    from sparrow.config import Settings

PROTOCOL_NAMES: Final = ("random", "microsoft-ml100k", "leave-last-out", "time-split")
WIDTH: Final = 110
"""Columns that the table needs, also where there is no terminal."""

SHOWN: Final = ("ndcg", "map", "precision", "recall", "hit_rate", "mrr")


class Numbers(click.ParamType[tuple[int, ...]]):
    """`10,20` → (10, 20), each at least 1."""

    name = "numbers"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, ...]:
        if isinstance(value, tuple):
            return value
        parts = str(value).split(",")
        if not all(part.strip().isdecimal() and int(part) >= 1 for part in parts):
            self.fail(f"{value!r} is no list of whole numbers above 0; write it like 10,20.", param, ctx)
        return tuple(dict.fromkeys(int(part) for part in parts))


def _file(name: str, words: str) -> Callable[[Command], Command]:
    return click.option(name, type=click.Path(path_type=Path, dir_okay=False), help=words)


@click.command()
@click.argument("release", required=False)
@click.option("--protocol", type=click.Choice(PROTOCOL_NAMES), help="How to cut a dataset into train and test.")
@click.option("--dataset", metavar="NAME|PATH", help="The dataset to cut.")
@_file("--train", "Rows to learn from: CSV userId,movieId[,rating[,timestamp]].")
@_file("--test", "Rows to find; every one is a positive.")
@_file("--valid", "Rows that choose settings; else a carve-out of train does.")
@_file("--items", "More candidates beside the movies in train: CSV with movieId.")
@click.option("--seen", type=click.Choice(["train", "train+valid"]), default="train", help="Rows masked in lists.")
@click.option("--refit", is_flag=True, help="Fit on train and valid together once settings are chosen.")
@click.option("--k", "ks", type=Numbers(), default="10", show_default=True, help="List lengths; the first chooses.")
@click.option("--recommenders", metavar="A,B", help="Which; by default those that suit the protocol.")
@click.option("--against", metavar="A", help="Compare the others with this one, person by person.")
@click.option("--ratio", type=click.FloatRange(0, 1, min_open=True, max_open=True), help="Train share.")
@click.option("--within", type=click.Choice(["user", "item"]), default="user", help="Cut random within each.")
@click.option("--seed", type=int, default=42, show_default=True, help="Of the random cut.")
@click.option("--trials", type=click.IntRange(1), default=24, show_default=True, help="Settings tried per recommender.")
@_file("--report", "Write a Markdown table here too, and a plot (SVG) beside it.")
@click.option(
    "--from-events", is_flag=True, help="Of a release: what its lists would earn, from lists that were drawn."
)
@click.option("--model", metavar="NAME", help="Which pipeline (from events), as model= names it; else the default.")
@click.option(
    "--places", type=click.IntRange(1, 100), default=3, show_default=True, help="Of a list, the first (from events)."
)
@click.option("--since", type=click.DateTime(["%Y-%m-%d"]), metavar="DATE", help="Lists of this day (UTC) or later.")
@click.option("--similar", is_flag=True, help="Of a release: how its similar movies behave, by embedding.")
@home_options
@json_option
def evaluate(
    release: str | None, protocol: str | None, dataset: str | None, train: Path | None, test: Path | None,
    valid: Path | None, items: Path | None, seen: str, refit: bool, ks: tuple[int, ...], recommenders: str | None,
    against: str | None, ratio: float | None, within: str, seed: int, trials: int, report: Path | None, similar: bool,
    from_events: bool, model: str | None, places: int, since: datetime | None,
    home: Path | None, config: Path | None, as_json: bool,
) -> None:  # fmt: skip
    """Show how good a release is, or measure recommenders on a split.

    Without --protocol or --train: the figures of RELEASE (the live one by default), as measured when it was built.
    With --from-events: the clicks that a pipeline of it would get, from logged lists whose order was drawn (docs/experiments.md).
    With a split: full ranking over all movies in train, settings chosen on rows carved out of train, test rows asked once.

    \b
    Examples:
      sparrow evaluate
      sparrow evaluate --similar
      sparrow evaluate --from-events --model din --places 3
      sparrow evaluate --protocol leave-last-out --dataset builtin --k 10,20
      sparrow evaluate --protocol microsoft-ml100k --dataset ./ml-100k --recommenders popular,ease,als --against ease
      sparrow evaluate --train train.csv --test test.csv --recommenders popular,ease,for_you --json
    """
    folder, settings = open_home(home, config)
    _check_words(release, protocol, dataset, train, test, valid, items, refit, seen)
    if from_events:
        if protocol or train or similar:
            raise InvalidInput("--from-events is about a release; leave out --protocol, --train and --similar.")
        from sparrow.cli.from_events import show_from_events

        second = int(since.replace(tzinfo=UTC).timestamp()) if since else 0
        show_from_events(folder, settings, release, model, places, second, as_json)
        return
    if model or since:
        raise InvalidInput("--model and --since belong to --from-events.")
    if protocol is None and train is None:
        show_release(folder, release, similar, as_json)
        return
    if similar:
        raise InvalidInput("--similar is about a release; leave out --protocol and --train.")
    from sparrow.cli import evaluation_data

    if train is not None and test is not None:
        question = evaluation_data.from_files(train, test, valid, items, seen == "train+valid", refit)
    else:
        question = evaluation_data.from_dataset(str(protocol), str(dataset), ratio, within, seed)
    told = _compare(question, settings, recommenders, against, ks, trials)
    if report is not None:
        _write_report(report, told, ks[0])
    if as_json:
        echo_json(told)
    else:
        _print_comparison(told, ks[0])


def _check_words(
    release: str | None, protocol: str | None, dataset: str | None, train: Path | None, test: Path | None,
    valid: Path | None, items: Path | None, refit: bool, seen: str,
) -> None:  # fmt: skip
    """Raises InvalidInput when flags do not go together."""
    asked = [name for name, given in (("RELEASE", release), ("--protocol", protocol), ("--train", train)) if given]
    if len(asked) > 1:
        raise InvalidInput(f"{' and '.join(asked)} do not go together; evaluate one thing at a time.")
    if (protocol is None) != (dataset is None):
        raise InvalidInput(
            "--protocol and --dataset need each other, e.g. --protocol leave-last-out --dataset builtin."
        )
    if (train is None) != (test is None):
        raise InvalidInput("--train and --test need each other: one file to learn from, one to judge on.")
    if train is None and (valid or items):
        raise InvalidInput("--valid and --items belong to --train and --test; a protocol cuts its own.")
    if valid is None and (refit or seen == "train+valid"):
        raise InvalidInput("--refit and --seen train+valid need --valid FILE.")


def _compare(
    question: "Question", settings: "Settings", names: str | None, against: str | None, ks: Sequence[int], trials: int
) -> dict[str, Any]:
    from sparrow.cli.contenders import choose_contenders
    from sparrow.evaluation.comparison import compare
    from sparrow.evaluation.reports import comparison_report

    asked = choose_contenders(names, question.protocol, settings, question.catalogue)
    if against is not None and against not in {contender.name for contender in asked}:
        raise InvalidInput(f"--against {against!r} is not among the recommenders {[one.name for one in asked]}.")
    console = Console(stderr=True, highlight=False)
    results = compare(
        asked, question.case, question.carved, ks, lambda line: console.print(f"  {line}", soft_wrap=True), trials
    )
    return comparison_report(question.protocol, question.case, results, against)


def _write_report(path: Path, told: dict[str, Any], k: int) -> None:
    from sparrow.evaluation.plots import interval_plot
    from sparrow.evaluation.reports import markdown

    shown = (*(f"{name}@{k}" for name in SHOWN), f"coverage@{k}", f"novelty@{k}")
    picture = path.with_name(f"{path.stem}-{shown[0].replace('@', '-')}.svg")
    picture.write_text(interval_plot(told, shown[0]), encoding="utf-8")
    page = markdown(told, shown) + f"\n![{shown[0]} with 95 % intervals]({quote(picture.name)})\n"
    path.write_text(page, encoding="utf-8")


def _print_comparison(told: dict[str, Any], k: int) -> None:
    split = told["split"]
    click.echo(f"{told['protocol']}: " + ", ".join(f"{name} {count}" for name, count in split.items()))
    table = Table("recommender", f"nDCG@{k}", "95 % interval", *(f"{name}@{k}" for name in SHOWN[1:]), "s", box=None)
    for row in told["rows"]:
        low, high = row["interval"][f"ndcg@{k}"]
        first, *others = (f"{row['metrics'][f'{name}@{k}']:.4f}" for name in SHOWN)
        table.add_row(row["recommender"], first, f"{low:.4f}-{high:.4f}", *others, f"{row['seconds']:.1f}")
    Console(width=max(Console().width, WIDTH)).print(table)
    for row in told["rows"]:
        if "against" in row:
            found = row["against"][f"ndcg@{k}"]
            low, high = found["interval"]
            other = row["against"]["recommender"]
            click.echo(
                f"{row['recommender']} - {other}: {found['lead']:+.4f} ({low:+.4f} to {high:+.4f}), p {found['p']:.4f}"
            )
