"""Posters that show a sign: one emblem per kind of film. Random numbers vary it from film to film."""

from math import cos, pi, sin
from random import Random

from sparrow.web.poster_pen import WIDTH, Palette, circle, path, polygon, rect


def shards(pen: Random, colours: Palette) -> str:
    """Action: everything flies out from one point."""
    x, y = pen.uniform(110, 290), pen.uniform(190, 290)
    turn, rays = pen.uniform(0, pi), pen.choice((9, 11, 13))
    drawn = []
    for ray in range(rays):
        angle = turn + ray * 2 * pi / rays
        wide, reach = pen.uniform(0.06, 0.16), pen.uniform(420, 640)
        ends = [(x + reach * cos(angle + side * wide), y + reach * sin(angle + side * wide)) for side in (-1, 1)]
        drawn.append(polygon([(x, y), *ends], colours.shape if ray % 2 else colours.glow, pen.uniform(0.35, 0.9)))
    burst = [(x + r * cos(a), y + r * sin(a)) for n in range(16) for r, a in [(74 if n % 2 else 34, turn + n * pi / 8)]]
    return "".join(drawn) + polygon(burst, colours.ink, 0.95) + circle(x, y, 22, colours.ground)


def bounce(pen: Random, colours: Palette) -> str:
    """Animation: round creatures that look at you."""
    drawn = []
    for colour, scale in ((colours.shape, 1.0), (colours.ink, 0.55), (colours.glow, 0.75)):
        x, y, r = pen.uniform(90, 310), pen.uniform(130, 330), scale * pen.uniform(82, 116)
        look = pen.uniform(-0.12, 0.12)
        eyes = "".join(
            circle(x + side * r * 0.3, y - r * 0.15, r * 0.2, "#fff")
            + circle(x + (side * 0.3 + look) * r, y - r * 0.13, r * 0.1, "#1d1a26")
            for side in (-1, 1)
        )
        drawn.append(circle(x, y, r, colour, 0.96) + eyes)
    return "".join(drawn)


def grin(pen: Random, colours: Palette) -> str:
    """Comedy: a wide grin over a field of dots."""
    y, wide = pen.uniform(215, 255), pen.uniform(108, 138)
    dots = "".join(
        circle(column * 40 + (row % 2) * 20, row * 36, 3 + row * 0.75, colours.shape, 0.5)
        for row in range(11)
        for column in range(11)
    )
    mouth = f"M{200 - wide:.0f} {y:.0f} H{200 + wide:.0f} A{wide:.0f} {wide:.0f} 0 0 1 {200 - wide:.0f} {y:.0f}Z"
    brow = pen.uniform(-26, 26)
    eyes = circle(140, y - 70 + brow, 24, colours.ground) + circle(260, y - 70 - brow, 24, colours.ground)
    teeth = rect(200 - wide * 0.82, y, wide * 1.64, 24, "#fff", 0.95, 5)
    return dots + circle(200, y, wide * 1.55, colours.glow) + path(mouth, colours.ground) + teeth + eyes


def prints(pen: Random, colours: Palette) -> str:
    """Crime: a fingerprint, under a lamp."""
    x, y = pen.uniform(170, 230), pen.uniform(215, 250)
    rings = []
    for ring in range(9):
        r = 18 + ring * 15
        gap, start = pen.uniform(0.04, 0.2), pen.uniform(0, 1)
        length = 2 * pi * r
        dashes = f"{length * (1 - gap):.0f} {length * gap:.0f}"
        rings.append(
            f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{r * 0.82:.1f}" ry="{r:.1f}" fill="none" stroke="{colours.shape}" '
            f'stroke-width="6.5" stroke-linecap="round" stroke-dasharray="{dashes}" '
            f'stroke-dashoffset="{start * length:.0f}"/>'
        )
    return (
        circle(x, y, 178, colours.glow, 0.16)
        + "".join(rings)
        + rect(0, y + pen.uniform(-60, 60), WIDTH, 9, colours.glow, 0.85)
    )


def aperture(pen: Random, colours: Palette) -> str:
    """Documentary: the blades of a lens."""
    x, y, turn, blades = 200, 225, pen.uniform(0, pi), pen.choice((6, 7, 8))
    drawn = [circle(x, y, 164, colours.shape), circle(x, y, 148, colours.ground)]
    for blade in range(blades):
        a, b = turn + blade * 2 * pi / blades, turn + (blade + 1.15) * 2 * pi / blades
        inner = turn + (blade + 0.9) * 2 * pi / blades
        points = [
            (x + 142 * cos(a), y + 142 * sin(a)),
            (x + 142 * cos(b), y + 142 * sin(b)),
            (x + 52 * cos(inner), y + 52 * sin(inner)),
        ]
        drawn.append(polygon(points, colours.shape if blade % 2 else colours.glow, 0.85))
    return "".join(drawn) + circle(x, y, 46, colours.glow) + circle(x - 14, y - 16, 10, "#fff", 0.7)


