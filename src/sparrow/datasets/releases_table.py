"""What GroupLens publishes: the releases of MovieLens that `sparrow data fetch` brings, and where they are kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sparrow.config import find_home
from sparrow.datasets.about import About, movielens

SITE: Final = "https://files.grouplens.org/datasets/movielens"

NOT_PASSED_ON: Final = (
    "The README of this release is stricter: its data may not be passed on without separate permission."
)


@dataclass(frozen=True, slots=True)
class Release:
    """One release.

    Attributes:
        md5: the published checksum of its zip file; "" for a release that changes with time, whose checksum is asked
            for beside the file.
        note: what its README says beyond the common licence.
    """

    name: str
    title: str
    md5: str = ""
    note: str = ""

    @property
    def url(self) -> str:
        """Its zip file."""
        return f"{SITE}/{self.name}.zip"

    @property
    def about(self) -> About:
        """Whose data it is."""
        return movielens(self.name, self.title, self.note)


def folder_of(name: str, home: Path | None = None) -> Path:
    """Where a fetched release lies; `home` is the state folder, by default `SPARROW_HOME` or ./var."""
    return (home or find_home()) / "datasets" / name


RELEASES: Final[Mapping[str, Release]] = {
    release.name: release
    for release in (
        Release(
            "ml-100k",
            "MovieLens 100K of 1998: 100,000 ratings of 1,682 movies by 943 people",
            "0e33842e24a9c977be4e0107933c0723",
            NOT_PASSED_ON,
        ),
        Release(
            "ml-1m",
            "MovieLens 1M of 2003: 1,000,209 ratings of 3,883 movies by 6,040 people",
            "c4d9eecfca2ab87c1945afe126590906",
            NOT_PASSED_ON,
        ),
        Release(
            "ml-10m",
            "MovieLens 10M of 2009: 10,000,054 ratings of 10,681 movies by 71,567 people",
            "ce571fd55effeba0271552578f2648bd",
            NOT_PASSED_ON,
        ),
        Release(
            "ml-20m",
            "MovieLens 20M of 2015: 20,000,263 ratings of 27,278 movies by 138,493 people",
            "cd245b17a1ae2cc31bb14903e1204af3",
        ),
        Release(
            "ml-25m",
            "MovieLens 25M of 2019: 25,000,095 ratings of 62,423 movies by 162,541 people",
            "6b51fb2759a8657d3bfcbfc42b592ada",
        ),
        Release(
            "ml-32m",
            "MovieLens 32M of 2023: 32,000,204 ratings of 87,585 movies by 200,948 people",
            "d472be332d4daa821edc399621853b57",
        ),
        Release("ml-latest-small", "MovieLens latest-small: some 100,000 ratings; changes with time"),
        Release("ml-latest", "MovieLens latest: some 33 million ratings; changes with time"),
    )
}
