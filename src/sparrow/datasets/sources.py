"""Where ratings come from: the shape of a source, and the one table that chooses it by name."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Protocol

from sparrow.datasets.about import About
from sparrow.datasets.builtin import Builtin
from sparrow.datasets.movielens import MovieLensFolder
from sparrow.datasets.report import Tally
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
        """Which of the parts "ratings", "movies", "links" and "tags" there are, and what their files are called."""
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


@dataclass(frozen=True, slots=True)
class Named:
    """A dataset that goes by a name; `about` can be told without opening it."""

    about: About
    open: Callable[[], Source]


NAMED: Final[Mapping[str, Named]] = {"builtin": Named(Builtin.about, Builtin)}

FOLDERS: Final[Callable[[Path], Source]] = MovieLensFolder
"""Reads everything that goes by a path."""


def open_source(source: str | Path) -> Source:
    """A named dataset, or the folder at a path; a name wins over a folder that is called like it.

    Raises:
        DataError: there is neither.
    """
    if str(source) in NAMED:
        return NAMED[str(source)].open()
    if not Path(source).exists():
        names = ", ".join(NAMED)
        raise DataError(
            f"There is no dataset and no folder {str(source)!r}; known datasets: {names}; or name a folder."
        )
    return FOLDERS(Path(source))


def list_datasets() -> tuple[About, ...]:
    """The datasets that go by a name."""
    return tuple(named.about for named in NAMED.values())


def fingerprint(source: str | Path) -> str:
    """A hash of a dataset's content, for telling whether a build is stale; reads the bytes, parses nothing.

    Raises:
        DataError: there is no such dataset.
    """
    return open_source(source).fingerprint()
