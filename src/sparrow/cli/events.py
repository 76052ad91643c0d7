"""`sparrow events`: what people did, out of the log, into it, and checked."""

import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
import orjson

from sparrow.cli.events_import import import_command
from sparrow.cli.options import echo_json, home_options, json_option, open_home, open_published, store_option
from sparrow.errors import InvalidInput, StoreUnavailable

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
      sparrow events relay --out /data/events
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
    from sparrow.stores.event_archive import bring_home
    from sparrow.stores.event_history import EventHistory

    bring_home(folder, settings.feedback.events)
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


@events.command("relay")
@click.option(
    "--out",
    type=click.Path(path_type=Path, file_okay=False),
    required=True,
    help="Folder that Spark reads as a stream.",
)
@click.option("--consumer", default="", metavar="NAME", help="Who takes the events; else the name of this machine.")
@click.option("--every", type=click.FloatRange(0, min_open=True), metavar="SECONDS", help="Again and again; else once.")
@home_options
def relay_command(out: Path, consumer: str, every: float | None, home: Path | None, config: Path | None) -> None:
    """Take events from the stream in Redis ([feedback] events) into files of JSON lines, for Spark Structured Streaming.

    Several relays share the stream, each under a name of its own. An event stays in Redis until relays and homes have it.

    \b
    Examples:
      sparrow events relay --out /data/events
      sparrow events relay --out /data/events --every 5
    """
    folder, settings = open_home(home, config)
    if not settings.feedback.events:
        raise InvalidInput(
            "Events go to the home, not to Redis: there is no stream. Set [feedback] events, or use: sparrow events export"
        )
    from sparrow.stores.event_relay import relay
    from sparrow.stores.redis_events import RedisEvents

    with closing(RedisEvents(settings.feedback.events, folder)) as source:
        while True:
            click.echo(f"{relay(source, out, consumer)} events into {out}", err=True)
            if every is None:
                return
            time.sleep(every)


@events.command("to-parquet")
@click.argument("folder", type=click.Path(path_type=Path, file_okay=False, exists=True))
@click.argument("out", type=click.Path(path_type=Path, file_okay=False))
@click.option("--spark-master", default="local[*]", show_default=True, metavar="URL", help="As for `sparrow build`.")
def to_parquet_command(folder: Path, out: Path, spark_master: str) -> None:
    """Stream what relays wrote into Parquet by day, each event once (Spark Structured Streaming); goes on where it stopped.

    \b
    Examples:
      sparrow events to-parquet /data/events /data/table --spark-master spark://host:7077
    """
    from sparrow.build.spark_events import stream_to_parquet
    from sparrow.features.spark_session import open_session

    out.mkdir(parents=True, exist_ok=True)
    session = open_session(spark_master, out / "scratch")
    try:
        stream_to_parquet(session, folder, out)
    finally:
        session.stop()


@events.command("replay")
@store_option
@home_options
@json_option
def replay_command(store: str | None, home: Path | None, config: Path | None, as_json: bool) -> None:
    """Check the log, and make the live state what it says.

    In the embedded store there is nothing to rebuild: requests read the log itself, {home}/live.sqlite, and keep no other
    state. So the log is read from end to end, SQLite checks its file, and every person's events are summed as requests do.
    Where [feedback] events names a Redis, its events are brought home first, and everybody's list in it is made anew.

    \b
    Examples:
      sparrow events replay
      sparrow events replay --json
    """
    folder, settings = open_published(store, home, config)
    from sparrow.cli.names import open_names
    from sparrow.stores.event_archive import bring_home, rebuild_in_redis

    bring_home(folder, settings.feedback.events)
    with open_names(folder, settings) as names:
        told = _check(names, folder)
    if told["faults"]:
        raise StoreUnavailable(
            f"The event log of {folder} is damaged ({'; '.join(told['faults'][:SHOWN])}); put it back from a copy, "
            "or save what is left with: sparrow events export"
        )
    told["rebuilt"] = rebuild_in_redis(folder, settings.feedback.events)
    if as_json:
        echo_json(told)
        return
    click.echo(f"The log is sound: {told['events']} events, {told['people']} people with a taste. {_of_state(told)}")
    if told["unknownMovies"]:
        click.echo(
            f"{told['unknownMovies']} events are about movies that the live release lacks; they wait in the log."
        )


def _of_state(told: dict[str, Any]) -> str:
    if told["rebuilt"]:
        return "Everybody's list in Redis was made anew."
    return "The embedded store keeps no other live state, so nothing had to be rebuilt."


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
