"""Which column is what: named by the user, else guessed from the names that catalogues and logs commonly have."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Final, Literal

from sparrow.datasets.attributes import KINDS, Kind
from sparrow.datasets.tabular import Table
from sparrow.errors import InvalidInput
from sparrow.schema import Columns

File = Literal["items", "interactions", "users"]
Role = Literal["item", "title", "year", "genres", "imdb", "tmdb", "user", "rating", "timestamp"]

FLAGS: Final[Mapping[Role, str]] = {
    "item": "--item-id", "title": "--title", "year": "--year", "genres": "--genres", "imdb": "--imdb-id",
    "tmdb": "--tmdb-id", "user": "--user-id", "rating": "--rating", "timestamp": "--timestamp",
}  # fmt: skip

ROLES: Final[Mapping[File, tuple[Role, ...]]] = {
    "items": ("item", "title", "year", "genres", "imdb", "tmdb"),
    "interactions": ("user", "item", "rating", "timestamp"),
    "users": ("user",),
}
REQUIRED: Final[Mapping[File, tuple[Role, ...]]] = {
    "items": ("item",),
    "interactions": ("user", "item"),
    "users": ("user",),
}

_ITEM: Final = (
    "itemid",
    "movieid",
    "productid",
    "articleid",
    "bookid",
    "trackid",
    "songid",
    "sku",
    "asin",
    "isbn",
    "item",
)
_COMMON: Final[Mapping[Role, tuple[str, ...]]] = {
    "item": _ITEM,
    "title": ("title", "name", "itemname", "productname", "movietitle", "itemtitle"),
    "year": ("year", "releaseyear", "releasedate", "publicationyear"),
    "genres": ("genres", "genre", "categories", "category"),
    "imdb": ("imdbid",),
    "tmdb": ("tmdbid",),
    "user": ("userid", "customerid", "visitorid", "memberid", "accountid", "personid", "user", "customer"),
    "rating": ("rating", "stars", "score", "overall"),
    "timestamp": ("timestamp", "time", "datetime", "eventtime", "createdat", "date", "ts", "unixreviewtime"),
}
"""Names as commonly written, lower case, letters and digits only; the first that is there is taken."""

_OWN_ID: Final[Mapping[tuple[File, Role], str]] = {("items", "item"): "id", ("users", "user"): "id"}
"""A bare "id" is the file's own."""

_WRITTEN_ID: Final[Mapping[File, str]] = {"items": Columns.MOVIE, "users": Columns.USER}
"""The id's column in the table of attributes."""


@dataclass(frozen=True, slots=True)
class Choice:
    """The columns of one file.

    Attributes:
        roles: role → column.
        guessed: those of `roles` that nobody named.
        attributes: declared further columns and their kinds.
        ignored: columns that are neither.
    """

    roles: Mapping[Role, str]
    guessed: tuple[Role, ...] = ()
    attributes: Mapping[str, Kind] = field(default_factory=dict)
    ignored: tuple[str, ...] = ()


def choose(
    file: File,
    table: Table,
    named: Mapping[Role, str],
    attributes: Mapping[str, Kind],
    unwanted: Iterable[Role] = (),
) -> Choice:
    """Decide what the columns of one file are.

    Args:
        named: role → column, of this or another file: one that is not here is guessed here.
        attributes: declared columns of this file.
        unwanted: roles to leave out, whatever columns there are.

    Raises:
        InvalidInput: a needed column cannot be told, or a declared one is not there or cannot be kept.
    """
    for column in attributes:
        if column not in table.header:
            raise InvalidInput(f"{table.path} has no column {column!r} to be an attribute; it has: {_list(table)}.")
        if column == _WRITTEN_ID.get(file):
            raise InvalidInput(
                f"{column!r} is what Sparrow calls the id, so that no attribute can have that name; rename it."
            )
    roles: dict[Role, str] = {}
    guessed: list[Role] = []
    for role in (role for role in ROLES[file] if role not in set(unwanted)):
        if role in named and named[role] in table.header:
            roles[role] = named[role]
        elif guess := _guess(file, role, table):
            roles[role] = guess
            guessed.append(role)
        elif role in REQUIRED[file]:
            raise InvalidInput(
                f"No column of {table.path} looks like the id of {'an item' if role == 'item' else 'a person'}; "
                f"it has: {_list(table)}. Name it with {FLAGS[role]} COLUMN."
            )
    taken = {*roles.values(), *attributes}
    return Choice(roles, tuple(guessed), attributes, tuple(name for name in table.header if name not in taken))


def check_named(named: Mapping[Role, str], tables: Mapping[File, Table]) -> None:
    """Every named column stands in some file that has its role.

    Raises:
        InvalidInput: one does not.
    """
    for role, column in named.items():
        where = [table for file, table in tables.items() if role in ROLES[file]]
        if not any(column in table.header for table in where):
            files = " and ".join(f"{table.path} ({_list(table)})" for table in where)
            raise InvalidInput(f"{FLAGS[role]} names the column {column!r}, which is not in {files}.")


def parse_attributes(declared: Iterable[str], flag: str) -> dict[str, Kind]:
    """`name=kind` declarations.

    Example:
        >>> parse_attributes(["price=numeric", "a=b=text"], "--attribute")
        {'price': 'numeric', 'a=b': 'text'}

    Raises:
        InvalidInput: one has no kind, or an unknown one.
    """
    kinds: dict[str, Kind] = {}
    for text in declared:
        name, _, kind = text.rpartition("=")
        if not name or kind not in KINDS:
            raise InvalidInput(
                f"{flag} {text!r} is no declaration; write COLUMN=KIND with a kind of {', '.join(KINDS)}."
            )
        kinds[name] = kind
    return kinds


def _guess(file: File, role: Role, table: Table) -> str | None:
    common = (*_COMMON[role], *([_OWN_ID[file, role]] if (file, role) in _OWN_ID else []))
    written = {re.sub(r"[^a-z0-9]", "", name.lower()): name for name in reversed(table.header)}
    return next((written[name] for name in common if name in written), None)


def _list(table: Table) -> str:
    return ", ".join(table.header)
