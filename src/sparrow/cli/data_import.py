"""`sparrow data import`: any catalogue and any log of what people did with it become a dataset."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import click

from sparrow.cli.options import echo_json, home_options, json_option, open_home
from sparrow.errors import InvalidInput

if TYPE_CHECKING:
    from sparrow.datasets.tabular_columns import Choice, File, Role
    from sparrow.datasets.tabular_import import Imported

FILE = click.Path(path_type=Path, dir_okay=False)
SEPARATORS = {"tab": "\t", "\\t": "\t"}


@click.command("import")
@click.option("--items", type=FILE, required=True, help="The catalogue: CSV with a header, or Parquet.")
@click.option("--interactions", type=FILE, required=True, help="Who did what: CSV with a header, or Parquet.")
@click.option("--users", type=FILE, help="What is known of people, likewise.")
@click.option("--out", type=click.Path(path_type=Path), required=True, help="Folder to write; again: numbers stay.")
@click.option("--item-id", metavar="COLUMN", help="The item's id, in both files.")
@click.option("--title", metavar="COLUMN", help="What an item is called.")
@click.option("--year", metavar="COLUMN", help="Its year, or a date that begins with it; else from '(1995)' in titles.")
@click.option("--genres", metavar="COLUMN", help="Its genres or categories.")
@click.option("--genre-separator", default="|", show_default=True, help="Between genres, and words of a category.")
@click.option("--imdb-id", metavar="COLUMN", help="Its id in IMDb.")
@click.option("--tmdb-id", metavar="COLUMN", help="Its id in TMDB.")
@click.option("--user-id", metavar="COLUMN", help="The person's id.")
@click.option("--rating", metavar="COLUMN", help="What the person gave.")
@click.option("--rating-scale", type=float, nargs=2, metavar="LOW HIGH", help="Its ends.  [default: stars, 0.5 to 5]")
@click.option("--implicit", is_flag=True, help="Take no ratings: clicks, plays, purchases; each counts as liked.")
@click.option("--timestamp", metavar="COLUMN", help="When: seconds or milliseconds since 1970, 20260501, or ISO 8601.")
@click.option("--no-timestamp", is_flag=True, help="Take no times: the order of the file counts.")
@click.option("--separator", default=",", show_default=True, help="Between fields of CSV files; 'tab' for a tab.")
@click.option("--attribute", multiple=True, metavar="COLUMN=KIND", help="A further column of the items (repeat).")
@click.option("--user-attribute", multiple=True, metavar="COLUMN=KIND", help="A further column of --users (repeat).")
@home_options
@json_option
def import_command(home: Path | None, config: Path | None, as_json: bool, out: Path, **given: Any) -> None:
    """Make a dataset of items and interactions; ids may be any text, and the site keeps them.

    Columns that no flag names are guessed by their names, and told. KIND is categorical, numeric, text or vector. Every
    row that is dropped or repaired is told with its line, as `sparrow data check` does.

    \b
    Examples:
      sparrow data import --items items.csv --interactions clicks.csv --out ./my-shop
      sparrow data import --items items.parquet --interactions log.parquet --out ./my-shop \\
          --rating points --rating-scale 1 10 --attribute brand=categorical --attribute price=numeric
      sparrow up --dataset ./my-shop
    """
    open_home(home, config)  # a settings file that is wrong is told here too
    from sparrow.datasets.tabular_columns import parse_attributes
    from sparrow.datasets.tabular_import import Order, import_tables
    from sparrow.stores.outside_ids import surrogates

    files: dict[File, Path] = {"items": given["items"], "interactions": given["interactions"]}
    if given["users"]:
        files["users"] = given["users"]
    elif given["user_attribute"]:
        raise InvalidInput("--user-attribute is given without --users; name the file that has the column.")
    order = Order(
        files=files,
        named=_named(given),
        attributes={
            "items": parse_attributes(given["attribute"], "--attribute"),
            "users": parse_attributes(given["user_attribute"], "--user-attribute"),
        },
        separator=_separator(given["separator"]),
        genre_separator=given["genre_separator"],
        scale=given["rating_scale"],
        unwanted=_unwanted(given),
    )
    imported = import_tables(order, out, surrogates)
    if as_json:
        echo_json({"out": str(out), **_told(imported), **imported.report.to_json()})
    else:
        _print(imported, out)


def _named(given: dict[str, Any]) -> "dict[Role, str]":
    from sparrow.datasets.tabular_columns import FLAGS

    flags = {role: given[flag.removeprefix("--").replace("-", "_")] for role, flag in FLAGS.items()}
    return {role: column for role, column in flags.items() if column is not None}


def _unwanted(given: dict[str, Any]) -> "frozenset[Role]":
    left_out = {"rating": ("--implicit", given["implicit"]), "timestamp": ("--no-timestamp", given["no_timestamp"])}
    for role, (flag, is_set) in left_out.items():
        if is_set and given[role] is not None:
            raise InvalidInput(f"{flag} and --{role} contradict each other; give one of them.")
    return frozenset(cast("Role", role) for role, (_, is_set) in left_out.items() if is_set)


def _separator(text: str) -> str:
    separator = SEPARATORS.get(text, text)
    if len(separator) != 1 or not separator.isascii() or separator in '"\r\n':
        raise InvalidInput(f"--separator is {text!r}; it must be one character of ASCII, or 'tab'.")
    return separator


def _told(imported: "Imported") -> dict[str, Any]:
    columns = {
        file: {
            "columns": {str(role): column for role, column in choice.roles.items()},
            "guessed": list(choice.guessed),
            "attributes": dict(choice.attributes),
            "ignored": list(choice.ignored),
        }
        for file, choice in imported.choices.items()
    }
    return {"feedback": imported.feedback, "columns": columns}


def _print(imported: "Imported", out: Path) -> None:
    from sparrow.cli.data import print_report

    for file, choice in imported.choices.items():
        click.echo(f"{file}: {_columns(choice)}")
        if choice.ignored:
            click.echo(f"  ignored: {', '.join(choice.ignored)}")
    if imported.feedback == "implicit":
        click.echo("No ratings to tell likes from dislikes: every interaction counts as liked.")
    print_report(imported.report)
    click.echo(f"The dataset is in {out}; build and serve it with: sparrow up --dataset {out}")


def _columns(choice: "Choice") -> str:
    roles = [
        f"{role} is {column!r}{' (guessed)' if role in choice.guessed else ''}" for role, column in choice.roles.items()
    ]
    return ", ".join([*roles, *(f"{name!r} is {kind}" for name, kind in choice.attributes.items())])
