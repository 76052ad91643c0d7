"""`sparrow data`: which datasets there are, how to get one, and what is wrong with it."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sparrow.cli.data_fetch import fetch_command
from sparrow.cli.data_import import import_command
from sparrow.cli.options import echo_json, home_options, json_option, open_home

if TYPE_CHECKING:
    from sparrow.datasets import CheckReport, Fault


@click.group()
def data() -> None:
    """Look at datasets, and fetch them.

    \b
    Examples:
      sparrow data list
      sparrow data fetch ml-latest-small
      sparrow data check builtin
      sparrow data check ./ml-latest-small
    """


data.add_command(fetch_command)
data.add_command(import_command)


@data.command("list")
@home_options
@json_option
def list_command(home: Path | None, config: Path | None, as_json: bool) -> None:
    """Datasets that are ready to go by a name, whose they are, and which others can be fetched.

    \b
    Examples:
      sparrow data list
      sparrow data list --json
    """
    folder, _ = open_home(home, config)
    from sparrow.datasets import list_datasets
    from sparrow.datasets.releases_table import RELEASES, folder_of

    ready = [*list_datasets(), *(one.about for name, one in RELEASES.items() if folder_of(name, folder).is_dir())]
    others = [one for name, one in RELEASES.items() if not folder_of(name, folder).is_dir()]
    if as_json:
        fetchable = [{"name": one.name, "title": one.title, "url": one.url} for one in others]
        echo_json({"datasets": ready, "fetchable": fetchable})
        return
    for about in ready:
        click.echo(f"{about.name}: {about.title}")
        for line in filter(None, (about.owner, about.licence, about.citation, about.home_page, about.note)):
            click.echo(f"  {line}")
    click.echo("To be had with `sparrow data fetch`:")
    for release in others:
        click.echo(f"  {release.name}: {release.title}")
    click.echo("An unpacked MovieLens folder goes by its path.")


@data.command("check")
@click.argument("source", metavar="PATH|NAME")
@home_options
@json_option
def check_command(source: str, home: Path | None, config: Path | None, as_json: bool) -> None:
    """Read a dataset as a build would; name every fault, its lines and its cure.

    Exits with 0 when the dataset can be used, faults or not, and with 1 when it cannot.

    \b
    Examples:
      sparrow data check builtin
      sparrow data check ./ml-latest-small
      sparrow data check ./my-ratings --json
    """
    folder, _ = open_home(home, config)
    from sparrow.datasets import check_dataset
    from sparrow.datasets.sources import locate_dataset

    report = check_dataset(locate_dataset(source, folder))
    if as_json:
        echo_json(report.to_json())
    else:
        print_report(report)
    report.check_usable()


def print_report(report: "CheckReport") -> None:
    """Tell what became of every file's rows, and each fault with its lines and cure."""
    for file in report.files:
        click.echo(
            f"{file.file}: {file.rows:,} rows read, {file.kept:,} kept "
            f"({file.repaired:,} of them repaired), {file.dropped:,} dropped"
        )
    if report.is_clean:
        click.echo("No faults.")
        return
    table = Table("File", "Line", "What", "Count", "Cure")
    for file in report.files:
        for fault in file.faults:
            count = f"{fault.count:,} {fault.kind.fate}"
            table.add_row(*map(Text, (file.file, _lines(fault), _what(fault), count, fault.kind.cure)))
    Console().print(table)


def _lines(fault: "Fault") -> str:
    shown = ", ".join(str(line) for line in fault.lines)
    return shown if fault.count <= len(fault.lines) else f"{shown} …"


def _what(fault: "Fault") -> str:
    # An example is a stranger's text: control characters must not reach the terminal.
    example = "".join(letter if letter.isprintable() else repr(letter)[1:-1] for letter in fault.example)
    return f"{fault.kind.what}: {example}" if example else fault.kind.what
