"""What a picture looks like, as a vector: its colours, and how they and the edges are laid out. No network, no training.

The picture is drawn on a small canvas of 48 x 72 pixels, whatever its size and shape, in Oklab (Ottosson, "A perceptual color
space for image processing", 2020), where distances are as people see them. p, q are pixels, Q a cell of a grid of 4 x 6.

    colours  sqrt(h), h the share of pixels near each of 4 x 5 x 5 places of the colour space, a pixel shared out among the eight
             around it; <sqrt(h), sqrt(h')> is the coefficient of Bhattacharyya (1943). Histograms: Swain & Ballard, "Color
             Indexing" (1991)
    layout   mean colour of each Q less the picture's, as MPEG-7's colour layout (Kasutani & Yamada, 2001); and the edge energy of
             each Q across and down, mean of max(0, |L_p - L_q| - JUST_SEEN) over neighbours, after its edge histogram
             (Manjunath et al., "Color and Texture Descriptors", 2001); each of the two of equal length

Each part has length 1, so has the whole. A layout fainter than what an eye tells apart fades out: in a picture of one colour it
would be noise. The mean colour is left to the first part: the same drawing in red and in blue has the same layout.
"""

import struct
import warnings
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from sparrow.errors import DataError

Floats = NDArray[np.float32]

WIDTH, HEIGHT, CELL = 48, 72, 12
COLUMNS, ROWS = WIDTH // CELL, HEIGHT // CELL

PLACES: Final = (np.linspace(0, 1, 4), np.linspace(-0.2, 0.2, 5), np.linspace(-0.2, 0.2, 5))
"""Of the histogram along L, a and b. Colours of a screen reach a little beyond ±.2 and count there."""

COLOURS: Final = int(np.prod([len(axis) for axis in PLACES]))
DIM: Final = COLOURS + ROWS * COLUMNS * (3 + 2)

JUST_SEEN: Final = 0.02
"""The least difference in Oklab that people notice."""

FORMATS: Final = ("JPEG", "PNG", "WEBP")

MOST_PIXELS: Final = 40_000_000
"""Of a picture that is read: 120 MB of memory. A few bytes can pretend to be far more."""

MOST_BYTES: Final = 100_000_000

_FAULTS: Final = (
    *(OSError, EOFError, SyntaxError, ValueError, struct.error, zlib.error),
    *(Image.DecompressionBombError, Image.DecompressionBombWarning),
)
"""What a decoder says of a file that is no picture or half of one."""

_FROM_RGB: Final = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_TO_LAB: Final = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
"""Linear sRGB to cones' answers, and the cube roots of those to L, a, b."""


def describe_pictures(
    paths: Sequence[Path], progress: Callable[[int, int], None] = lambda _done, _total: None
) -> tuple[Floats, dict[Path, str]]:
    """(n, DIM) unit rows, zeros for a picture that cannot be read; and for each of those, why.

    Takes some 5 ms for a JPEG of 500 x 750 pixels, and one picture's memory.
    """
    vectors, unreadable = np.zeros((len(paths), DIM), dtype=np.float32), dict[Path, str]()
    for row, path in enumerate(paths):
        try:
            vectors[row] = describe_picture(path)
        except DataError as error:
            unreadable[path] = str(error)
        progress(row + 1, len(paths))
    return vectors, unreadable


def describe_picture(path: Path) -> Floats:
    """(DIM,) one picture as a vector of length 1.

    Raises:
        DataError: the file is no JPEG, PNG or WebP, is cut off, or is too large to be a poster.
    """
    lab = oklab(read_canvas(path))
    return _unit(np.concatenate([colours(lab), layout(lab)])).astype(np.float32)


def read_canvas(path: Path) -> NDArray[np.uint8]:
    """(HEIGHT, WIDTH, 3) sRGB, 0-255: the picture drawn on the canvas; what is transparent is white.

    Raises:
        DataError: as `describe_picture`.
    """
    try:
        with warnings.catch_warnings():
            # Warnings are of metadata that nobody reads; the one of a bomb is to stop us.
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _draw(path)
    except _FAULTS as error:
        raise DataError(f"{path} is no picture that can be read ({error}); bring it as JPEG, PNG or WebP.") from None


