"""`sparrow synth`: a MovieLens-shaped world of any size."""

import sys
from dataclasses import asdict
from pathlib import Path

import click

from sparrow.cli.options import echo_json, home_options, json_option, open_home


@click.command()
@click.option("--ratings", type=int, required=True, metavar="N", help="How many ratings, exactly.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="A new or empty folder for the files.")
@click.option("--movies", type=int, metavar="M", help="How many movies; else in MovieLens' proportion.")
@click.option("--people", type=int, metavar="P", help="How many people; else in MovieLens' proportion.")
@click.option("--min-ratings", type=int, default=1, show_default=True, help="The fewest of a person; MovieLens: 20.")
@click.option("--seed", type=int, default=1, show_default=True, help="Of all chance in it; equal seed, equal bytes.")
@home_options
@json_option
def synth(
    ratings: int,
    out: Path,
    movies: int | None,
    people: int | None,
    min_ratings: int,
    seed: int,
    home: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Make a MovieLens-shaped folder with planted taste: long-tailed people and movies, sessions, series, tags.

    Takes some 32 bytes of disk per rating; memory does not grow with the ratings. What was planted lies in DIR/truth.

    \b
    Examples:
      sparrow synth --ratings 100000 --out ./small-world
      sparrow synth --ratings 25000000 --out ./large-world --seed 7
      sparrow synth --ratings 1000000 --people 6040 --movies 3706 --min-ratings 20 --out ./like-1m
    """
    open_home(home, config)  # a settings file that is wrong is told here too
    from sparrow.datasets.synthetic import synthesize

    with click.progressbar(
        length=max(ratings, 0), label="ratings", file=sys.stderr, hidden=not sys.stderr.isatty()
    ) as bar:
        world = synthesize(
            out, ratings, movies, people, seed, lambda done, _total: bar.update(done - bar.pos), min_ratings
        )
    if as_json:
        echo_json(asdict(world) | {"folder": str(world.folder)})
        return
    click.echo(
        f"{world.folder}: {world.ratings:,} ratings of {world.movies:,} movies by {world.people:,} people, "
        f"{world.tags:,} tags, in {world.seconds:.1f} s; build from it with: sparrow build --dataset {world.folder}"
    )
