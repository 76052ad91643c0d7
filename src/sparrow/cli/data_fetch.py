"""`sparrow data fetch`: a release of MovieLens, brought into the home."""

from pathlib import Path
from typing import TYPE_CHECKING

import click
from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

from sparrow.cli.options import echo_json, home_options, json_option, open_home

if TYPE_CHECKING:
    from sparrow.datasets import About


@click.command("fetch")
@click.argument("name", metavar="D")
@click.option("--out", type=click.Path(path_type=Path, file_okay=False), help="Folder for the files; else in the home.")
@click.option("--url", default="", help="Another place of the same zip file.")
@home_options
@json_option
def fetch_command(name: str, out: Path | None, url: str, home: Path | None, config: Path | None, as_json: bool) -> None:
    """Download a release of MovieLens, check it and unpack it; `--dataset D` finds it then.

    D is ml-100k, ml-1m, ml-10m, ml-20m, ml-25m, ml-32m, ml-latest-small or ml-latest. A download that breaks off is
    taken up again by the same command.

    \b
    Examples:
      sparrow data fetch ml-latest-small
      sparrow data fetch ml-20m && sparrow up --dataset ml-20m
      sparrow data fetch ml-25m --out /data/ml-25m
    """
    folder, _ = open_home(home, config)
    from sparrow.datasets.fetch import fetch

    with DownloadProgress(name) as progress:
        fetched = fetch(name, folder, progress.report, _show_licence, out, url)
    if as_json:
        echo_json({"dataset": name, "folder": str(fetched.folder), "found": fetched.found, "checked": fetched.checked})
        return
    if not (fetched.found or fetched.checked):
        click.echo(f"No checksum is published for {name}; its zip file is whole by its own checks.", err=True)
    click.echo(
        f"{'Found' if fetched.found else 'Fetched'} {name} in {fetched.folder}; use it with: --dataset {out or name}"
    )


def _show_licence(about: "About") -> None:
    click.echo(f"{about.title}\n  {about.owner}\n  {about.licence}\n  Please cite: {about.citation}", err=True)
    if about.note:
        click.echo(f"  {about.note}", err=True)


class DownloadProgress:
    """A bar of bytes on a terminal; nothing where there is none."""

    def __init__(self, what: str) -> None:
        console = Console(stderr=True, highlight=False)
        self._bars = Progress(
            TextColumn("  {task.description}"), BarColumn(32), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(),
            console=console, transient=True, disable=not console.is_terminal,
        )  # fmt: skip
        self._task = self._bars.add_task(what, total=None)

    def __enter__(self) -> "DownloadProgress":
        self._bars.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bars.stop()

    def report(self, done: int, total: int) -> None:
        """So many bytes of all (0: unknown) are there."""
        self._bars.update(self._task, completed=done, total=total or None)
