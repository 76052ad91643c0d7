"""Whose data it is: owner, licence, citation. Written beside every import as `about.json` and shown by the site."""

from dataclasses import asdict, dataclass
from pathlib import Path

import orjson


@dataclass(frozen=True, slots=True)
class About:
    """What a reader, and a court, must know about a dataset; every field is a sentence or a name."""

    name: str
    title: str
    owner: str
    licence: str
    citation: str
    home_page: str
    note: str = ""

    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))


def movielens(name: str, title: str, note: str = "") -> About:
    """What is true of every MovieLens release: GroupLens gathered it, and lends it for research.

    Example:
        >>> movielens("ml-25m", "MovieLens 25M").owner
        'GroupLens Research, University of Minnesota'
    """
    return About(
        name=name,
        title=title,
        owner="GroupLens Research, University of Minnesota",
        licence=(
            "MovieLens usage licence: free for research, with acknowledgement and without implying endorsement; "
            "redistribution only under the same conditions; commercial use only with GroupLens' prior permission."
        ),
        citation=(
            "F. Maxwell Harper and Joseph A. Konstan. 2015. The MovieLens Datasets: History and Context. "
            "ACM Transactions on Interactive Intelligent Systems (TiiS) 5, 4: 19. https://doi.org/10.1145/2827872"
        ),
        home_page="https://grouplens.org/datasets/movielens/",
        note=note,
    )
