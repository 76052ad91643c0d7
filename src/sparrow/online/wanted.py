"""What a list is asked for with, the same for a movie's list, a person's and a guest's."""

from dataclasses import dataclass
from typing import Final

NOWHERE: Final = ""
"""The region of those who do not say where they are; windows with regions are closed there."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """How long a list shall be, what may stand in it, and what shall be told about it.

    Attributes:
        size: movies at most.
        exclude: ids of movies that shall not stand in it; unknown ones are passed over.
        explain: add a trace to every movie, and the time each stage took.
        region: a country or a part of one (ISO 3166), upper case.
        age: of who looks on, in years; None sees movies whatever their age rating.
        explain_movie: id of a movie to be told about: what became of it.
    """

    size: int
    exclude: frozenset[int] = frozenset()
    explain: bool = False
    region: str = NOWHERE
    explain_movie: int | None = None
    age: int | None = None
