"""`sparrow releases`, `publish`, `rollback` and `evaluate`: what there is, what is live, how good it is."""

from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from sparrow.cli.options import echo_json, home_options, json_option, open_home, open_published, store_option
from sparrow.stores.publishing import Pointer, read_pointer
from sparrow.stores.releases import Manifest, compare, list_releases, read_manifest


@click.group(invoke_without_command=True)
@store_option
@home_options
@json_option
@click.pass_context
def releases(context: click.Context, store: str | None, home: Path | None, config: Path | None, as_json: bool) -> None:
    """List the releases, oldest first; the live one is marked.

    \b
    Examples:
      sparrow releases
      sparrow releases --store redis://localhost:6379
      sparrow releases diff 20261122-101500-3f2a9c 20261123-090000-77ab01
    """
    folder, settings = open_published(store, home, config)
    context.obj = folder
    if context.invoked_subcommand is not None:
        return
    if settings.online.store:
        _tell_held(settings.online.store, as_json)
        return
    found, pointer = list_releases(folder), read_pointer(folder)
    live = pointer.release if pointer else None
    if as_json:
        echo_json({"live": live, "releases": [_brief(one) for one in found]})
    elif found:
        _print_releases(found, live)
    else:
        click.echo(f"There is no release in {folder} yet; make one with: sparrow build")


def _brief(manifest: Manifest) -> dict[str, Any]:
    return {name: value for name, value in asdict(manifest).items() if name not in ("files", "settings")}


def _print_releases(found: list[Manifest], live: str | None) -> None:
    table = Table("", "release", "dataset", "movies", "people", "nDCG@10", box=None)
    for one in found:
        mark = "live" if one.release == live else ""
        counts = (str(one.counts.get(name, "")) for name in ("movies", "people"))
        table.add_row(mark, one.release, one.dataset["name"], *counts, _headline(one))
    Console().print(table)


def _tell_held(url: str, as_json: bool) -> None:
    """What a Redis holds: whole releases, those going (deleted within two minutes), and halves."""
    from sparrow.stores.redis_releases import RedisTarget

    with closing(RedisTarget(url)) as target:
        held, pointer = target.held(), target.read_pointer()
    live = pointer.release if pointer else None
    if as_json:
        echo_json({"live": live, "releases": [asdict(one) for one in held]})
    elif held:
        table = Table("", "release", "state", "movies", "people", box=None)
        for one in held:
            counts = (str(one.counts.get(name, "-")) for name in ("movies", "people"))
            table.add_row("live" if one.release == live else "", one.release, one.state, *counts)
        Console().print(table)
    else:
        click.echo(f"There is no release in {target.name} yet; bring one with: sparrow publish RELEASE --store …")


def _headline(manifest: Manifest) -> str:
    group = manifest.metrics.get("next")
    return f"{group['rows'][0]['metrics']['ndcg@10']:.4f}" if group else "-"


@releases.command()
@click.argument("first")
@click.argument("second")
@home_options
@json_option
@click.pass_obj
def diff(listed: Path, first: str, second: str, home: Path | None, config: Path | None, as_json: bool) -> None:
    """Show what differs between two releases: data, settings, counts, metrics.

    \b
    Example:
      sparrow releases diff 20261122-101500-3f2a9c 20261123-090000-77ab01
    """
    folder = open_home(home, config)[0] if home else listed
    changes = compare(read_manifest(folder, first), read_manifest(folder, second))
    if as_json:
        echo_json({name: {"first": old, "second": new} for name, (old, new) in changes.items()})
        return
    for name, (old, new) in changes.items():
        click.echo(f"{name}: {old} -> {new}")


@click.command()
@click.argument("release")
@store_option
@home_options
@json_option
def publish(release: str, store: str | None, home: Path | None, config: Path | None, as_json: bool) -> None:
    """Make a release live. Its files are checked first; a running server takes it over within a second.

    \b
    Examples:
      sparrow publish 20261122-101500-3f2a9c
      sparrow publish 20261122-101500-3f2a9c --store redis://localhost:6379
    """
    from sparrow.build.publish import publish as run_publish

    folder, settings = open_published(store, home, config)
    _tell_pointer(run_publish(folder, release, settings), as_json)


@click.command()
@store_option
@home_options
@json_option
def rollback(store: str | None, home: Path | None, config: Path | None, as_json: bool) -> None:
    """Make the release live that was live before this one.

    \b
    Examples:
      sparrow rollback
      sparrow rollback --store redis://localhost:6379
    """
    from sparrow.build.publish import rollback as run_rollback

    folder, settings = open_published(store, home, config)
    _tell_pointer(run_rollback(folder, settings), as_json)


def _tell_pointer(pointer: Pointer, as_json: bool) -> None:
    if as_json:
        echo_json(asdict(pointer))
    else:
        placed = ", ".join(f"{name} version {version}" for name, version in pointer.models.items())
        click.echo(f"Release {pointer.release} is live ({placed}).")
