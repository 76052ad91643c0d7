"""Titles as people read them; the stored form ("Usual Suspects, The") stays what sorting, search and the API use."""

import re
from typing import Final

_ARTICLES: Final = "The|An|A|Le|La|Les|L'|Un|Une|Der|Die|Das|Ein|Eine|El|Los|Las|Una|Il|Lo|Gli|I|O|Os|As|De|Het|Den|Det"
_INVERTED: Final = re.compile(rf"([^()]+), ({_ARTICLES})(?=\s*(?:[()]|$))")


def display_title(title: str) -> str:
    """Put an article that was moved to the end back in front, inside parentheses too.

    Example:
        >>> display_title("Usual Suspects, The")
        'The Usual Suspects'
        >>> display_title("City of Lost Children, The (Cité des enfants perdus, La)")
        'The City of Lost Children (La Cité des enfants perdus)'
        >>> display_title("Avventura, L'")
        "L'Avventura"
        >>> display_title("I, Robot"), display_title("Good, the Bad and the Ugly, The"), display_title("Heat")
        ('I, Robot', 'The Good, the Bad and the Ugly', 'Heat')
    """
    return _INVERTED.sub(_restore, title)


def _restore(match: re.Match[str]) -> str:
    rest, article = match.groups()
    space = "" if article.endswith("'") else " "
    return f"{article}{space}{rest}"
