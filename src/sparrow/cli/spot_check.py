"""`sparrow spot-check`: similar movies of some films, side by side, for human eyes."""

import asyncio
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from sparrow.cli.marks import print_marks
from sparrow.cli.options import echo_json, home_options, json_option, open_home
from sparrow.config import Settings
from sparrow.errors import NotFound, ReleaseError
from sparrow.online.wanted import Wanted


@click.command("spot-check")
@click.argument("titles", nargs=-1)
@click.option("--size", type=click.IntRange(1, 100), default=10, show_default=True, help="How many neighbours.")
@click.option(
    "--marks", "list_marks", is_flag=True, help="Instead, list the neighbours marked as not alike on /lab.html."
)
@click.option("--toml", "as_toml", is_flag=True, help="With --marks: as the setting [similar] apart, to paste.")
@home_options
@json_option
def spot_check(
    titles: tuple[str, ...],
    size: int,
    list_marks: bool,
    as_toml: bool,
    home: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Print the live release's similar movies for each title, under every embedding it holds.

    The page /lab.html shows the same lists side by side, and lets people mark what is not alike.

    \b
    Examples:
      sparrow spot-check "Toy Story" "Free Willy"
      sparrow spot-check Alien --size 5 --json
      sparrow spot-check --marks
      sparrow spot-check --marks --toml
    """
    _check_usage(titles, list_marks, as_toml, as_json)
    folder, settings = open_home(home, config)
    if list_marks:
        print_marks(folder, settings, as_json, as_toml)
    else:
        _print_lists(folder, settings, titles, size, as_json)


def _check_usage(titles: tuple[str, ...], list_marks: bool, as_toml: bool, as_json: bool) -> None:
    if not titles and not list_marks:
        raise click.UsageError("Give one title at least, or --marks.")
    if titles and list_marks:
        raise click.UsageError("--marks lists all marks and takes no titles; give one or the other.")
    if as_toml and (as_json or not list_marks):
        raise click.UsageError("--toml is a way to print --marks; give it with --marks and without --json.")


def _print_lists(folder: Path, settings: Settings, titles: tuple[str, ...], size: int, as_json: bool) -> None:
    from sparrow.online.live import open_release
    from sparrow.stores.publishing import read_pointer

    pointer = read_pointer(folder)
    if pointer is None:
        raise ReleaseError(f"No release is live in {folder}; make one with: sparrow up")
    recommender = open_release(folder, pointer, settings.unhurried())
    lists = [_look_up(recommender, title, size) for title in titles]
    if as_json:
        echo_json(lists)
    else:
        _print(lists)


def _look_up(recommender: Any, title: str, size: int) -> dict[str, Any]:
    found = recommender.search(title, 1)
    if not found:
        raise NotFound(f"No movie's title has the words {title!r}; try fewer words.")
    facts = found[0]
    lists = {}
    for embedding in recommender.embeddings:
        listing = asyncio.run(recommender.similar(facts.movie_id, Wanted(size), embedding))
        lists[embedding] = [
            {
                "movieId": item.movie.public_id,
                "title": item.movie.title,
                "releaseYear": item.movie.release_year,
                "genres": item.movie.genres,
                "ratings": item.movie.rating_count,
                "score": round(item.score, 4),
            }
            for item in listing.items
        ]
    return {"movieId": facts.public_id, "title": facts.title, "similar": lists}


def _print(lists: list[dict[str, Any]]) -> None:
    for entry in lists:
        for embedding, items in entry["similar"].items():
            table = Table(
                "score", "title", "year", "genres", "ratings", title=f"{entry['title']} - {embedding}", box=None
            )
            for item in items:
                year, kinds = str(item["releaseYear"] or "?"), " ".join(item["genres"])
                table.add_row(f"{item['score']:.3f}", item["title"], year, kinds, str(item["ratings"]))
            Console().print(table)
