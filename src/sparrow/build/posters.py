"""Which picture of the folder of posters is which movie's, and what is told of the others.

A picture is called by what the dataset calls its movie, a number or a text; what a file name cannot hold is percent-encoded,
as in the site's paths: `a%2Fb.jpg` is the picture of `a/b`.
"""

import logging
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final
from urllib.parse import quote, unquote

import numpy as np
from numpy.typing import NDArray

from sparrow.config import Settings
from sparrow.datasets import open_source
from sparrow.datasets.identities import read_ids
from sparrow.datasets.pictures import list_others, list_pictures
from sparrow.datasets.report import Tally
from sparrow.errors import DataError, InvalidInput
from sparrow.stores.outside_ids import find_raw

if TYPE_CHECKING:
    from sparrow.embeddings.posters import Floats

log = logging.getLogger(__name__)

DESCRIBED: Final = ("content", "fusion")
"""Embeddings that posters go into."""

NAMED: Final = 5
"""Files that a message names."""


@dataclass(frozen=True, slots=True)
class Posters:
    """What lies in a folder of posters.

    Attributes:
        paths: raw movie id → its picture.
        unknown: names of pictures of no known movie.
        spare: names of pictures of a movie that has one already, by name: `1.jpg` stands before `1.png`.
        others: names of files that are no pictures by their names.
    """

    paths: Mapping[int, Path]
    unknown: tuple[str, ...]
    spare: tuple[str, ...]
    others: tuple[str, ...]


def find_posters(folder: Path, ids: Collection[int], names: Mapping[int, str]) -> Posters:
    """Look through a folder without opening a picture.

    Args:
        folder: of pictures.
        ids: raw ids of the movies there are.
        names: raw id → outside id, of those that have one.

    Raises:
        InvalidInput: there is no such folder.
    """
    known, paths = frozenset(ids), dict[int, Path]()
    unknown, spare = list[str](), list[str]()
    for path in list_pictures(folder):
        meant = (find_raw(text, names.get) for text in (path.stem, unquote(path.stem)))
        movie = next((raw for raw in meant if raw in known), None)
        if movie is None:
            unknown.append(path.name)
        elif movie in paths:
            spare.append(path.name)
        else:
            paths[movie] = path
    return Posters(paths, tuple(unknown), tuple(spare), list_others(folder))


def check_posters(source: str, settings: Settings) -> None:
    """Refuse a folder that says nothing about a dataset, before a build begins; reads the catalogue and one good picture.

    Args:
        source: the dataset's name or path.
        settings: of the build, with a folder of posters.

    Raises:
        InvalidInput: the folder is missing or holds no picture of a movie, or no embedding of the release would use it.
    """
    folder, embeddings = Path(settings.embeddings.posters), settings.embeddings.movies
    if not set(embeddings) & set(DESCRIBED):
        raise InvalidInput(
            f"The posters in {folder} go into the embeddings {' and '.join(DESCRIBED)}, and embeddings.movies has only "
            f"{', '.join(embeddings)}; add one of the two, or leave the posters out."
        )
    data, outside = open_source(source), dict(read_ids(Path(source), "movies"))
    movies = {row.movie.movie_id for row in data.movies(Tally(data.files["movies"]))}
    found = find_posters(folder, movies, outside)
    if not any(_is_picture(path) for path in found.paths.values()):
        names, first = [path.name for path in list_pictures(folder)], min(movies, default=1)
        raise InvalidInput(
            f"The folder of posters {str(folder)!r} holds no picture of a movie of {source} that can be read: {len(names)} "
            f"pictures{_such_as(names)}, {len(found.paths)} of them called by the id of a movie; name them by id, such as "
            f"{quote(str(outside.get(first, first)), safe='')}.jpg, as JPEG, PNG or WebP."
        )


def read_posters(
    folder: Path, data: Path, ids: NDArray[np.int64], progress: Callable[[int, int], None]
) -> tuple["Floats", dict[str, int]]:
    """Describe the posters of a catalogue; warns of every file that was of no use.

    Args:
        folder: of pictures.
        data: the canonical folder, with the table of outside ids where there is one.
        ids: (n,) raw ids of its movies, ascending.
        progress: told (done, total).

    Returns:
        (n, DIM) rows of `describe_pictures`, zeros without a picture; and how many files were what.
    """
    from sparrow.embeddings.posters import DIM, describe_pictures

    found = find_posters(folder, ids.tolist(), dict(read_ids(data, "movies")))
    movies = sorted(found.paths)
    described, unreadable = describe_pictures([found.paths[movie] for movie in movies], progress)
    vectors = np.zeros((len(ids), DIM), dtype=np.float32)
    vectors[np.searchsorted(ids, movies)] = described
    _warn(folder, "that cannot be read", [path.name for path in unreadable], next(iter(unreadable.values()), ""))
    _warn(folder, "of no known movie", found.unknown)
    _warn(folder, "of a movie that has a picture already", found.spare)
    _warn(folder, "of other kinds, by their names no JPEG, PNG or WebP", found.others)
    return vectors, {
        "read": len(movies) - len(unreadable),
        "unreadable": len(unreadable),
        "unknown": len(found.unknown),
        "spare": len(found.spare),
        "other_files": len(found.others),
    }


def _is_picture(path: Path) -> bool:
    from sparrow.embeddings.posters import describe_picture

    try:
        describe_picture(path)
    except DataError:
        return False
    return True


def _warn(folder: Path, which: str, names: Sequence[str], why: str = "") -> None:
    if names:
        first = f"; the first: {why}" if why else ""
        log.warning("%s: left out %d %s%s%s", folder, len(names), which, _such_as(names), first)


def _such_as(names: Sequence[str]) -> str:
    shown = ", ".join(map(repr, names[:NAMED]))
    return f" ({shown}{', …' if len(names) > NAMED else ''})" if shown else ""
