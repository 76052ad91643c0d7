"""Which picture a film gets: its most telling genre chooses motif and letters, its id the palette and the variation."""

from dataclasses import dataclass
from random import Random
from typing import Final

from sparrow.web import poster_scenes as scenes
from sparrow.web import poster_signs as signs
from sparrow.web.poster_pen import HEIGHT, WIDTH, Motif, Palette

SERIF: Final = "Iowan Old Style, Palatino Linotype, Palatino, P052, Noto Serif, Georgia, serif"
SANS: Final = "Avenir Next, Avenir, Futura, Century Gothic, Segoe UI, Helvetica Neue, Noto Sans, sans-serif"
SLAB: Final = "Rockwell, Roboto Slab, Bookman Old Style, URW Bookman, Georgia, serif"


@dataclass(frozen=True, slots=True)
class Style:
    """How films of one kind look."""

    motif: Motif
    font: str
    centred: bool
    palettes: tuple[Palette, ...]


@dataclass(frozen=True, slots=True)
class Artwork:
    """A drawn background and what the title on it needs to know."""

    picture: str
    palette: Palette
    font: str
    centred: bool


def _style(motif: Motif, font: str, centred: bool, *palettes: str) -> Style:
    return Style(motif, font, centred, tuple(Palette(*(f"#{colour}" for colour in row.split())) for row in palettes))


