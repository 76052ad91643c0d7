"""`sparrow cases`: bad cases that people told of, why they happened, and what became of them."""

from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from sparrow.cli.marks import Named, read_names
from sparrow.cli.options import echo_json, home_options, json_option, open_home
from sparrow.schema import untitled

if TYPE_CHECKING:
    from sparrow.stores.bad_cases import BadCase, CaseStore, Status

STATUSES: Final = ("open", "rule", "fixed", "wont_fix")


@click.group()
def cases() -> None:
    """List bad cases ("not for me", marks of the laboratory), see why each happened, and say what became of it.

    \b
    Examples:
      sparrow cases list --status open
      sparrow cases show 12
      sparrow cases set 12 rule --author ann --note "hidden until its genres are right"
    """


@cases.command("list")
@click.option("--status", type=click.Choice(STATUSES), help="Those of one status; else all.")
@click.option("--size", type=click.IntRange(1, 10_000), default=100, show_default=True, help="How many, newest first.")
@home_options
@json_option
def list_command(status: "Status | None", size: int, home: Path | None, config: Path | None, as_json: bool) -> None:
    """List bad cases, newest first.

    \b
    Examples:
      sparrow cases list
      sparrow cases list --status open --json
    """
    folder, _ = open_home(home, config)
    with closing(_store(folder)) as store:
        found, counts = store.all(status, size), store.counts()
    named = read_names(folder)
    if as_json:
        echo_json({"counts": counts, "items": [_told(case, named, with_trace=False) for case in found]})
        return
    if found:
        _print(found, named)
    click.echo(", ".join(f"{name} {number}" for name, number in counts.items()))


@cases.command("show")
@click.argument("number", type=click.IntRange(1))
@home_options
def show_command(number: int, home: Path | None, config: Path | None) -> None:
    """Print one case with the whole trace of its list, as JSON.

    \b
    Examples:
      sparrow cases show 12
    """
    folder, _ = open_home(home, config)
    with closing(_store(folder)) as store:
        echo_json(_told(store.find(number), read_names(folder)))


@cases.command("set")
@click.argument("number", type=click.IntRange(1))
@click.argument("status", type=click.Choice(STATUSES))
@click.option("--author", default="", help="Who says so.")
@click.option("--note", default="", help="Why, or which rule or fix.")
@home_options
@json_option
def set_command(
    number: int, status: "Status", author: str, note: str, home: Path | None, config: Path | None, as_json: bool
) -> None:
    """Say what became of a case: a rule keeps it out, it is fixed, or it stays as it is.

    \b
    Examples:
      sparrow cases set 12 fixed --author ann --note "item2vec without short histories"
      sparrow cases set 12 open
    """
    folder, _ = open_home(home, config)
    with closing(_store(folder)) as store:
        case = store.change(number, status, author, note)
    if as_json:
        echo_json(_told(case, read_names(folder), with_trace=False))
    else:
        click.echo(f"Case {number} is {status}.")


def _store(home: Path) -> "CaseStore":
    from sparrow.stores.bad_cases import CaseStore

    return CaseStore(home)


def _told(case: "BadCase", named: Named, with_trace: bool = True) -> dict[str, Any]:
    return case.as_json(with_trace) | {
        "movie": _name(case.movie_id, named),
        "about": None if case.about_id is None else _name(case.about_id, named),
    }


def _name(raw: int, named: Named) -> str:
    return named.get(raw, (raw, untitled(raw)))[1]


def _print(found: "list[BadCase]", named: Named) -> None:
    table = Table("case", "status", "movie", "in the list of", "pipeline", "release", "day", "last note", box=None)
    for case in found:
        whose = f"person {case.user_id}" if case.about_id is None else _name(case.about_id, named)
        note = case.history[-1]["note"] if case.history else ""
        day = f"{datetime.fromtimestamp(case.timestamp, UTC):%Y-%m-%d}"
        words = (case.status, _name(case.movie_id, named), whose, case.pipeline, case.release, day, note)
        table.add_row(str(case.id), *(escape(word) for word in words))
    Console(width=max(Console().width, 140)).print(table)