def frames(pen: Random, colours: Palette) -> str:
    """IMAX: frame within frame within frame."""
    x, y, turn = 200, 220, pen.uniform(-9, 9)
    drawn = "".join(
        f'<g transform="rotate({turn * step * 0.4:.1f} {x} {y})">'
        + rect(
            x - 180 + step * 24,
            y - 180 + step * 24,
            360 - step * 48,
            360 - step * 48,
            colours.glow if step % 2 else colours.shape,
            0.9,
            14,
        )
        + "</g>"
        for step in range(7)
    )
    return drawn + circle(x, y, 16, colours.ink)


def vinyl(pen: Random, colours: Palette) -> str:
    """Musical: a record, and what it sounds like."""
    x, y = pen.uniform(150, 250), pen.uniform(190, 225)
    grooves = "".join(circle(x, y, r, "none", 0.55, colours.glow, 1.6) for r in range(66, 146, 11))
    record = (
        circle(x, y, 154, colours.ground) + grooves + circle(x, y, 52, colours.glow) + circle(x, y, 7, colours.ground)
    )
    bars = "".join(
        rect(14 + bar * 31.5, 400 - high, 19, high + 220, colours.shape, 0.92, 9)
        for bar, high in enumerate(pen.uniform(8, 92) for _ in range(12))
    )
    return record + bars


def keyhole(pen: Random, colours: Palette) -> str:
    """Mystery: light through a keyhole, and an eye."""
    y, r = pen.uniform(175, 205), pen.uniform(78, 92)
    rays = "".join(circle(200, y, r + 22 * step, "none", 0.5 - step * 0.08, colours.shape, 7) for step in range(1, 6))
    neck, foot, end = r * 0.42, r * 0.8, y + 236
    start = y + r * 0.7
    shaft = (
        f"M{200 - neck:.0f} {start:.0f} L{200 - foot:.0f} {end:.0f} H{200 + foot:.0f} L{200 + neck:.0f} {start:.0f}Z"
    )
    hole = path(shaft, colours.glow)
    look = pen.uniform(-16, 16)
    half, lift = r * 0.74, r * 0.8
    left, right = 200 - half, 200 + half
    almond = f"M{left:.0f} {y:.0f} Q200 {y - lift:.0f} {right:.0f} {y:.0f} Q200 {y + lift:.0f} {left:.0f} {y:.0f}Z"
    lids = path(almond, colours.ground)
    iris = circle(200 + look, y, r * 0.3, colours.shape) + circle(200 + look, y, r * 0.13, colours.ground)
    return rays + circle(200, y, r, colours.glow) + hole + lids + iris + circle(200 + look + 8, y - 9, 6, "#fff", 0.9)


def discs(pen: Random, colours: Palette) -> str:
    """Romance: two that overlap."""
    lean, apart, r = pen.uniform(-0.6, 0.6), pen.uniform(52, 70), pen.uniform(98, 118)
    dx, dy = apart * cos(lean), apart * sin(lean)
    waves = "".join(
        path(
            f"M-20 {380 + n * 26} Q80 {360 + n * 26} 200 {380 + n * 26} T420 {380 + n * 26}",
            stroke=colours.ink,
            line=2,
            opacity=0.3,
        )
        for n in range(7)
    )
    clip = f'<clipPath id="c"><circle cx="{200 - dx:.1f}" cy="{220 - dy:.1f}" r="{r:.1f}"/></clipPath>'
    both = f'<circle cx="{200 + dx:.1f}" cy="{220 + dy:.1f}" r="{r:.1f}" fill="{colours.ink}" clip-path="url(#c)"/>'
    return (
        waves + circle(200 - dx, 220 - dy, r, colours.shape) + circle(200 + dx, 220 + dy, r, colours.glow) + clip + both
    )


def spiral(pen: Random, colours: Palette) -> str:
    """Thriller: a spiral that draws someone in."""
    x, y, turn, way = pen.uniform(175, 225), pen.uniform(200, 235), pen.uniform(0, 2 * pi), pen.choice((-1, 1))
    arms = []
    for arm in range(4):
        places = [(step * 8.5, turn + arm * pi / 2 + way * step * 0.2) for step in range(46)]
        steps = [f"{x + r * cos(a):.1f} {y + r * sin(a):.1f}" for r, a in places]
        arms.append(
            path("M" + " L".join(steps), stroke=colours.shape if arm % 2 else colours.glow, line=15, opacity=0.9)
        )
    fall = f'<g transform="translate({x:.1f} {y:.1f}) rotate({pen.uniform(-50, 50):.0f})">'
    figure = circle(0, -27, 9, colours.ink) + path(
        "M0 -16 V10 M0 -12 L-22 -24 M0 -12 L22 -2 M0 10 L-15 32 M0 10 L18 28", stroke=colours.ink, line=7
    )
    return "".join(arms) + circle(x, y, 52, colours.ground) + fall + figure + "</g>"


def arcs(pen: Random, colours: Palette) -> str:
    """A film of no listed kind: quarter discs on a grid."""
    tiles = []
    for row in range(4):
        for column in range(4):
            x, y, turn = column * 100, row * 100, pen.choice((0, 90, 180, 270))
            colour = pen.choice((colours.shape, colours.glow, colours.ground, colours.ink))
            tiles.append(
                f'<path d="M{x} {y} h100 a100 100 0 0 1 -100 100Z" fill="{colour}" opacity=".9" '
                f'transform="rotate({turn} {x + 50} {y + 50})"/>'
            )
    return "".join(tiles)
