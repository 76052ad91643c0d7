"""The figures that a release carries, as tables: lists for people, liking, and similar movies."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table

from sparrow.cli.options import echo_json
from sparrow.errors import NotFound

GROUPS: Final = ("next", "seen", "unseen")
"""Of the people who are judged: `sparrow.build.judge`."""

SIMILAR: Final = {
    "next_recall@10": "next movie found",
    "kind@10": "shared kinds",
    "head@10": "places of the top 1 %",
    "popularity_in_degree@10": "popularity ~ lists",
    "popularity_ratio@10": "popularity / own",
    "arp@10": "mean popularity",
    "aplt@10": "long tail",
    "gini@10": "Gini",
    "coverage@10": "coverage",
    "served@10": "as served",
}
"""Figure → its column."""


LIKING: Final = {"auc": "AUC", "gauc": "GAUC", "log_loss": "log loss", "calibration_error": "calibration error"}
"""Figure → its column, with its 95 % interval."""

WIDTH: Final = 150
"""Columns that the liking table needs, also where there is no terminal."""


def show_release(folder: Path, release: str | None, similar: bool, as_json: bool) -> None:
    """Print the figures of a release, the live one if None is named: those of its lists for people, or of its similar movies.

    Raises:
        NotFound: there is no such release, or it was built before similar movies were judged.
    """
    from sparrow.stores.publishing import read_pointer
    from sparrow.stores.releases import read_manifest

    pointer = read_pointer(folder)
    name = release or (pointer.release if pointer else None)
    if name is None:
        raise NotFound(f"No release is live in {folder}; name one, or make one with: sparrow up")
    metrics = read_manifest(folder, name).metrics
    if similar and "similar" not in metrics:
        raise NotFound(f"The release {name} was built before similar movies were judged; build it again: sparrow build")
    if as_json:
        told = {"similar": metrics["similar"]} if similar else {**_as_comparison(metrics), "metrics": metrics}
        echo_json({"release": name, **told})
    elif similar:
        _print_similar(metrics["similar"])
    else:
        _print_metrics(metrics)


def _as_comparison(metrics: dict[str, Any]) -> dict[str, Any]:
    """The figures of lists for people in the shape that a split's have; each row says its group of people."""
    groups = {name: metrics[name] for name in GROUPS if metrics.get(name)}
    rows = [
        {"group": name, "people": found["people"], **row} for name, found in groups.items() for row in found["rows"]
    ]
    return {"protocol": "release", "split": metrics.get("split", {}), "rows": rows}


def _print_metrics(metrics: dict[str, Any]) -> None:
    table = Table("people", "recommender", "nDCG@10", "95 % interval", "recall@10", "hit rate@10", box=None)
    for group in GROUPS:
        found = metrics.get(group) or {"rows": ()}
        for row in found["rows"]:
            low, high = row["interval"]["ndcg@10"]
            figures = (f"{row['metrics'][name]:.4f}" for name in ("ndcg@10", "recall@10", "hit_rate@10"))
            ndcg, recall, hits = figures
            table.add_row(
                f"{group} ({found['people']})", row["recommender"], ndcg, f"{low:.4f}-{high:.4f}", recall, hits
            )
    Console().print(table)
    chosen = metrics.get("for_you")
    if chosen:
        click.echo(f"for_you is {chosen['ranker']}: {chosen['judged'].get('why', 'nobody to judge it by')}.")
        _print_recall(chosen["judged"].get("recall", ()))
    _print_liking(metrics.get("liking", {}))


def _print_recall(rows: Sequence[dict[str, Any]]) -> None:
    """What each route brings of the movies people did next, alone and with the places it was given."""
    if not rows:
        return
    *routes, merged = rows
    depths = [name for name in routes[0] if name.startswith("recall@")]
    table = Table("recall route", *depths, "places", box=None)
    for row in routes:
        table.add_row(row["route"], *(f"{row[depth]:.4f}" for depth in depths), str(merged["quotas"][row["route"]]))
    table.add_row(
        "all of them", *("" for _ in depths[1:]), f"{merged['recall']:.4f}", str(sum(merged["quotas"].values()))
    )
    Console().print(table)


def _print_liking(liking: dict[str, Any]) -> None:
    table = Table("liking (rating >= 3.5)", "by", *LIKING.values(), "mean chance", "AUC above both means", box=None)
    for question, found in liking.items():
        for row in found.get("rows", ()):
            figures = (_with_interval(row, name) for name in LIKING)
            chance = row["metrics"].get("mean_prediction")
            told = "" if chance is None else f"{chance:.3f} of {found['liked']:.3f}"
            table.add_row(f"{question} ({found['ratings']})", row["model"], *figures, told, _least_lead(row))
    Console(width=max(Console().width, WIDTH)).print(table)
    for question, found in liking.items():
        if "skipped" in found:
            click.echo(f"liking, {question}: skipped, {found['skipped']}.")
    if any("rows" in found for found in liking.values()):
        click.echo("What each figure is: docs/models.md.")


def _with_interval(row: dict[str, Any], name: str) -> str:
    value = row["metrics"].get(name)
    if value is None:
        return ""
    low, high = row["interval"][name]
    return f"{value:.3f} {low:.3f}-{high:.3f}"


def _least_lead(row: dict[str, Any]) -> str:
    """The lead in AUC over the better of the plain references that have one."""
    leads = [lead["auc"] for lead in row.get("leads", {}).values() if "auc" in lead]
    if not leads:
        return ""
    least = min(leads, key=lambda lead: float(lead["value"]))
    return f"{least['value']:+.3f} ({least['interval'][0]:+.3f} to {least['interval'][1]:+.3f})"


def _print_similar(similar: dict[str, dict[str, float]]) -> None:
    table = Table("ten nearest by", *similar, box=None)
    for figure, words in SIMILAR.items():
        table.add_row(words, *(f"{found[figure]:.4f}" for found in similar.values()))
    Console().print(table)
    click.echo("What each figure is: docs/similar-movies.md.")
