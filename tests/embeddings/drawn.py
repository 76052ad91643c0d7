"""Drawn posters with a known answer: a disc on a ground, of a colour, at a place."""

import struct
import zlib
from pathlib import Path
from typing import Literal

from PIL import Image, ImageDraw

Place = Literal["top left", "bottom right"]


def drawn(ground: str, disc: str, place: Place = "top left", size: tuple[int, int] = (300, 450)) -> Image.Image:
    """A picture of two colours, the same at any size."""
    picture = Image.new("RGB", size, ground)
    left, top = (0.08, 0.08) if place == "top left" else (0.42, 0.56)
    box = (left * size[0], top * size[1], (left + 0.5) * size[0], (top + 0.36) * size[1])
    ImageDraw.Draw(picture).ellipse(box, disc)
    return picture


def save(picture: Image.Image, path: Path) -> Path:
    """Write a picture in the form that its suffix says; gives `path`."""
    picture.save(path)
    return path


def write_bomb(path: Path, width: int = 60_000, height: int = 60_000) -> Path:
    """A PNG of some eighty bytes that claims to be gigabytes; gives `path`."""
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", head), (b"IDAT", zlib.compress(b"")), (b"IEND", b""))
    body = (
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data)) for kind, data in chunks
    )
    path.write_bytes(b"\x89PNG\r\n\x1a\n" + b"".join(body))
    return path
