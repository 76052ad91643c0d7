"""What people read: rows of figures with their intervals."""

from typing import Any

from sparrow.evaluation.ranking import Judged


def ranking_row(judged: Judged) -> dict[str, Any]:
    """One recommender as `sparrow evaluate --json` shows it: means and 95 % intervals by metric name."""
    return {
        "recommender": judged.name,
        "metrics": {metric: round(judged.mean(metric), 4) for metric in judged.values},
        "interval": {metric: [round(bound, 4) for bound in judged.interval(metric)] for metric in judged.values},
    }