def _draw(path: Path) -> NDArray[np.uint8]:
    if (size := path.stat().st_size) > MOST_BYTES:
        raise ValueError(f"{size:,} bytes, {MOST_BYTES:,} are allowed")
    with Image.open(path, formats=FORMATS) as picture:
        if picture.width * picture.height > MOST_PIXELS:
            raise ValueError(f"{picture.width} x {picture.height} pixels, {MOST_PIXELS:,} are allowed")
        # A JPEG is decoded at an eighth of its size where that is enough: several times faster.
        picture.draft("RGB", (4 * WIDTH, 4 * HEIGHT))
        if picture.has_transparency_data:
            shown = picture.convert("RGBA")
            seen = Image.alpha_composite(Image.new("RGBA", shown.size, "white"), shown).convert("RGB")
        else:
            seen = picture.convert("RGB")
        return np.asarray(seen.resize((WIDTH, HEIGHT), Image.Resampling.BILINEAR), dtype=np.uint8)


def oklab(pixels: NDArray[np.uint8]) -> NDArray[np.float64]:
    """(…, 3) sRGB, 0-255, as (…, 3) L from 0 to 1 and a, b around 0.

    Example:
        >>> oklab(np.array([255, 255, 255], dtype=np.uint8)).round(2) + 0.0
        array([1., 0., 0.])
        >>> oklab(np.array([255, 0, 0], dtype=np.uint8)).round(2)
        array([0.63, 0.22, 0.13])
    """
    share = pixels / 255
    linear = np.where(share <= 0.04045, share / 12.92, ((share + 0.055) / 1.055) ** 2.4)
    lab: NDArray[np.float64] = np.cbrt(linear @ _FROM_RGB.T) @ _TO_LAB.T
    return lab


def colours(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """(COLOURS,) square roots of the shares of pixels; length 1.

    Args:
        lab: (HEIGHT, WIDTH, 3).
    """
    pixels = lab.reshape(-1, 3)
    lightness, green_red, blue_yellow = (_shared_out(pixels[:, at], axis) for at, axis in enumerate(PLACES))
    pairs = (lightness[:, :, None] * green_red[:, None, :]).reshape(len(pixels), -1)  # (pixels, L * a)
    shares = pairs.T @ blue_yellow / len(pixels)  # (L * a, b)
    return np.asarray(np.sqrt(shares).ravel())


def _shared_out(values: NDArray[np.float64], places: NDArray[np.float64]) -> NDArray[np.float64]:
    """(n, places) how much each value belongs to the two places around it; sums to 1. No edge of a bin to fall off."""
    step = places[1] - places[0]
    inside = np.clip(values, places[0], places[-1])
    return np.asarray(np.maximum(0, 1 - np.abs(inside[:, None] - places) / step))


def layout(lab: NDArray[np.float64]) -> NDArray[np.float64]:
    """(ROWS * COLUMNS * 5,) colours and edges by cell; length 1, less where there is nothing to see.

    Args:
        lab: (HEIGHT, WIDTH, 3).
    """
    lightness = lab[..., 0]
    across = np.abs(np.diff(lightness, axis=1, append=lightness[:, -1:]))  # (HEIGHT, WIDTH)
    down = np.abs(np.diff(lightness, axis=0, append=lightness[-1:]))
    means = _cell_means(lab - lab.mean(axis=(0, 1)))
    edges = _cell_means(np.maximum(0, np.stack([across, down], axis=-1) - JUST_SEEN))
    told = np.concatenate([_faded(means, JUST_SEEN), _faded(edges, JUST_SEEN / CELL)])
    return np.asarray(told / np.sqrt(2))


def _faded(values: NDArray[np.float64], faintest: float) -> NDArray[np.float64]:
    """Flat, of length 1, or less where the root mean square is below `faintest`."""
    length = max(float(np.linalg.norm(values)), faintest * np.sqrt(values.size))
    return np.asarray(values.ravel() / length)


def _cell_means(canvas: NDArray[np.float64]) -> NDArray[np.float64]:
    """(HEIGHT, WIDTH, k) → (ROWS, COLUMNS, k)."""
    return np.asarray(canvas.reshape(ROWS, CELL, COLUMNS, CELL, -1).mean(axis=(1, 3)))


def _unit(vector: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.asarray(vector / np.linalg.norm(vector))
