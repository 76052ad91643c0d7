"""Which films belong to one series, told from their titles alone.

A title is cut at its separators, longest head first, sequel numbers and articles taken off: "Star Trek II: The Wrath of Khan"
gives "star trek ii: the wrath of khan", then "star trek". Films whose longest shared head is the same are one series. Remakes
share a title and count as a series too, and so, wrongly, do strangers of one title ("Holiday").
"""

import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from typing import Final

import numpy as np
from numpy.typing import NDArray

ALONE: Final = -1
"""The series of a film that has none."""

_BRACKETS: Final = re.compile(r"\s*\([^)]*\)")
_ARTICLE: Final = re.compile(r"^(the|a|an) |, (the|a|an|la|le|les|el|il|der|die|das)$")
_NUMBER: Final = re.compile(
    r"[\s,]+(?:(?:part|episode|chapter|vol\.?|volume|no\.?)[\s.]*)?(?:\d{1,2}(?: \d/\d)?|[ivx]+|one|two|three)$"
)
_SEPARATOR: Final = re.compile(r": | - | and the |! |\? | vs\.? ")
_SUPERSCRIPTS: Final = str.maketrans({"²": " 2", "³": " 3"})


def series(titles: Sequence[str]) -> NDArray[np.int64]:
    """(n,) number of each film's series, `ALONE` where it has none.

    Example:
        >>> series(["Alien", "Alien³ (a.k.a. Alien 3)", "Toy Story", "Toy Story 2", "Alien: Resurrection", "Heat"]).tolist()
        [0, 0, 1, 1, 0, -1]
    """
    heads = [_heads(title) for title in titles]
    shared = Counter(head for mine in heads for head in set(mine))
    numbers: dict[str, int] = {}
    found = np.full(len(titles), ALONE, dtype=np.int64)
    for row, mine in enumerate(heads):
        common = next((head for head in mine if shared[head] > 1), None)
        if common is not None:
            found[row] = numbers.setdefault(common, len(numbers))
    return found


def _heads(title: str) -> list[str]:
    """What the title starts with, longest first."""
    plain = _BRACKETS.sub("", title.translate(_SUPERSCRIPTS)).lower()
    plain = "".join(sign for sign in unicodedata.normalize("NFKD", plain) if not unicodedata.combining(sign))
    ends = [len(plain), *sorted((cut.start() for cut in _SEPARATOR.finditer(plain)), reverse=True)]
    bare = (_bare(plain[:end]) for end in ends)
    return list(dict.fromkeys(head for head in bare if len(head) > 2))


def _bare(head: str) -> str:
    """Without articles, sequel numbers and punctuation at its ends."""
    previous = ""
    while head != previous:
        previous = head
        head = _NUMBER.sub("", _ARTICLE.sub("", head.strip(" .,!?-")))
    return head
