"""Outside ids: what a catalogue calls its movies and people, when that is not a number.

Inside, every id is an int64. A number stays the number it is; any other text becomes a surrogate between 2**62 and
2**63 - 1, drawn from its hash. So an importer, two workers and tomorrow's import give the same text the same surrogate
without asking each other, and someone who is unknown today keeps their id when they are imported.

A hash can fall where another id is already (for 25 million ids the chance is one in thirty thousand): then the next
candidate is tried. Which text holds a surrogate is what the table says, in the feature store under `mo:{movieId}` and
`uo:{userId}`; walking the same candidates along the table finds the surrogate of a text, so the table serves both ways.
"""

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import count
from typing import Final

from sparrow.errors import StoreUnavailable
from sparrow.schema import MAX_ID
from sparrow.stores.feature_store import FeatureStore

HASHED_FROM: Final = 2**62
"""Surrogates of text begin here; smaller numbers are nobody's surrogate but their own."""

LONGEST: Final = 200
"""Characters of an outside id at most."""

_DIGITS: Final = 19


def surrogates(text: str) -> Iterator[int]:
    """Where an outside id may live, first choice first; without end.

    Example:
        >>> next(surrogates("589"))
        589
        >>> next(surrogates("tt0103064")) == next(surrogates("tt0103064")) >= HASHED_FROM
        True
    """
    if (number := plain_number(text)) is not None:
        yield number
    # A page may hand in half a character; it must find nobody, not break.
    content = text.encode("utf-8", "surrogatepass")
    for attempt in count():
        digest = hashlib.blake2b(content, digest_size=8, salt=attempt.to_bytes(8, "little")).digest()
        yield HASHED_FROM | (int.from_bytes(digest, "little") & (HASHED_FROM - 1))


def plain_number(text: str) -> int | None:
    """The raw id that a text writes, as Sparrow itself would write it; None for any other text.

    Example:
        >>> plain_number("589"), plain_number("0589"), plain_number("0"), plain_number("9223372036854775808")
        (589, None, None, None)
    """
    if not (0 < len(text) <= _DIGITS and text.isascii() and text.isdigit()) or text[0] == "0":
        return None
    number = int(text)
    return number if number <= MAX_ID else None


class OutsideIds:
    """The border between outside ids and raw ids in one release that has such a table."""

    def __init__(self, movies: Mapping[int, str], store: FeatureStore) -> None:
        """Args: movies: raw id → outside id, as the table has it; store: asked for people."""
        self._movies, self._store = movies, store

    def movie(self, text: str) -> int:
        """The raw id a movie has, or would have."""
        return find_raw(text, self._movies.get)

    def person(self, text: str) -> int:
        """The raw id a person has, or gets with their first event; their first candidate when the table is out of reach."""
        return self.people([text])[text]

    def people(self, texts: Iterable[str]) -> dict[str, int]:
        """text → raw id, as `person`; one round trip for all, and one more for each collision in a row."""
        candidates = {text: surrogates(text) for text in texts}
        tried = {text: next(following) for text, following in candidates.items()}
        found: dict[str, int] = {}
        while tried:
            try:
                held = self._holders(tried.values())
            except StoreUnavailable:
                return found | {text: next(surrogates(text)) for text in tried}
            found |= {text: raw for text, raw in tried.items() if held.get(raw) in (None, text)}
            tried = {text: next(candidates[text]) for text in tried if text not in found}
        return found

    def movie_name(self, raw: int) -> int | str:
        """What the outside world calls a movie: the number, or the text."""
        return _name(raw, self._movies.get(raw))

    def people_names(self, raw_ids: Iterable[int]) -> dict[int, int | str]:
        """raw id → what the outside world calls that person; one round trip at most.

        Raises:
            StoreUnavailable: the table cannot be asked.
        """
        every = set(raw_ids)
        held = self._holders(every)
        return {raw: _name(raw, held.get(raw)) for raw in every}

    def _holders(self, raw_ids: Iterable[int]) -> dict[int, str]:
        """raw id → the text that holds it, of the people among them who have one; nobody is asked for small numbers."""
        hashed = sorted({raw for raw in raw_ids if raw >= HASHED_FROM})
        return self._store.outside_people(hashed) if hashed else {}


def find_raw(text: str, holder: Callable[[int], str | None]) -> int:
    """The raw id that a text has or would have: the first candidate that nobody else holds.

    Args:
        text: an outside id.
        holder: raw id → the text that holds it by the table, None if none does.
    """
    return next(raw for raw in surrogates(text) if raw < HASHED_FROM or holder(raw) in (None, text))


def _name(raw: int, text: str | None) -> int | str:
    return raw if text is None or text == str(raw) else text
