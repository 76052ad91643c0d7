"""Figures of a report as plain SVG: a dot for each recommender, its 95 % interval as a line."""

from collections.abc import Mapping
from typing import Any, Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

WIDTH: Final = 720
LEFT: Final = 130
"""Pixels for names."""

RIGHT: Final = 60
"""Pixels for figures."""

ROW: Final = 30
TOP: Final = 40
TICKS: Final = 5

INK, LINE, GRID = "#1c2733", "#2f6f9f", "#d8dee4"


def interval_plot(report: Mapping[str, Any], metric: str) -> str:
    """An SVG of one metric over all recommenders of a report, best first.

    Args:
        report: of `reports.comparison_report`.
        metric: e.g. "ndcg@10".
    """
    rows = sorted(report["rows"], key=lambda row: -row["metrics"][metric])
    high = max(row["interval"][metric][1] for row in rows) or 1.0
    height = TOP + ROW * len(rows) + 30
    plot = Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {height}", "font-family": "sans-serif",
         "font-size": "13", "fill": INK, "role": "img"},
    )  # fmt: skip
    SubElement(plot, "title").text = f"{metric} with 95 % intervals, {report['protocol']}"
    SubElement(plot, "rect", {"width": str(WIDTH), "height": str(height), "fill": "white"})
    _text(plot, LEFT, 22, f"{metric} · {report['protocol']}", "start")
    _grid(plot, high, height)
    for place, row in enumerate(rows):
        _draw(
            plot, row["recommender"], row["metrics"][metric], row["interval"][metric], high, TOP + ROW * place + ROW / 2
        )
    indent(plot)
    return tostring(plot, encoding="unicode") + "\n"


def _at(value: float, high: float) -> float:
    return LEFT + (WIDTH - LEFT - RIGHT) * value / high


def _grid(plot: Element, high: float, height: int) -> None:
    for tick in range(TICKS + 1):
        value = high * tick / TICKS
        across = f"{_at(value, high):.1f}"
        SubElement(plot, "line", {"x1": across, "x2": across, "y1": str(TOP), "y2": str(height - 28), "stroke": GRID})
        _text(plot, _at(value, high), height - 10, f"{value:.3f}", "middle")


def _draw(plot: Element, name: str, value: float, interval: tuple[float, float], high: float, y: float) -> None:
    _text(plot, LEFT - 10, y + 4, name, "end")
    ends = {f"x{end + 1}": f"{_at(bound, high):.1f}" for end, bound in enumerate(interval)}
    SubElement(plot, "line", {**ends, "y1": str(y), "y2": str(y), "stroke": LINE, "stroke-width": "3"})
    SubElement(plot, "circle", {"cx": f"{_at(value, high):.1f}", "cy": str(y), "r": "5", "fill": LINE})
    _text(plot, WIDTH - RIGHT + 8, y + 4, f"{value:.4f}", "start")


def _text(plot: Element, x: float, y: float, words: str, anchor: str) -> None:
    SubElement(plot, "text", {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor}).text = words
