"""A folder of pictures, one a movie, named by the movie's id: what lies in it, and a hash of that.

A picture is told by its suffix here, and looked into by whoever reads it. Folders inside are not searched.
"""

import hashlib
import os
from functools import lru_cache
from pathlib import Path
from typing import Final

from sparrow.errors import InvalidInput

SUFFIXES: Final = (".jpeg", ".jpg", ".png", ".webp")
"""In any case."""


def list_pictures(folder: Path) -> tuple[Path, ...]:
    """The pictures of a folder, by name.

    Raises:
        InvalidInput: there is no such folder.
    """
    return tuple(path for path in _files(folder) if path.suffix.lower() in SUFFIXES)


def list_others(folder: Path) -> tuple[str, ...]:
    """Names of files that lie there and are no pictures by their names; hidden ones aside."""
    others = (path.name for path in _files(folder) if path.suffix.lower() not in SUFFIXES)
    return tuple(name for name in others if not name.startswith("."))


def hash_pictures(folder: Path) -> str:
    """A hash of the pictures' names and bytes: the same wherever the folder lies and whenever it was copied.

    Every byte is read once in a process, and again when the size or the time of a picture has changed.

    Raises:
        InvalidInput: there is no such folder.
    """
    states = ((path, path.stat()) for path in list_pictures(folder))
    return _hash(tuple((path, state.st_size, state.st_mtime_ns) for path, state in states))


@lru_cache(maxsize=4)
def _hash(pictures: tuple[tuple[Path, int, int], ...]) -> str:
    total = hashlib.sha256()
    for path, _, _ in pictures:
        with path.open("rb") as file:
            total.update(os.fsencode(path.name) + b"\0" + hashlib.file_digest(file, "sha256").digest())
    return total.hexdigest()


def _files(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise InvalidInput(
            f"The folder of posters {str(folder)!r} does not exist; name one that holds pictures called by movie id, such as "
            "1.jpg, with --posters or embeddings.posters, or leave it out."
        )
    return sorted(path for path in folder.iterdir() if path.is_file())