# sky, ground, shape, glow, ink. The most telling kinds come first: a film takes the first of these that it has.
STYLES: Final[dict[str, Style]] = {
    "Film-Noir": _style(
        scenes.blinds, SERIF, False, "3a3a40 0d0d10 6a6a70 e9e2cf f6f1e4", "2c3038 0b0c10 596273 cfd8e0 f2f5f8"
    ),
    "Western": _style(
        scenes.mesas,
        SLAB,
        True,
        "f0a45c 3b1710 b4482a ffdf9a fff0d6",
        "e9825f 331a25 8e3b46 ffd07a ffeed8",
        "f3c178 42200f a8562c fff0bf fff4e0",
    ),
    "Musical": _style(
        signs.vinyl,
        SANS,
        True,
        "f2577a 2b0f33 ff9a5a ffd76a fff3df",
        "4a4ad0 160f3d ff6f91 ffc861 f7efff",
        "18a39a 0c2a36 f7b538 ff7a59 fff6e0",
    ),
    "Horror": _style(
        scenes.branches,
        SERIF,
        False,
        "5a1120 0c0507 e23b3b f2d7a0 fbeadb",
        "20323a 05090b d93a2f cfe0c0 eef5ea",
        "3a2350 09050f ff5340 e9c8e8 f6ecff",
    ),
    "Animation": _style(
        signs.bounce,
        SANS,
        True,
        "69c7e8 10375c ff7f66 ffd35c fff8ea",
        "ffb870 54204a 4bbfa5 fff0b0 fff6e6",
        "9d8cf0 2a1a5e ff8fb3 ffe27a fdf6ff",
    ),
    "Documentary": _style(
        signs.aperture,
        SANS,
        False,
        "d9d2c2 22303a 4f7f86 f0a04b f8f3e8",
        "b9cfc4 1d2b2a 3f6f63 f4c95d f4f8f1",
        "d8c3b0 31242c 94596a f2b35e fbf2ea",
    ),
    "Sci-Fi": _style(
        scenes.planet,
        SANS,
        False,
        "12306b 060a1f 2fc6d6 ffb15c eaf6ff",
        "3a1466 0a0620 ff5fa2 ffd27a f6ecff",
        "0d4a52 031217 5be0a8 f4e27a eafff6",
    ),
    "Fantasy": _style(
        scenes.castle,
        SERIF,
        True,
        "3f3a8c 120e33 a25bd0 ffe3a1 fbf3ff",
        "176a74 08242c 3fb7a0 ffe9a8 effff9",
        "7b3470 1e0d2b e0679a ffd9a0 fff0f6",
    ),
    "Mystery": _style(
        signs.keyhole,
        SERIF,
        True,
        "1e4a4f 07181b 2f8d86 f2cf7a f5efd9",
        "41305e 110b20 8465b8 f4c98a f5eeff",
        "5b2d2d 170a0a a6503f f0d08a fbefdd",
    ),
    "Crime": _style(
        signs.prints,
        SANS,
        False,
        "2a2f3a 0c0e13 d9d2bf f0b429 f7f2e4",
        "4a1d1f 120607 f0d9c0 ff8a3c fdf0e2",
        "1d3a33 07120f d5e0cc e9c046 f2f7ea",
    ),
    "IMAX": _style(
        signs.frames, SANS, True, "134074 0b132b 3e7cb1 f4a259 f1f7ff", "5f2a6a 180b24 a24fa6 ffb86b fbf0ff"
    ),
    "Children": _style(
        scenes.kites,
        SANS,
        True,
        "8fd3f0 1f4d6b 62b884 ffcf56 fffaec",
        "ffc9a3 6b2d46 f2789f ffe486 fff6ea",
        "b7e3c0 1f5140 f08a5d ffe07a fbfff0",
    ),
    "Romance": _style(
        signs.discs,
        SERIF,
        True,
        "f7b7a3 571b36 e0566f ffcf91 fff1e8",
        "f3c6d3 46205e a85bb0 ffd9a8 fff2f8",
        "f9c78b 5e1f2a d9483b fff0c4 fff4e6",
    ),
    "War": _style(
        scenes.searchlights,
        SLAB,
        False,
        "7c8262 1a1c14 c4552d e8dfae f4efd8",
        "6f7c88 14181d b7412f dfe3d4 f2f4ee",
        "a87f53 20160f 8e2f21 f1dcae faf0dc",
    ),
    "Adventure": _style(
        scenes.peaks,
        SLAB,
        False,
        "f5b562 1b2f3a 2f6f73 fff0b8 fdf6e3",
        "7fb9c9 14273a 35627f ffe08a f3fafc",
        "e98f63 2b1836 7a3b69 ffe3a3 fff1e6",
    ),
    "Thriller": _style(
        signs.spiral,
        SANS,
        False,
        "c8321f 170606 5e0f0d f5d9a8 fff1dd",
        "1f3b63 060b16 0f2344 e9e3cf f2f5fb",
        "d98a1c 1a0f05 6b3d09 fff0c9 fff6e2",
    ),
    "Comedy": _style(
        signs.grin,
        SANS,
        True,
        "ffd75e 7a1f2b f59a3c fff1b8 fff6e0",
        "7fd0c4 14404e 4aa79b ffe27a f3fffb",
        "ff9f80 5a1846 f2714f ffe08f fff1ea",
    ),
    "Action": _style(
        signs.shards,
        SANS,
        False,
        "e8452c 1a0a0c 7d1416 ffc04d fff3e0",
        "1b6fa8 07131f 0c3b63 ffd25e f0f8ff",
        "f08a24 1c0f0a 8c2f12 ffe39a fff5e3",
    ),
    "Drama": _style(
        scenes.curtain,
        SERIF,
        True,
        "5d2230 16080d 8f2d3a f5d08a fbefdc",
        "24425a 0a131b 2f5f7d f3d9a4 f0f6fa",
        "4b4a2a 12120a 7a7438 f6e3a0 f8f4e0",
        "46305f 110a1c 6d4a8c f2cfa0 f6effc",
    ),
}
PLAIN: Final = _style(
    signs.arcs, SANS, False, "e7d8bd 2a2430 c75b39 e8a33d f9f1e1", "cbd8d6 1c2b33 3d7a80 e9b44c f4f8f6"
)


def draw(movie_id: int, genres: tuple[str, ...]) -> Artwork:
    """The background of one film; the same for the same id and genres, in every process.

    Its most telling genre gives colours and letters, any of its genres the picture, so that films of one kind belong
    together and still differ.
    """
    styles = [style for genre, style in STYLES.items() if genre in genres] or [PLAIN]
    # Seeded with text: Python hashes that with SHA-512, so that neighbouring ids share nothing.
    pen = Random(f"sparrow:{movie_id}")
    palette = pen.choice(styles[0].palettes)
    motif = pen.choice([styles[0], *styles]).motif
    picture = motif(pen, palette)
    if pen.random() < 0.5:
        picture = f'<g transform="translate({WIDTH} 0) scale(-1 1)">{picture}</g>'
    sky = (
        '<linearGradient id="g" x1="0" y1="0" x2="0" y2="1">'
        f'<stop offset="0" stop-color="{palette.sky}"/><stop offset=".95" stop-color="{palette.ground}"/>'
        f'</linearGradient><rect width="{WIDTH}" height="{HEIGHT}" fill="url(#g)"/>'
    )
    return Artwork(sky + picture, palette, styles[0].font, styles[0].centred)
