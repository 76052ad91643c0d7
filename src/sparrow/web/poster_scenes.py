"""Posters that show a place: one small scene per kind of film. Random numbers vary it from film to film."""

from random import Random

from sparrow.web.poster_pen import HEIGHT, WIDTH, Palette, circle, path, polygon, rect, ridge, stars


def peaks(pen: Random, colours: Palette) -> str:
    """Adventure: the sun behind ranges, and a way through them."""
    x, turn = pen.uniform(110, 290), pen.uniform(-40, 40)
    way = f"M{200 + turn:.0f} 600 C{120 - turn:.0f} 500 {300 + turn:.0f} 440 {x:.0f} 350"
    return (
        circle(x, pen.uniform(150, 210), pen.uniform(58, 92), colours.glow)
        + ridge(pen, 290, 70, colours.shape, 5, 0.55)
        + ridge(pen, 350, 60, colours.shape, 7)
        + ridge(pen, 430, 40, colours.ground, 5, 0.85)
        + path(way, stroke=colours.glow, line=5, opacity=0.85)
    )


def kites(pen: Random, colours: Palette) -> str:
    """Children: balloons over a hill."""
    drawn = [path("M-20 470 Q120 330 260 420 T430 380 V600 H-20Z", colours.shape, 0.8)]
    for number in range(pen.choice((4, 5, 6))):
        x, y, r = 60 + number * 62 + pen.uniform(-16, 16), pen.uniform(90, 250), pen.uniform(30, 50)
        colour = (colours.glow, colours.ink, colours.shape)[number % 3]
        drawn.append(
            path(f"M{x:.0f} {y + r:.0f} Q{x + 20:.0f} {y + 130:.0f} 200 430", stroke=colours.ink, line=1.5, opacity=0.5)
        )
        drawn.append(f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{r * 0.86:.1f}" ry="{r:.1f}" fill="{colour}"/>')
        drawn.append(circle(x - r * 0.3, y - r * 0.35, r * 0.16, "#fff", 0.6))
    return "".join(drawn)


def curtain(pen: Random, colours: Palette) -> str:
    """Drama: a lit stage between curtains, and one figure."""
    x = pen.uniform(150, 250)
    light = polygon([(x - 18, -10), (x + 18, -10), (x + 120, 440), (x - 120, 440)], colours.glow, 0.5)
    stage = f'<ellipse cx="{x:.1f}" cy="440" rx="128" ry="26" fill="{colours.glow}" opacity=".85"/>'
    figure = circle(x, 318, 15, colours.ground) + path(
        f"M{x - 21:.0f} 438 L{x - 13:.0f} 342 Q{x:.0f} 330 {x + 13:.0f} 342 L{x + 21:.0f} 438Z", colours.ground
    )
    folds = []
    for fold in range(5):
        wide = 74 - fold * 12 + pen.uniform(-5, 5)
        for edge, outer, bend in ((wide, 0, 1), (WIDTH - wide, WIDTH, -1)):
            hem = f"Q{edge + 12 * bend:.0f} 300 {edge - 14 * bend:.0f} 600"
            folds.append(path(f"M{outer} 0 H{edge:.0f} {hem} H{outer}Z", colours.shape, 0.42))
    return light + stage + figure + "".join(folds)


def castle(pen: Random, colours: Palette) -> str:
    """Fantasy: towers under a large moon."""
    drawn = [stars(pen, 46, colours.ink), circle(pen.uniform(120, 280), 190, pen.uniform(90, 118), colours.glow, 0.95)]
    for x in range(96, 300, 44):
        top, wide = pen.uniform(190, 320), pen.uniform(28, 40)
        drawn.append(rect(x, top, wide, 420, colours.ground))
        drawn.append(
            polygon([(x - 7, top), (x + wide + 7, top), (x + wide / 2, top - pen.uniform(44, 72))], colours.shape)
        )
        drawn.append(rect(x + wide / 2 - 4, top + 26, 8, 15, colours.glow, 0.95, 4))
    return "".join(drawn) + ridge(pen, 400, 26, colours.ground)


def blinds(pen: Random, colours: Palette) -> str:
    """Film noir: light through blinds, a hat in it."""
    x, tilt = pen.uniform(165, 235), pen.uniform(-7, 7)
    bars = "".join(rect(-60, 20 + bar * 38, 520, 17, colours.glow, 0.78 - bar * 0.045) for bar in range(12))
    brim = f"M{x - 118:.0f} 262 Q{x:.0f} 296 {x + 118:.0f} 262 Q{x + 60:.0f} 248 {x + 56:.0f} 242"
    crown = f"L{x + 44:.0f} 176 Q{x:.0f} 150 {x - 44:.0f} 176 L{x - 56:.0f} 242 Q{x - 60:.0f} 248 {x - 118:.0f} 262Z"
    hat = path(f"{brim} {crown}", colours.ground)
    face = path(f"M{x - 46:.0f} 262 Q{x - 44:.0f} 350 {x:.0f} 366 Q{x + 44:.0f} 350 {x + 46:.0f} 262Z", colours.ground)
    coat = path(
        f"M{x - 170:.0f} 600 Q{x - 150:.0f} 400 {x - 30:.0f} 356 H{x + 30:.0f} Q{x + 150:.0f} 400 {x + 170:.0f} 600Z",
        colours.ground,
    )
    return f'<g transform="rotate({tilt:.1f} 200 240)">{bars}</g>{hat}{face}{coat}'


def branches(pen: Random, colours: Palette) -> str:
    """Horror: a dead tree before the moon."""
    moon = circle(pen.uniform(150, 270), 185, pen.uniform(92, 124), colours.glow)
    root = pen.uniform(110, 180)
    limbs = [path(f"M{root - 26:.0f} 600 Q{root:.0f} 420 {root + 16:.0f} 250", stroke=colours.ground, line=26)]
    for _ in range(9):
        y, reach, lift = pen.uniform(230, 400), pen.uniform(80, 210), pen.uniform(40, 150)
        side = pen.choice((-1, 1, 1))
        bend = root + side * reach * 0.5
        limbs.append(
            path(
                f"M{root + 8:.0f} {y:.0f} Q{bend:.0f} {y - lift * 0.2:.0f} {root + side * reach:.0f} {y - lift:.0f}",
                stroke=colours.ground,
                line=pen.uniform(3, 9),
            )
        )
    eyes = circle(292, 392, 5, colours.shape) + circle(314, 392, 5, colours.shape)
    return moon + "".join(limbs) + ridge(pen, 440, 18, colours.ground, 9) + eyes


def planet(pen: Random, colours: Palette) -> str:
    """Science fiction: a ringed planet over a grid."""
    x, y, r, tilt = pen.uniform(140, 260), pen.uniform(165, 225), pen.uniform(74, 104), pen.uniform(-28, 28)
    ring = (
        f'<ellipse cx="{x:.1f}" cy="{y:.1f}" rx="{r * 1.75:.1f}" ry="{r * 0.42:.1f}" fill="none" stroke="{colours.ink}" '
        f'stroke-width="{pen.uniform(4, 9):.1f}" opacity=".8" transform="rotate({tilt:.0f} {x:.1f} {y:.1f})"/>'
    )
    outer, inner = f"A{r:.1f} {r:.1f} 0 0 1", f"A{r * 1.5:.1f} {r * 1.5:.1f} 0 0 0"
    shade = path(f"M{x:.1f} {y - r:.1f} {outer} {x:.1f} {y + r:.1f} {inner} {x:.1f} {y - r:.1f}Z", colours.ground, 0.42)
    vanishing = "".join(
        path(f"M{200 + fan * 12} 372 L{200 + fan * 110} 600", stroke=colours.shape, line=2, opacity=0.8)
        for fan in range(-6, 7)
    )
    level = "".join(rect(0, 372 + step * step * 5, WIDTH, 2, colours.shape, 0.8) for step in range(7))
    moon = circle(pen.uniform(40, 360), pen.uniform(40, 90), pen.uniform(9, 20), colours.shape)
    return stars(pen, 60, colours.ink) + moon + circle(x, y, r, colours.glow) + shade + ring + vanishing + level


def searchlights(pen: Random, colours: Palette) -> str:
    """War: beams over a broken skyline."""
    beams = []
    for _ in range(4):
        foot, head = pen.uniform(40, 360), pen.uniform(-80, 480)
        beams.append(polygon([(foot, 440), (head - 34, -20), (head + 34, -20)], colours.glow, 0.34))
    walls, x = [], 0.0
    while x < WIDTH:
        wide, top = pen.uniform(30, 62), pen.uniform(290, 400)
        broken = [(x, HEIGHT), (x, top), (x + wide * 0.3, top + pen.uniform(-26, 26)), (x + wide * 0.6, top + 14)]
        walls.append(polygon([*broken, (x + wide, top + pen.uniform(-20, 40)), (x + wide, HEIGHT)], colours.ground))
        x += wide
    return "".join(beams) + circle(pen.uniform(80, 320), 120, 40, colours.shape) + "".join(walls)


def mesas(pen: Random, colours: Palette) -> str:
    """Western: the sun sets behind table mountains."""
    sun = circle(pen.uniform(120, 280), 250, pen.uniform(92, 126), colours.glow)
    tables = []
    for x in (pen.uniform(-40, 20), pen.uniform(120, 180), pen.uniform(270, 320)):
        wide, top = pen.uniform(70, 130), pen.uniform(230, 310)
        outline = [(x, top), (x + wide, top), (x + wide + 26, 380), (x + wide + 60, 420), (x - 60, 420), (x - 26, 380)]
        tables.append(polygon(outline, colours.shape, 0.92))
    c = pen.choice((70, 318))
    cactus = path(f"M{c} 480 V330 M{c} 420 H{c - 26} V372 M{c} 400 H{c + 26} V350", stroke=colours.ground, line=15)
    return (
        sun
        + "".join(tables)
        + rect(0, 412, WIDTH, 200, colours.ground, 0.55)
        + cactus
        + ridge(pen, 462, 14, colours.ground, 4)
    )
