"""The catalogue to walk along: what may be shown, pages of it, and search by title."""

import unicodedata

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import NotFound
from sparrow.online.answers import MovieFacts, Sort
from sparrow.online.catalog import Catalog
from sparrow.online.reranking import descending_by_score

STARTS, EXACT = 2.0, 100.0
"""What a title that starts with the first word, or is the text itself, gains over log(1 + ratings)."""


class Shelf:
    """The movies of one release; each question brings along which of them, (n,) bool, may be shown."""

    def __init__(self, catalog: Catalog) -> None:
        """Args: catalog: all movies."""
        self._catalog = catalog
        self._folded = [fold(facts.title) for facts in catalog.facts]

    def genres(self, available: NDArray[np.bool_]) -> tuple[tuple[str, int], ...]:
        """Genre names with their number of movies, most movies of the catalogue first."""
        sizes = (available.astype(np.float32) @ self._catalog.genres).astype(int).tolist()
        return tuple(zip(self._catalog.genre_names, sizes, strict=True))

    def movies(
        self, available: NDArray[np.bool_], genre: str | None, sort: Sort, size: int, offset: int, year: int | None
    ) -> tuple[list[MovieFacts], int]:
        """A page and the number of movies in all. By rating: the weighted mean, so that one 5 is no summit.

        Raises:
            NotFound: no movie has the genre; the message lists the genres.
        """
        wanted = available.copy()
        if genre is not None:
            names = self._catalog.genre_names
            if genre not in names:
                raise NotFound(f"There is no genre {genre!r}; the genres are: {', '.join(names)}.")
            wanted &= self._catalog.genres[:, names.index(genre)] > 0
        if year is not None:
            wanted &= self._catalog.years == year
        rows = np.flatnonzero(wanted)
        order = rows[descending_by_score(self._sort_key(sort)[rows])]
        return [self._catalog.facts[row] for row in order[offset : offset + size]], len(order)

    def _sort_key(self, sort: Sort) -> NDArray[np.float64]:
        if sort == "rating":
            return self._catalog.weighted_rating
        if sort == "year":
            return self._catalog.years + self._catalog.weighted_rating / 10
        return self._catalog.counts.astype(np.float64)

    def search(self, available: NDArray[np.bool_], text: str, size: int) -> list[MovieFacts]:
        """Movies whose title has every word of `text` (case, accents, punctuation aside): the title itself, then most rated."""
        asked = fold(text)
        words = asked.split()
        if not words:
            return []
        has_all = [all(word in title for word in words) for title in self._folded]
        rows = np.flatnonzero(available & np.array(has_all, dtype=np.bool_))
        titles = [self._folded[row] for row in rows]
        starts = np.array([title.startswith(words[0]) for title in titles], dtype=np.float64)
        exact = np.array([title == asked for title in titles], dtype=np.float64)
        order = descending_by_score(np.log1p(self._catalog.counts[rows]) + STARTS * starts + EXACT * exact)
        return [self._catalog.facts[rows[place]] for place in order[:size]]


def fold(text: str) -> str:
    """Lower case, without accents and punctuation, for searching; an apostrophe parts no word.

    Example:
        >>> fold("Amélie: (Le Fabuleux)"), fold("Ocean's Eleven")
        ('amelie le fabuleux', 'oceans eleven')
    """
    # Some letters gain capitals when taken apart, and some come apart only when lower.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = plain.replace("'", "").replace("’", "")
    kept = "".join(letter if letter.isalnum() else " " for letter in plain if not unicodedata.combining(letter))
    return " ".join(kept.split())
