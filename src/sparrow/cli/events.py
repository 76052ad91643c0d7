"""`sparrow events`: what people did, out of the log, into it, and checked."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from sparrow.cli.events_import import import_command
from sparrow.cli.options import echo_json, home_options, json_option, open_published, store_option
from sparrow.errors import StoreUnavailable

if TYPE_CHECKING:
    from sparrow.cli.names import Names

SHOWN: Final = 5


@click.group()
def events() -> None:
    """Export, import and check the events of this home.

    \b
    Examples:
      sparrow events export --out events.jsonl
      sparrow events import events.jsonl
      sparrow events replay
    """


events.add_command(import_command)


@events.command("export")
@click.option("--out", type=click.Path(path_type=Path, dir_okay=False), help="File to write; else standard output.")
@store_option
@home_options
def export_command(out: Path | None, store: str | None, home: Path | None, config: Path | None) -> None:
    """Write every event as one line of JSON, in the shape that POST /api/v1/events takes, with the outside world's ids.

    \b
    Examples:
      sparrow events export > events.jsonl
      sparrow events export --out events.jsonl
    """
    folder, settings = open_published(store, home, config)
    from sparrow.cli.names import open_names
    from sparrow.stores.event_history import EventHistory

    with open_names(folder, settings) as names:
        lines = _lines(names, EventHistory(folder).events())
        if out is None:
            for line in lines:
                click.echo(line)
            return
        # Beside it first: an export that dies must not leave half a file under the name that was asked for.
        hidden = out.with_name(f".{out.name}.part")
        with hidden.open("wb") as file:
            written = sum(file.write(line + b"\n") > 0 for line in lines)
        hidden.replace(out)
    click.echo(f"{written} events in {out}", err=True)


def _lines(names: "Names", stored: Iterator[dict[str, Any]]) -> Iterator[bytes]:
    called: dict[int, int | str] = {}
    newcomers = names.live.outside_people()
    for event in stored:
        user = event["userId"]
        if user not in called:
            called |= names.people_names([user], newcomers)
        yield orjson.dumps({**event, "userId": called[user], "movieId": names.movie_name(event["movieId"])})


@events.command("replay")
@store_option
@home_options
@json_option
def replay_command(store: str | None, home: Path | None, config: Path | None, as_json: bool) -> None:
    """Check that the live state is what the log says.

    In the embedded store there is nothing to rebuild: requests read the log itself, {home}/live.sqlite, and keep no other
    state. So the log is read from end to end, SQLite checks its file, and every person's events are summed as requests do.

    \b
    Examples:
      sparrow events replay
      sparrow events replay --json
    """
    folder, settings = open_published(store, home, config)
    from sparrow.cli.names import open_names

    with open_names(folder, settings) as names:
        told = _check(names, folder)
    if told["faults"]:
        raise StoreUnavailable(
            f"The event log of {folder} is damaged ({'; '.join(told['faults'][:SHOWN])}); put it back from a copy, "
            "or save what is left with: sparrow events export"
        )
    if as_json:
        echo_json(told)
        return
    click.echo(
        f"The log is sound: {told['events']} events, {told['people']} people with a taste. The embedded store keeps no other "
        "live state, so nothing had to be rebuilt."
    )
    if told["unknownMovies"]:
        click.echo(
            f"{told['unknownMovies']} events are about movies that the live release lacks; they wait in the log."
        )


def _check(names: "Names", home: Path) -> dict[str, Any]:
    from sparrow.online.later_events import sum_events
    from sparrow.stores.event_history import EventHistory

    history, movies = EventHistory(home), names.movies()
    faults = history.faults()
    if faults:
        return {"faults": faults}
    every = [event["movieId"] for event in history.events()]
    return {
        "rebuilt": False,
        "events": len(every),
        "people": sum(bool(sum_events(own)) for _, own in history.by_person()),
        "newest": history.through,
        "unknownMovies": sum(movie not in movies for movie in every) if movies else 0,
        "faults": [],
    }
