"""Names for synthetic movies: genres and their companions, titles as MovieLens writes them, and words that people tag."""

from typing import Final

import numpy as np
from numpy.typing import NDArray

GENRES: Final[tuple[str, ...]] = (
    "Drama", "Comedy", "Thriller", "Action", "Romance", "Adventure", "Crime", "Sci-Fi", "Horror", "Fantasy",
    "Children", "Animation", "Mystery", "Documentary", "War", "Musical", "Western", "IMAX", "Film-Noir",
)  # fmt: skip

GENRE_SHARES: Final = np.array(
    [0.20, 0.17, 0.09, 0.10, 0.07, 0.06, 0.055, 0.05, 0.045, 0.035, 0.03, 0.028, 0.025, 0.02, 0.018, 0.015, 0.01, 0.005, 0.005]
) / 1.031  # fmt: skip
"""(genres,) how often each is a movie's first genre, and the mean of people's taste; sums to 1."""

COMPANIONS: Final[dict[str, tuple[str, ...]]] = {
    "Drama": ("Romance", "Crime", "War"), "Comedy": ("Romance", "Drama", "Crime"),
    "Thriller": ("Crime", "Mystery", "Action"), "Action": ("Adventure", "Thriller", "Sci-Fi"),
    "Romance": ("Drama", "Comedy", "Musical"), "Adventure": ("Action", "Fantasy", "Children"),
    "Crime": ("Drama", "Thriller", "Mystery"), "Sci-Fi": ("Action", "Adventure", "Horror"),
    "Horror": ("Thriller", "Mystery", "Sci-Fi"), "Fantasy": ("Adventure", "Children", "Romance"),
    "Children": ("Animation", "Comedy", "Adventure"), "Animation": ("Children", "Comedy", "Fantasy"),
    "Mystery": ("Thriller", "Crime", "Film-Noir"), "Documentary": ("War", "Musical", "Drama"),
    "War": ("Drama", "Action", "Adventure"), "Musical": ("Romance", "Comedy", "Children"),
    "Western": ("Action", "Adventure", "Drama"), "IMAX": ("Action", "Documentary", "Adventure"),
    "Film-Noir": ("Crime", "Mystery", "Drama"),
}  # fmt: skip
"""Genre → genres that a movie of it may have besides."""

STRAND_WORDS: Final = ("slow", "witty", "dark", "epic", "quiet", "strange")
"""Hidden strands of a genre, as people's tags call them: "dark comedy", "epic western"."""

GENERAL_TAGS: Final = (
    "In Netflix queue",
    "based on a book",
    "great soundtrack",
    "ensemble cast, big names",
    "ciné-club",
)
PRAISE: Final = ("masterpiece", '"must see"', "rewatchable", "beautiful", "top 10")
BLAME: Final = ("overrated", "boring", "too long", "weak ending", "naïve")

_FIRST: Final = (
    "Crimson", "Silent", "Last", "Golden", "Hidden", "Broken", "Midnight", "Paper", "Northern", "Electric", "Lonely", "Second",
    "Burning", "Wild", "Secret", "Distant", "Iron", "Blue", "Forgotten", "Restless", "Seventh", "Winter", "Glass", "Borrowed",
)  # fmt: skip
_SECOND: Final = (
    "Harbor", "Garden", "Summer", "Witness", "River", "Empire", "Letter", "Station", "Wedding", "Detective", "Sparrow", "Island",
    "Orchard", "Soldier", "Circus", "Mirror", "Journey", "Stranger", "Kingdom", "Promise", "Lighthouse", "Neighbor", "Machine",
    "Season", "Horizon", "Daughter", "Thief", "Carnival", "Shadow", "Voyage", "Teacher", "Planet",
)  # fmt: skip
_PLACES: Final = (
    "Paris",
    "Tokyo",
    "the City",
    "São Paulo",
    "Winter",
    "the North",
    "Málaga",
    "Wonder",
    "Chicago",
    "the Valley",
)
_FOREIGN: Final = (
    "La Niña del Río", "Le Château d'été", "Der Grüne Weg", "Smältande snö", "Żywot", "Ночь", "冬の庭", "L'Été à Nîmes",
)  # fmt: skip

_FORMS: Final = (
    lambda a, b, _: f"{a} {b}, The",
    lambda a, b, _: f"{a} {b}",
    lambda a, b, p: f"{a} {b} in {p}",
    lambda _, b, p: f"{b} of {p}, A",
    lambda a, b, p: f"{b}, the {a}, and {p}",
    lambda a, b, _: f'"{a}" {b}',
    lambda a, b, p: f"{b} from {p}: {a} Years",
)
_FORM_SHARES: Final = np.array([0.3, 0.35, 0.1, 0.1, 0.02, 0.01, 0.12])


def write_titles(
    series: NDArray[np.int64], part: NDArray[np.int64], years: NDArray[np.int64], chance: np.random.Generator
) -> list[str]:
    """Titles with the year as MovieLens puts it; the parts of a series share a name and are numbered.

    Args:
        series: (movies,) which series a movie belongs to, from 0.
        part: (movies,) its place in the series, from 0.
        years: (movies,) 0 where the title shall tell none.
        chance: the source of names.
    """
    names = _names(int(series.max()) + 1, chance)
    numbers = np.where(part > 0, part + 1, 0).tolist()
    return [
        names[one] + (f" {number}" if number else "") + (f" ({year})" if year else "")
        for one, number, year in zip(series.tolist(), numbers, years.tolist(), strict=True)
    ]


def _names(count: int, chance: np.random.Generator) -> list[str]:
    words = (chance.integers(0, len(choices), count).tolist() for choices in (_FIRST, _SECOND, _PLACES, _FOREIGN))
    forms = chance.choice(len(_FORMS), count, p=_FORM_SHARES).tolist()
    foreign = (chance.random(count) < 0.05).tolist()
    return [
        _FORMS[form](_FIRST[first], _SECOND[second], _PLACES[place]) + (f" ({_FOREIGN[other]})" if is_foreign else "")
        for first, second, place, other, form, is_foreign in zip(*words, forms, foreign, strict=True)
    ]


def strand_tag(genre: int, strand: int) -> str:
    """What people call a strand of a genre.

    Example:
        >>> strand_tag(1, 2)
        'dark comedy'
    """
    return f"{STRAND_WORDS[strand]} {GENRES[genre].lower()}"
