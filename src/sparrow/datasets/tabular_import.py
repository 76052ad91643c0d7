"""`sparrow data import`: anyone's files → a dataset folder that `data check`, `build` and `up` read like any other.

The folder is filled beside its place and moved in, file by file, `dataset.json` last: without that file it is no dataset.
Importing again into the same folder replaces the data and keeps every number that an outside id was ever given.
"""

import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import orjson

from sparrow.datasets.attributes import ATTRIBUTES, FILES, Kind
from sparrow.datasets.identities import ID_TABLES, IdTable, Surrogates
from sparrow.datasets.importing import import_source
from sparrow.datasets.report import CheckReport
from sparrow.datasets.tabular import open_table
from sparrow.datasets.tabular_columns import Choice, File, Role, check_named, choose
from sparrow.datasets.tabular_finish import in_outside_words
from sparrow.datasets.tabular_source import DATASET, Reading, TabularSource
from sparrow.errors import DataError, InvalidInput

GENRE_SEPARATOR: Final = "|"
MARKER: Final = ".sparrow-import"
"""In the folder while it is being filled: an import that was killed there may be repeated."""

_MAY_VANISH: Final = (*FILES.values(), ATTRIBUTES)
"""Files that an earlier import wrote and this one need not."""


@dataclass(frozen=True)
class Order:
    """What to import.

    Attributes:
        files: items and interactions, perhaps users.
        named: role → column, where the user says so.
        attributes: declared columns of items and of users.
        separator: between the fields of CSV files.
        genre_separator: between genres in one field.
        scale: lowest and highest rating; None: stars from 0.5 to 5.0.
        unwanted: roles to leave out ("rating": every interaction counts as liked; "timestamp": file order).
    """

    files: Mapping[File, Path]
    named: Mapping[Role, str] = field(default_factory=dict)
    attributes: Mapping[File, Mapping[str, Kind]] = field(default_factory=dict)
    separator: str = ","
    genre_separator: str = GENRE_SEPARATOR
    scale: tuple[float, float] | None = None
    unwanted: frozenset[Role] = frozenset()

    def __post_init__(self) -> None:
        if self.scale is not None and not self.scale[0] < self.scale[1]:
            raise InvalidInput(
                f"--rating-scale is {self.scale[0]:g} to {self.scale[1]:g}; the lowest rating comes first."
            )
        if not self.genre_separator:
            raise InvalidInput("--genre-separator is empty; name what stands between two genres, e.g. '|'.")


@dataclass(frozen=True)
class Imported:
    """What became of the files: faults, the columns taken, and "explicit" or "implicit" feedback."""

    report: CheckReport
    choices: Mapping[File, Choice]
    feedback: str


def import_tables(order: Order, out: Path, surrogates: Surrogates) -> Imported:
    """Read the files and write a dataset folder.

    Interactions stream; memory holds the catalogue, the attributes and the text ids.

    Args:
        out: the folder; made when missing, else the folder of an earlier import.
        surrogates: how a text id finds its number; the same function as the site's.

    Raises:
        InvalidInput: a column is missing or cannot be told, or `out` is someone else's folder or holds
            one of the files.
        DataError: no row of the items or of the interactions can be used; `out` is as it was.
    """
    _check_place(out, order.files)
    reading = _plan(order, out.resolve().name)
    movie_ids, user_ids = (IdTable.load(out, who, surrogates) for who in ("movies", "users"))
    source = TabularSource(reading, movie_ids, user_ids)
    out.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.resolve().parent) as fresh:
        report = import_source(source, reading.tables["interactions"].path.name, Path(fresh))
        report = in_outside_words(report, movie_ids, user_ids)
        report.check_usable()
        report.save(Path(fresh) / "report.json")
        _move_in(Path(fresh), out)
    return Imported(report, reading.choices, source.feedback)


def _plan(order: Order, name: str) -> Reading:
    tables = {file: open_table(path, order.separator) for file, path in order.files.items()}
    check_named(order.named, tables)
    choices = {
        file: choose(file, table, order.named, order.attributes.get(file, {}), order.unwanted)
        for file, table in tables.items()
    }
    if order.scale is not None and "rating" not in choices["interactions"].roles:
        raise InvalidInput("--rating-scale is given, but there is no column of ratings; name it with --rating COLUMN.")
    return Reading(tables, choices, order.genre_separator, order.scale, name)


def _check_place(out: Path, files: Mapping[File, Path]) -> None:
    if out.exists() and not out.is_dir():
        raise InvalidInput(f"--out {out} is a file; name a folder.")
    for file, path in files.items():
        if out.resolve() in path.resolve().parents:
            raise InvalidInput(
                f"--{file} {path} lies inside --out {out}, where it could be overwritten; name another folder."
            )
    if out.is_dir() and any(out.iterdir()) and not _is_ours(out):
        raise InvalidInput(f"--out {out} holds other files; name a new folder, or one of an earlier import.")


def _is_ours(out: Path) -> bool:
    """An import wrote this folder, or began to."""
    if (out / MARKER).is_file():
        return True
    try:
        described = orjson.loads((out / DATASET).read_bytes())
    except (OSError, ValueError):
        return False
    return isinstance(described, dict) and {"feedback", "order", "files"} <= described.keys()


def _move_in(fresh: Path, out: Path) -> None:
    names = {path.name for path in fresh.iterdir()} - {DATASET}
    try:
        out.mkdir(exist_ok=True)
        (out / MARKER).touch()
        (out / DATASET).unlink(missing_ok=True)
        # Numbers first: they may be in use, whatever becomes of the rest.
        for name in sorted(names, key=lambda name: (name not in ID_TABLES.values(), name)):
            shutil.move(fresh / name, out / name)
        for name in set(_MAY_VANISH) - names:
            (out / name).unlink(missing_ok=True)
        shutil.move(fresh / DATASET, out / DATASET)
        (out / MARKER).unlink()
    except OSError as error:
        raise DataError(f"The dataset cannot be moved into {out} ({error}); free space and import again.") from None
