"""`sparrow data`: which datasets there are, and what is wrong with one."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
import orjson
from rich.console import Console
from rich.table import Table
from rich.text import Text

from sparrow.cli.options import home_options, json_option, open_home

if TYPE_CHECKING:
    from sparrow.datasets import CheckReport, Fault


@click.group()
def data() -> None:
    """Look at datasets.

    \b
    Examples:
      sparrow data list
      sparrow data check builtin
      sparrow data check ./ml-latest-small
    """


@data.command("list")
@home_options
@json_option
def list_command(home: Path | None, config: Path | None, as_json: bool) -> None:
    """Datasets that go by a name, and whose they are.

    \b
    Examples:
      sparrow data list
      sparrow data list --json
    """
    open_home(home, config)  # a settings file that is wrong is told here too
    from sparrow.datasets import list_datasets

    known = list_datasets()
    if as_json:
        click.echo(orjson.dumps({"datasets": known}, option=orjson.OPT_INDENT_2).decode())
        return
    for about in known:
        click.echo(f"{about.name}: {about.title}")
        for line in (about.owner, about.licence, about.citation, about.home_page, about.note):
            click.echo(f"  {line}")
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
    open_home(home, config)  # a settings file that is wrong is told here too
    from sparrow.datasets import check_dataset

    report = check_dataset(source)
    if as_json:
        click.echo(orjson.dumps(report.to_json(), option=orjson.OPT_INDENT_2).decode())
    else:
        _print_report(report)
    report.check_usable()


def _print_report(report: "CheckReport") -> None:
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
