"""Where ratings come from: the shape of a source, and the two tables that choose it, by name and by a folder's files."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from sparrow.datasets.about import About
from sparrow.datasets.builtin import Builtin
from sparrow.datasets.catalogue import Catalogue
from sparrow.datasets.imported import IMPORTED
from sparrow.datasets.layouts import Layout
from sparrow.datasets.movielens import LATEST, ML_1M, ML_10M
from sparrow.datasets.movielens_100k import ML_100K
from sparrow.datasets.releases_table import RELEASES, folder_of
from sparrow.datasets.report import FileReport, Tally
from sparrow.datasets.rows import LinkRow, MovieRow, Ratings, TagRow
from sparrow.errors import DataError


class Source(Protocol):
    """A dataset that can be read. It parses; what values mean and which rows stay is for the importer.

    Every method counts the rows it meets in `tally.rows`, notes there the rows it cannot read, and yields the others in
    file order, in bounded memory.
    """

    @property
    def about(self) -> About:
        """Whose data it is."""
        ...

    @property
    def files(self) -> Mapping[str, str]:
        """Which parts there are ("ratings", "movies"; "links", "tags" and others), and what their files are called."""
        ...

    @property
    def first_line(self) -> int:
        """The line of row 0, as an editor shows it."""
        ...

    def fingerprint(self) -> str:
        """A hash of the content: equal data, equal fingerprint."""
        ...

    def ratings(self, tally: Tally, /) -> Iterator[Ratings]:
        """Blocks of ratings."""
        ...

    def movies(self, tally: Tally, /) -> Iterator[MovieRow]:
        """The catalogue."""
        ...

    def links(self, tally: Tally, /) -> Iterator[LinkRow]:
        """Ids elsewhere."""
        ...

    def tags(self, tally: Tally, /) -> Iterator[TagRow]:
        """Free words."""
        ...

    def write_attributes(self, catalogue: Catalogue, folder: Path, /) -> tuple[FileReport, ...]:
        """Write what else is known of people and movies into the canonical folder (`datasets.attributes`).

        Returns:
            What became of the rows of each further file; () when there is none.
        """
        ...


@dataclass(frozen=True, slots=True)
class Named:
    """A dataset that goes by a name and is always there; `about` can be told without opening it."""

    about: About
    open: Callable[[], Source]


NAMED: Final[Mapping[str, Named]] = {"builtin": Named(Builtin.about, Builtin)}

FOLDERS: Final[tuple[Layout, ...]] = (LATEST, ML_100K, ML_1M, ML_10M, IMPORTED)
"""How a folder may be laid out; the first that fits reads it (a folder of ml-1m would do as one of ml-10m)."""


def open_source(source: str | Path) -> Source:
    """A named dataset, a fetched release, or the folder at a path; a name wins over a folder that is called like it.

    Raises:
        DataError: there is none of them, or the folder fits no layout.
    """
    if str(source) in NAMED:
        return NAMED[str(source)].open()
    folder = locate_dataset(source)
    if not folder.exists():
        names = ", ".join((*NAMED, *RELEASES))
        raise DataError(
            f"There is no dataset and no folder {str(source)!r}; known datasets: {names}; or name a folder."
        )
    return find_layout(folder).open(folder)


def locate_dataset(source: str | Path, home: Path | None = None) -> Path:
    """The folder of a release fetched into `home` (by default `SPARROW_HOME` or ./var); any other source as a path.

    Raises:
        DataError: a release goes by this name and has not been fetched.
    """
    name = str(source)
    if name not in RELEASES:
        return Path(source)
    if folder_of(name, home).is_dir():
        return folder_of(name, home)
    if not Path(source).exists():
        raise DataError(
            f"{name} has not been fetched: {folder_of(name, home)} is not there; "
            f"run `sparrow data fetch {name}`, or name the folder that holds its files."
        )
    return Path(source)


def find_layout(folder: Path) -> Layout:
    """How a folder is laid out.

    Raises:
        DataError: it fits no layout; the message names what it lacks.
    """
    if not folder.is_dir():
        raise DataError(
            f"{folder} is not a folder; name an unpacked MovieLens folder or a dataset of `sparrow data list`."
        )
    fitting = next((layout for layout in FOLDERS if not layout.missing(folder)), None)
    if fitting is None:
        raise DataError(_explain_misfit(folder))
    return fitting


def list_datasets() -> tuple[About, ...]:
    """The datasets that go by a name and are always there."""
    return tuple(named.about for named in NAMED.values())


def fingerprint(source: str | Path) -> str:
    """A hash of a dataset's content, for telling whether a build is stale; reads the bytes, parses nothing.

    Raises:
        DataError: there is no such dataset.
    """
    return open_source(source).fingerprint()


def _explain_misfit(folder: Path) -> str:
    """What a folder lacks, the nearest layout first; where its files may be instead."""
    nearest = min(FOLDERS, key=lambda layout: len(layout.missing(folder)) / len(layout.required))
    lacks = " and no ".join(nearest.missing(folder))
    needs = ", or ".join(f"{layout.needs} ({layout.releases})" for layout in FOLDERS)
    inner = [
        path for path in sorted(folder.iterdir()) if path.is_dir() and any(not one.missing(path) for one in FOLDERS)
    ]
    hint = f"; {inner[0]} inside it is one, name that" if inner else ""
    return f"{folder} has no {lacks}; a MovieLens folder needs {needs}{hint}."
