"""`sparrow spot-check --marks`: what people marked in the laboratory, as a table, as JSON, or as a setting."""

from collections.abc import Iterable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sparrow.cli.options import echo_json
from sparrow.config import Settings
from sparrow.schema import untitled

if TYPE_CHECKING:
    from sparrow.stores.marks import Mark

Named = dict[int, tuple[int | str, str]]
"""raw id → (what the outside world calls the movie, its title)."""


def print_marks(home: Path, settings: Settings, as_json: bool, as_toml: bool) -> None:
    """Print every mark of a home, newest first."""
    marks, named = _read_marks(home), read_names(home)
    told = [mark.as_json(lambda raw: named.get(raw, (raw, untitled(raw)))) for mark in marks]
    if as_toml:
        click.echo(apart_setting(settings.similar.apart, marks, {raw: title for raw, (_, title) in named.items()}))
    elif as_json:
        echo_json(told)
    elif not marks:
        click.echo(f"There are no marks in {home}; /lab.html of a running server makes them.")
    else:
        _print_table(told)


def apart_setting(rules: Iterable[tuple[int, int]], marks: Iterable["Mark"], titles: dict[int, str]) -> str:
    r"""The setting `[similar] apart` that holds these rules and one for each marked pair, titles as comments.

    Example:
        >>> print(apart_setting([(9, 2)], [], {2: "Heat", 9: "Two\nlines"}))
        # Paste into sparrow.toml, in the one section [similar] that it may have.
        [similar]
        apart = [
          [2, 9],  # Heat | Two lines
        ]
    """
    pairs = [*rules, *((mark.movie_id, mark.neighbour_id) for mark in marks)]
    lines = [
        f"  [{one}, {other}],  # {_in_one_line(one, titles)} | {_in_one_line(other, titles)}"
        for one, other in dict.fromkeys((min(pair), max(pair)) for pair in pairs)
    ]
    head = "# Paste into sparrow.toml, in the one section [similar] that it may have."
    return "\n".join([head, "[similar]", "apart = [", *lines, "]"])


def _in_one_line(movie: int, titles: dict[int, str]) -> str:
    """A title fit for a comment: TOML forbids control characters there."""
    title = titles.get(movie, untitled(movie))
    return " ".join("".join(letter if letter.isprintable() else " " for letter in title).split())


def _read_marks(home: Path) -> "list[Mark]":
    from sparrow.stores.live import FILE
    from sparrow.stores.marks import MarkStore

    if not (home / FILE).is_file():
        return []
    store = MarkStore(home)
    try:
        return store.all()
    finally:
        store.close()


def read_names(home: Path) -> Named:
    """Names of the live release's movies; none while nothing is live."""
    from sparrow.stores.feature_store import FeatureStore
    from sparrow.stores.lmdb_store import LmdbStore
    from sparrow.stores.publishing import read_pointer
    from sparrow.stores.releases import check_release, releases_folder

    pointer = read_pointer(home)
    if pointer is None:
        return {}
    check_release(home, pointer.release, checksums=False)
    store = FeatureStore(LmdbStore(releases_folder(home) / pointer.release / "features.lmdb"))
    try:
        outside = dict(store.outside_ids("movies")) if store.meta().outside_ids else {}
        return {
            movie.movieId: (_public(movie.movieId, outside.get(movie.movieId)), movie.title) for movie in store.movies()
        }
    finally:
        store.close()


def _public(raw: int, outside: str | None) -> int | str:
    return raw if outside in (None, str(raw)) else str(outside)


def _print_table(marks: list[dict[str, Any]]) -> None:
    table = Table("movie", "not alike", "embedding", "release", "day", box=None)
    for mark in marks:
        day = f"{datetime.fromtimestamp(mark['timestamp'], UTC):%Y-%m-%d}"
        names = (f"{mark['title']} ({mark['movieId']})", f"{mark['neighbourTitle']} ({mark['neighbourId']})")
        table.add_row(*(escape(text) for text in (*names, mark["embedding"], mark["release"])), day)
    Console().print(table)
