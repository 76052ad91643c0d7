"""Twenty films of clear kind, and what films like them must be."""

from dataclasses import dataclass
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.embeddings.content_files import Films


@dataclass(frozen=True)
class Case:
    """A film, and the kind its neighbours must share: one of `any_of`, all of `all_of`, in years from `since` to `until`."""

    movie: int
    title: str
    any_of: frozenset[str] = frozenset()
    all_of: frozenset[str] = frozenset()
    since: int = 0
    until: int = 9999

    def holds(self, films: Films, row: int) -> bool:
        genres, year = set(films.genres[row]), int(films.years[row])
        kind = (not self.any_of or bool(self.any_of & genres)) and self.all_of <= genres
        return kind and (year == 0 or self.since <= year <= self.until)


def _case(movie: int, title: str, any_of: str = "", all_of: str = "", since: int = 0, until: int = 9999) -> Case:
    any_set, all_set = (frozenset(words.split("|")) if words else frozenset[str]() for words in (any_of, all_of))
    return Case(movie, title, any_set, all_set, since, until)


CASES: Final = (
    _case(1, "Toy Story", any_of="Children", all_of="Animation"),
    _case(364, "The Lion King", any_of="Children|Musical", all_of="Animation"),
    _case(5618, "Spirited Away", all_of="Animation"),
    _case(455, "Free Willy", any_of="Children"),
    _case(4993, "The Fellowship of the Ring", all_of="Fantasy"),
    _case(260, "Star Wars", all_of="Sci-Fi"),
    _case(1214, "Alien", any_of="Sci-Fi|Horror"),
    _case(589, "Terminator 2", all_of="Action|Sci-Fi"),
    _case(1974, "Friday the 13th", all_of="Horror"),
    _case(968, "Night of the Living Dead", all_of="Horror"),
    _case(1201, "The Good, the Bad and the Ugly", all_of="Western"),
    _case(2028, "Saving Private Ryan", all_of="War"),
    _case(10, "GoldenEye", any_of="Thriller|Adventure", all_of="Action"),
    _case(930, "Notorious", any_of="Film-Noir|Thriller|Mystery|Romance", until=1969),
    _case(913, "The Maltese Falcon", any_of="Film-Noir|Mystery|Crime", until=1969),
    _case(539, "Sleepless in Seattle", all_of="Romance"),
    _case(1035, "The Sound of Music", all_of="Musical"),
    _case(858, "The Godfather", all_of="Crime"),
    _case(5669, "Bowling for Columbine", all_of="Documentary"),
    _case(1049, "The Ghost and the Darkness", any_of="Adventure|Action"),
)
"""Movie ids are MovieLens' own, the same in every release."""


def share(case: Case, films: Films, rows: NDArray[np.int64]) -> float:
    """Share of these neighbours, rows of the catalogue, that are of the film's kind."""
    return float(np.mean([case.holds(films, row) for row in rows.tolist()]))
