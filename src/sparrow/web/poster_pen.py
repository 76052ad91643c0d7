"""What posters are drawn with: five colours and a few SVG elements.

Only attributes are written, never styles, so that the strictest content security policy shows them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from typing import Final

WIDTH: Final = 400
HEIGHT: Final = 600


@dataclass(frozen=True, slots=True)
class Palette:
    """Five colours: background above and below, the main shape, the light, and the letters."""

    sky: str
    ground: str
    shape: str
    glow: str
    ink: str


Motif = Callable[[Random, Palette], str]


def circle(
    x: float, y: float, radius: float, fill: str, opacity: float = 1, stroke: str = "none", line: float = 0
) -> str:
    """A disc, or a ring when `fill` is "none"."""
    return (
        f'<circle cx="{x:.1f}" cy="{y:.1f}" r="{radius:.1f}" fill="{fill}" opacity="{opacity:.2f}" '
        f'stroke="{stroke}" stroke-width="{line:.1f}"/>'
    )


def rect(x: float, y: float, width: float, height: float, fill: str, opacity: float = 1, round_: float = 0) -> str:
    """A rectangle."""
    return (
        f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" rx="{round_:.1f}" '
        f'fill="{fill}" opacity="{opacity:.2f}"/>'
    )


def polygon(points: list[tuple[float, float]], fill: str, opacity: float = 1) -> str:
    """A filled outline through (x, y) points."""
    written = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
    return f'<polygon points="{written}" fill="{fill}" opacity="{opacity:.2f}"/>'


def path(data: str, fill: str = "none", opacity: float = 1, stroke: str = "none", line: float = 0) -> str:
    """Any outline."""
    return (
        f'<path d="{data}" fill="{fill}" opacity="{opacity:.2f}" stroke="{stroke}" stroke-width="{line:.1f}" '
        'stroke-linecap="round"/>'
    )


def ridge(pen: Random, y: float, swing: float, fill: str, steps: int = 6, opacity: float = 1) -> str:
    """A range of peaks from edge to edge, filled down to the bottom."""
    points = [
        (step * WIDTH / steps, y + pen.uniform(-swing, swing) * (1 if step % 2 else 0.4)) for step in range(steps + 1)
    ]
    return polygon([(0, HEIGHT), *points, (WIDTH, HEIGHT)], fill, opacity)


def stars(pen: Random, number: int, fill: str, lowest: float = 340) -> str:
    """Small lights in the sky."""
    return "".join(
        circle(pen.uniform(0, WIDTH), pen.uniform(0, lowest), pen.uniform(0.7, 2.4), fill, pen.uniform(0.3, 1))
        for _ in range(number)
    )
