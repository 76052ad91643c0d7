"""`sparrow spot-check`: similar movies of some films, side by side, for human eyes."""

import asyncio
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from sparrow.cli.options import echo_json, home_options, json_option, open_home
from sparrow.errors import NotFound, ReleaseError


@click.command("spot-check")
@click.argument("titles", nargs=-1, required=True)
@click.option("--size", type=click.IntRange(1, 100), default=10, show_default=True, help="How many neighbours.")
@home_options
@json_option
def spot_check(titles: tuple[str, ...], size: int, home: Path | None, config: Path | None, as_json: bool) -> None:
    """Print the live release's similar movies for each title, under every embedding it holds.

    \b
    Examples:
      sparrow spot-check "Toy Story" "Free Willy"
      sparrow spot-check Alien --size 5 --json
    """
    from sparrow.online.live import open_release
    from sparrow.stores.publishing import read_pointer

    folder, settings = open_home(home, config)
    pointer = read_pointer(folder)
    if pointer is None:
        raise ReleaseError(f"No release is live in {folder}; make one with: sparrow up")
    in_process = settings.online.model_copy(update={"ranker_url": ""})
    recommender = open_release(folder, pointer, settings.model_copy(update={"online": in_process}))
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
        listing = asyncio.run(
            recommender.similar(facts.movie_id, size=size, embedding=embedding, exclude=frozenset(), explain=False)
        )
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
