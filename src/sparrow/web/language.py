"""English and Chinese: one catalogue of texts per language in `texts/`, and which of them a visitor gets."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Final

LANGUAGES: Final = {"en": "English", "zh": "中文"}
DEFAULT: Final = "en"
COOKIE: Final = "lang"

_HTML_TAGS: Final = {"en": "en", "zh": "zh-Hans"}


@dataclass(frozen=True, slots=True)
class Texts:
    """The texts of one language; a missing key is an error, so that no page shows one half-translated."""

    language: str
    catalogue: Mapping[str, str]

    @property
    def tag(self) -> str:
        """The BCP 47 tag for `<html lang>`."""
        return _HTML_TAGS[self.language]

    def __call__(self, key: str, **values: object) -> str:
        """One text, its placeholders filled; templates escape the result as a whole."""
        return self.catalogue[key].format(**values)

    def count(self, key: str, number: int) -> str:
        """A text that counts: `key.one` or `key.other`."""
        return self(f"{key}.{'one' if number == 1 else 'other'}", number=f"{number:,}")

    def name(self, group: str, name: str) -> str:
        """The name of a genre or model in this language; names of other data sets stay as they are."""
        return self.catalogue.get(f"{group}.{name}", name)


@cache
def texts_of(language: str) -> Texts:
    """The catalogue of one of `LANGUAGES`."""
    source = files("sparrow.web").joinpath("texts", f"{language}.toml").read_text(encoding="utf-8")
    return Texts(language, tomllib.loads(source))


def choose_language(query: str | None, cookie: str | None, accept: str) -> str:
    """What the address asks for, else what was chosen before, else what the browser prefers.

    Example:
        >>> choose_language("zh", None, "en"), choose_language(None, None, "fr;q=1, zh-CN;q=0.8, en;q=0.7")
        ('zh', 'zh')
    """
    for chosen in (query, cookie):
        if chosen in LANGUAGES:
            return chosen
    preferred = sorted(_parse_accept(accept), key=lambda pair: -pair[1])
    return next((language for language, quality in preferred if quality > 0 and language in LANGUAGES), DEFAULT)


def _parse_accept(accept: str) -> list[tuple[str, float]]:
    """ "zh-CN;q=0.8, en" → [("zh", 0.8), ("en", 1.0)]; what can't be read counts as 0."""
    parts = (part.strip().partition(";q=") for part in accept[:200].split(","))
    return [(tag.partition("-")[0].lower(), _quality(quality)) for tag, _, quality in parts]


def _quality(text: str) -> float:
    try:
        return float(text) if text else 1.0
    except ValueError:
        return 0.0
