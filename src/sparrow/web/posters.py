"""`/posters/{movieId}.jpg`: the real poster where a folder has it, else one drawn for the movie, the same one every time.

The address ends in .jpg because the original site asks for that; a drawn one is SVG and says so. It depends on nothing but the
movie's id, title, year and genres.
"""

import hashlib
from functools import lru_cache
from typing import Final
from xml.sax.saxutils import escape

from fastapi import APIRouter, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.responses import Response

from sparrow.web.ids import PathId, read_movie
from sparrow.web.poster_art import Artwork, draw
from sparrow.web.poster_pen import HEIGHT, WIDTH
from sparrow.web.problems import recommender_of
from sparrow.web.real_posters import TYPES, RealPosters
from sparrow.web.titles import display_title

MEDIA_TYPE: Final = "image/svg+xml"

SMALL_FONT: Final = "Avenir Next, Avenir, Segoe UI, Helvetica Neue, Noto Sans, sans-serif"

_MARGIN: Final = 32
_ROOM: Final = WIDTH - 2 * _MARGIN
_SIZES: Final = (60, 52, 45, 39, 34, 29, 25, 21, 18)
"""Heights of letters, largest first; the first that fits is taken."""
_MOST_LINES: Final = {60: 3, 52: 3, 45: 4, 39: 4, 34: 5, 29: 5, 25: 6, 21: 7, 18: 7}
_NARROW: Final = frozenset("iIjl.,:;'!|()[]ft -’")
_WIDE: Final = frozenset("mwMW@%&—")
_FIRST_IDEOGRAPH: Final = 0x2E80

router = APIRouter(tags=["original API"], default_response_class=Response)


@router.get(
    "/posters/{movieId}.jpg",
    responses={200: {"content": {kind: {} for kind in (MEDIA_TYPE, *sorted(set(TYPES.values())))}}},
)
async def show_poster(request: Request, movieId: PathId) -> Response:  # noqa: N803
    """The poster of one movie."""
    recommender = recommender_of(request)
    movie = recommender.movie(read_movie(request, recommender, "movieId", movieId))
    real: RealPosters | None = request.app.state.posters
    found = await run_in_threadpool(real.find, movie) if real else None
    if real and not found:
        real.order(movie)
    drawn = render_poster(movie.movie_id, movie.title, movie.release_year, movie.genres)
    picture, media_type, tag = found or (drawn[0], MEDIA_TYPE, drawn[1])
    # Where real ones are looked for, a drawn one may be replaced at any moment.
    headers = {"ETag": tag, "Cache-Control": "no-cache" if real and not found else "public, max-age=86400"}
    if tag in request.headers.get("if-none-match", ""):
        return Response(status_code=304, headers=headers)
    return Response(picture, media_type=media_type, headers=headers)


@lru_cache(maxsize=1024)  # about 8 MB
def render_poster(movie_id: int, title: str, year: int, genres: tuple[str, ...]) -> tuple[bytes, str]:
    """Draw one poster, 2:3.

    Returns:
        The SVG document and its ETag.
    """
    art = draw(movie_id, genres)
    lines, size = typeset(_printable(display_title(title)))
    body = "".join((art.picture, _scrim(art), _title(lines, size, art), _footing(year, genres, art)))
    svg = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" width="{WIDTH}" height="{HEIGHT}">'
        f"{body}</svg>"
    ).encode()
    return svg, f'W/"{hashlib.blake2b(svg, digest_size=8).hexdigest()}"'


def typeset(title: str) -> tuple[list[str], int]:
    """Break a title into lines and choose the largest letters with which it fits the poster.

    Example:
        >>> typeset("Heat")
        (['Heat'], 60)
        >>> typeset("The Good, the Bad and the Ugly")
        (['The Good,', 'the Bad and', 'the Ugly'], 52)
    """
    for size in _SIZES:
        lines = _wrap(title, _ROOM / size, breaking=False)
        if len(lines) <= _MOST_LINES[size] and all(_ems(line) * size <= _ROOM for line in lines):
            return lines, size
    smallest = _SIZES[-1]
    lines = _wrap(title, _ROOM / smallest, breaking=True)
    kept = lines[: _MOST_LINES[smallest]]
    if len(kept) == len(lines):
        return lines, smallest
    return [*kept[:-1], f"{kept[-1][:-1]}…"], smallest


def _wrap(title: str, ems: float, breaking: bool) -> list[str]:
    """Greedy lines of at most `ems`; words are broken only when `breaking`, ideographs anywhere."""
    lines: list[str] = []
    for word in title.split() or ["?"]:
        if lines and _ems(f"{lines[-1]} {word}") <= ems:
            lines[-1] = f"{lines[-1]} {word}"
            continue
        while _ems(word) > ems and (breaking or ord(word[0]) >= _FIRST_IDEOGRAPH):
            cut = next(place for place in range(len(word) - 1, 0, -1) if _ems(word[:place]) <= ems)
            lines.append(word[:cut])
            word = word[cut:]
        lines.append(word)
    return lines


def _ems(text: str) -> float:
    """A cautious width of bold text, in letter heights: fonts differ between machines."""
    return sum(_em(letter) for letter in text)


def _em(letter: str) -> float:
    if letter in _NARROW:
        return 0.36
    if letter in _WIDE or ord(letter) >= _FIRST_IDEOGRAPH:
        return 1.02
    return 0.72 if letter.isupper() else 0.59


def _printable(text: str) -> str:
    """Without the characters that XML can't hold; the rest is escaped where it is written."""
    return "".join(letter for letter in text if letter.isprintable())


def _scrim(art: Artwork) -> str:
    """Ground colour rising behind the title, so that it reads on any picture."""
    colour = art.palette.ground
    stops = "".join(
        f'<stop offset="{place}" stop-color="{colour}" stop-opacity="{opacity}"/>'
        for place, opacity in ((0, 0), (0.45, 0.72), (1, 0.96))
    )
    return (
        f'<linearGradient id="s" x1="0" y1="0" x2="0" y2="1">{stops}</linearGradient>'
        f'<rect y="{HEIGHT * 0.48}" width="{WIDTH}" height="{HEIGHT * 0.52}" fill="url(#s)"/>'
    )


def _title(lines: list[str], size: int, art: Artwork) -> str:
    anchor, x = ("middle", WIDTH // 2) if art.centred else ("start", _MARGIN)
    last = HEIGHT - 68 - size * 0.28  # letters hang below their line
    spans = "".join(
        f'<text x="{x}" y="{last - (len(lines) - 1 - place) * size * 1.08:.1f}">{escape(line)}</text>'
        for place, line in enumerate(lines)
    )
    return (
        f'<g font-family="{art.font}" font-size="{size}" font-weight="700" text-anchor="{anchor}" '
        f'fill="{art.palette.ink}">{spans}</g>'
    )


def _footing(year: int, genres: tuple[str, ...], art: Artwork) -> str:
    """A rule, the year, and up to two genres in small capitals."""
    anchor, x = ("middle", WIDTH // 2) if art.centred else ("start", _MARGIN)
    words = "  ·  ".join([*([str(year)] if year else []), *genres[:2]])
    start = (WIDTH - 56) / 2 if art.centred else _MARGIN
    return (
        f'<rect x="{start}" y="{HEIGHT - 58}" width="56" height="3" fill="{art.palette.glow}"/>'
        f'<text x="{x}" y="{HEIGHT - 30}" font-family="{SMALL_FONT}" font-size="15" letter-spacing="1.5" '
        f'text-anchor="{anchor}" fill="{art.palette.ink}" fill-opacity=".78">{escape(_printable(words).upper())}</text>'
    )
