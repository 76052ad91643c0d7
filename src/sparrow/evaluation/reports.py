"""What people read: rows of figures with their intervals, as JSON and as a Markdown table."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from sparrow.evaluation import metrics
from sparrow.evaluation.cases import Case
from sparrow.evaluation.comparison import Result
from sparrow.evaluation.ranking import Judged


def ranking_row(judged: Judged) -> dict[str, Any]:
    """One recommender as `sparrow evaluate --json` shows it: means and 95 % intervals by metric name."""
    names = list(judged.values)
    intervals = metrics.bootstrap_intervals(np.stack([judged.values[name] for name in names], axis=1))
    return {
        "recommender": judged.name,
        "metrics": {name: round(judged.mean(name), 4) for name in names},
        "interval": {
            name: [round(float(low), 4), round(float(high), 4)]
            for name, (low, high) in zip(names, intervals, strict=True)
        },
    }


def comparison_report(
    protocol: str, case: Case, results: Sequence[Result], against: str | None = None
) -> dict[str, Any]:
    """The whole answer of `sparrow evaluate`.

    Args:
        protocol: its name.
        case: what was asked.
        results: one per recommender.
        against: the recommender that the others are compared with, person by person.
    """
    split = {
        "train": len(case.train),
        "test": len(case.test) + len(case.cold),
        "people": len(np.unique(case.test.users)),
        "movies": len(case.movies),
        "cold": len(np.unique(case.cold.users)),
        **case.counts,
    }
    named = {result.judged.name: result.judged for result in results}
    other = named.get(against) if against else None
    return {"protocol": protocol, "split": split, "rows": [_row(result, other) for result in results]}


def _row(result: Result, other: Judged | None) -> dict[str, Any]:
    judged = result.judged
    row = ranking_row(judged)
    row["metrics"] |= {name: round(value, 4) for name, value in result.beyond.items()}
    people = len(next(iter(judged.values.values())))
    row |= {"seconds": round(result.seconds, 2), "people": people, "settings": dict(result.choice.settings)}
    if other is not None and judged.name not in (other.name, "cold"):
        row["against"] = {"recommender": other.name, **_paired(judged, other)}
    return row


def _paired(judged: Judged, other: Judged) -> dict[str, Any]:
    """Metric → mean lead, its paired 95 % interval, and p of the randomisation test."""
    leads: Mapping[str, tuple[float, float, float]] = {name: judged.lead(other, name) for name in judged.values}
    return {
        name: {
            "lead": round(lead, 4),
            "interval": [round(low, 4), round(high, 4)],
            "p": round(metrics.paired_p_value(judged.values[name] - other.values[name]), 4),
        }
        for name, (lead, low, high) in leads.items()
    }


def markdown(report: Mapping[str, Any], shown: Sequence[str]) -> str:
    """A report as a Markdown page.

    Args:
        report: of `comparison_report`.
        shown: metric names, the columns; the first one with its interval.
    """
    split = ", ".join(f"{name} {count:,}" for name, count in report["split"].items())
    head = ["recommender", shown[0], "95 % interval", *shown[1:], "settings", "seconds"]
    lines = [f"# {report['protocol']}", "", split, "", _line(head), _line(["---"] * len(head))]
    lines += [_line(_cells(row, shown)) for row in report["rows"]]
    return "\n".join(lines) + "\n"


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cells(row: Mapping[str, Any], shown: Sequence[str]) -> list[str]:
    low, high = row["interval"][shown[0]]
    first, *others = (f"{row['metrics'][name]:.4f}" for name in shown)
    settings = ", ".join(f"{name} {value:g}" for name, value in row["settings"].items())
    return [row["recommender"], first, f"{low:.4f}–{high:.4f}", *others, settings, f"{row['seconds']:.1f}"]
