"""The catalogue to walk along: what may be shown, pages of it, and search by title."""

import re
import unicodedata
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

from sparrow.errors import NotFound
from sparrow.online.answers import MovieFacts, Sort
from sparrow.online.catalog import Catalog, Rows
from sparrow.online.reranking import descending_by_score

FORGIVEN: Final = 4
"""Letters of a word from which on a slip is forgiven."""
STARTS, EXACT = 2.0, 100.0
"""What a title that starts with the first word, or is the text itself, gains over log(1 + ratings)."""


_ASCII_WORDS: Final = re.compile("[a-z0-9]+")


class Shelf:
    """The movies of one release; each question brings along which of them, (n,) bool, may be shown."""

    def __init__(self, catalog: Catalog) -> None:
        """Args: catalog: all movies."""
        self._catalog = catalog
        self._orders: dict[Sort, Rows] = {}
        self._folded = [fold(facts.title) for facts in catalog.facts]
        self._words = "\n".join(sorted({word for title in self._folded for word in title.split()}))

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
        order = self._order(sort)
        order = order[wanted[order]]
        return [self._catalog.facts[row] for row in order[offset : offset + size]], len(order)

    def _order(self, sort: Sort) -> Rows:
        """All rows; sorted once, since the home page alone asks a dozen times."""
        if sort not in self._orders:
            self._orders[sort] = descending_by_score(self._sort_key(sort))
        return self._orders[sort]

    def _sort_key(self, sort: Sort) -> NDArray[np.float64]:
        if sort == "rating":
            return self._catalog.weighted_rating
        if sort == "year":
            return self._catalog.years + self._catalog.weighted_rating / 10
        return self._catalog.counts.astype(np.float64)

    def search(self, available: NDArray[np.bool_], text: str, size: int) -> list[MovieFacts]:
        """Movies whose title has every word of `text` (case, accents, punctuation aside): the title itself, then most rated.

        Where there is none, a word of `FORGIVEN` letters or more may be one edit away from a word of the title.
        """
        asked = fold(text)
        words = asked.split()
        if not words:
            return []
        rows = self._having(available, [(word,) for word in words])
        if not len(rows):
            rows = self._having(available, [(word, *self._nearly(word)) for word in words])
        titles = [self._folded[row] for row in rows]
        starts = np.array([title.startswith(words[0]) for title in titles], dtype=np.float64)
        exact = np.array([title == asked for title in titles], dtype=np.float64)
        order = descending_by_score(np.log1p(self._catalog.counts[rows]) + STARTS * starts + EXACT * exact)
        return [self._catalog.facts[rows[place]] for place in order[:size]]

    def _having(self, available: NDArray[np.bool_], words: Sequence[tuple[str, ...]]) -> Rows:
        """Rows of titles that have one spelling of each word."""
        has_all = [all(any(spelt in title for spelt in word) for word in words) for title in self._folded]
        rows: Rows = np.flatnonzero(available & np.array(has_all, dtype=np.bool_)).astype(np.int32)
        return rows

    def _nearly(self, word: str) -> list[str]:
        """Words of titles that are one edit away from this one; none for a short word."""
        return one_edit(word).findall(self._words) if len(word) >= FORGIVEN else []


def one_edit(word: str) -> re.Pattern[str]:
    """Finds the lines that differ from `word` by one letter left out, put in, or changed, or by two neighbours swapped.

    Example:
        >>> [word for word in "matrix matrx matrixx metrix martix metrics mat".split() if one_edit("matrix").match(word)]
        ['matrix', 'matrx', 'matrixx', 'metrix', 'martix']
    """
    cuts = [(re.escape(word[:at]), word[at:]) for at in range(len(word) + 1)]
    changed = [f"{head}.?{re.escape(tail[1:])}" for head, tail in cuts if tail]
    added = [f"{head}.{re.escape(tail)}" for head, tail in cuts]
    swapped = [head + re.escape(tail[1] + tail[0] + tail[2:]) for head, tail in cuts if len(tail) > 1]
    return re.compile(f"^(?:{'|'.join(changed + added + swapped)})$", re.MULTILINE)


def fold(text: str) -> str:
    """Lower case, without accents and punctuation, for searching; an apostrophe parts no word.

    Example:
        >>> fold("Amélie: (Le Fabuleux)"), fold("Ocean's Eleven")
        ('amelie le fabuleux', 'oceans eleven')
    """
    if text.isascii():
        return " ".join(_ASCII_WORDS.findall(text.replace("'", "").lower()))
    # Some letters gain capitals when taken apart, and some come apart only when lower.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    plain = plain.replace("'", "").replace("’", "")
    kept = "".join(letter if letter.isalnum() else " " for letter in plain if not unicodedata.combining(letter))
    return " ".join(kept.split())
