"""How a release lies in a folder: its files, and who reads them. The table of all layouts is `sources.FOLDERS`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from sparrow.datasets.records import CSV, Form

if TYPE_CHECKING:
    from sparrow.datasets.sources import Source


class Part(NamedTuple):
    """One file of a layout."""

    name: str
    form: Form = CSV


@dataclass(frozen=True, slots=True)
class Layout:
    """One way of laying a dataset out in a folder.

    Attributes:
        releases: what is published in this layout, in words.
        reader: makes the source of a folder that fits.
        required: part → file; a folder that has all of them fits.
        optional: part → file.
    """

    releases: str
    reader: "Callable[[Path, Layout], Source]"
    required: Mapping[str, Part]
    optional: Mapping[str, Part] = field(default_factory=dict)

    @property
    def needs(self) -> str:
        """The required files, in words."""
        return " and ".join(part.name for part in self.required.values())

    def missing(self, folder: Path) -> list[str]:
        """The required files that a folder lacks."""
        return [part.name for part in self.required.values() if not (folder / part.name).is_file()]

    def open(self, folder: Path) -> "Source":
        """A folder that fits, as a source."""
        return self.reader(folder, self)
