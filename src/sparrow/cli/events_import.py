"""`sparrow events import`: events from a file, each judged alone, each counted once however often it is read."""

import uuid
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from sparrow.cli.options import echo_json, home_options, json_option, open_published, store_option
from sparrow.errors import DataError, InvalidInput, SparrowError

if TYPE_CHECKING:
    from sparrow.cli.names import Names

BATCH: Final = 1000
SHOWN: Final = 10

Line = tuple[int, bytes]
"""(number of the line, 1 for the first; what it holds)."""


@dataclass
class Imported:
    """What became of a file: `rejected` pairs a line's number with the reason."""

    accepted: int = 0
    duplicates: int = 0
    rejected: list[tuple[int, str]] = field(default_factory=list)


@click.command("import")
@click.argument("file", type=click.Path(path_type=Path, dir_okay=False, exists=True))
@store_option
@home_options
@json_option
def import_command(file: Path, store: str | None, home: Path | None, config: Path | None, as_json: bool) -> None:
    """Take events from a file of JSON lines, such as `sparrow events export` writes; what is there already counts once.

    A line without an eventId gets one made from its words. Lines that cannot be kept are told with their number and the
    reason; the others count. Exits with 1 if none could be kept.

    \b
    Examples:
      sparrow events import events.jsonl
      sparrow events import events.jsonl --json
    """
    folder, settings = open_published(store, home, config)
    from sparrow.cli.names import open_names

    with open_names(folder, settings) as names, file.open("rb") as lines:
        told = _import(names, enumerate(lines, 1))
    if told.rejected and not told.accepted + told.duplicates:
        line, reason = told.rejected[0]
        raise DataError(f"None of {len(told.rejected)} lines of {file} can be kept; line {line}: {reason}")
    if as_json:
        rejected = [{"line": line, "reason": reason} for line, reason in told.rejected]
        echo_json({"accepted": told.accepted, "duplicates": told.duplicates, "rejected": rejected})
        return
    click.echo(f"{told.accepted} events taken, {told.duplicates} were there already, {len(told.rejected)} refused.")
    for line, reason in told.rejected[:SHOWN]:
        click.echo(f"  line {line}: {reason}", err=True)


def _import(names: "Names", lines: Iterator[Line]) -> Imported:
    from sparrow.feedback.events import EventLog

    told, log, movies = Imported(), EventLog(names.live), names.movies()
    while batch := list(islice(lines, BATCH)):
        good = list(_read(names, movies, batch, told))
        receipt = log.accept([event for _, event in good])
        told.accepted += receipt.accepted
        told.duplicates += receipt.duplicates
        told.rejected += [(good[place][0], reason) for place, reason in receipt.rejected]
    told.rejected.sort()
    return told


def _read(
    names: "Names", movies: frozenset[int], batch: Iterable[Line], told: Imported
) -> Iterator[tuple[int, dict[str, Any]]]:
    """(line, event with raw ids) of the sound lines; the others go into `told`."""
    for number, line in batch:
        if not line.strip():
            continue
        try:
            yield number, _event(names, movies, line)
        except (SparrowError, ValueError) as error:
            told.rejected.append((number, str(error)))


def _event(names: "Names", movies: frozenset[int], line: bytes) -> dict[str, Any]:
    from sparrow.web.events_api import check_event

    event = check_event(orjson.loads(line))
    movie, user = names.movie(event.movie_id), names.person(event.user_id)
    if movies and movie not in movies:
        raise InvalidInput(f"movieId {event.movie_id!r} is no movie of the live release")
    kept = event.model_dump(mode="json", by_alias=True, exclude_none=True) | {"userId": user, "movieId": movie}
    named = {} if str(user) == str(event.user_id) else {"outsideUserId": str(event.user_id)}
    return {"eventId": str(uuid.uuid5(uuid.NAMESPACE_OID, line.strip().decode("utf-8", "replace"))), **kept, **named}
