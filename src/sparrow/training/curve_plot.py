"""A learning curve as plain SVG: loss and figure of merit over the epochs, each on a scale of its own."""

from collections.abc import Sequence
from typing import Final
from xml.etree.ElementTree import Element, SubElement, indent, tostring

from sparrow.training.fit import Curve

WIDTH, HEIGHT, EDGE = 640, 300, 48
INK: Final = "#1c2733"
LOSS, MERIT, BEST = "#9f4a2f", "#2f6f9f", "#d8dee4"


def draw(curve: Curve, title: str) -> str:
    """The SVG; a merit that is no figure (a training without validation counts epochs) is left out."""
    plot = Element(
        "svg",
        {"xmlns": "http://www.w3.org/2000/svg", "viewBox": f"0 0 {WIDTH} {HEIGHT}", "font-family": "sans-serif",
         "font-size": "13", "fill": INK, "role": "img"},
    )  # fmt: skip
    SubElement(plot, "title").text = title
    SubElement(plot, "rect", {"width": str(WIDTH), "height": str(HEIGHT), "fill": "white"})
    epochs = len(curve.loss)
    best = f"{_across(curve.best_epoch - 1, epochs):.1f}"
    SubElement(plot, "line", {"x1": best, "x2": best, "y1": str(EDGE), "y2": str(HEIGHT - EDGE), "stroke": BEST})
    _line(plot, curve.loss, LOSS, "loss", "start")
    if curve.merit != [float(number) for number in range(epochs)]:
        _line(plot, curve.merit, MERIT, "merit", "end")
    _text(plot, WIDTH / 2, 22, title, "middle", INK)
    for epoch in range(epochs):
        _text(plot, _across(epoch, epochs), HEIGHT - 16, str(epoch + 1), "middle", INK)
    indent(plot)
    return tostring(plot, encoding="unicode") + "\n"


def _line(plot: Element, values: Sequence[float], colour: str, name: str, side: str) -> None:
    low, high = min(values), max(values)
    places = [
        (_across(epoch, len(values)), HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * (value - low) / ((high - low) or 1.0))
        for epoch, value in enumerate(values)
    ]
    points = " ".join(f"{x:.1f},{y:.1f}" for x, y in places)
    SubElement(plot, "polyline", {"points": points, "fill": "none", "stroke": colour, "stroke-width": "2"})
    for x, y in places:
        SubElement(plot, "circle", {"cx": f"{x:.1f}", "cy": f"{y:.1f}", "r": "3", "fill": colour})
    edge = 6.0 if side == "start" else WIDTH - 6.0
    for value, y in ((high, EDGE - 6), (low, HEIGHT - EDGE + 14)):
        _text(plot, edge, y, f"{name} {value:.4f}", side, colour)


def _across(epoch: int, epochs: int) -> float:
    return EDGE + (WIDTH - 2 * EDGE) * (epoch / (epochs - 1) if epochs > 1 else 0.5)


def _text(plot: Element, x: float, y: float, words: str, anchor: str, colour: str) -> None:
    at = {"x": f"{x:.1f}", "y": f"{y:.1f}", "text-anchor": anchor, "fill": colour}
    SubElement(plot, "text", at).text = words
