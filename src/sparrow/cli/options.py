"""Flags that every verb shares, and what they make: a home and its settings."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import click
import orjson

from sparrow.config import Settings, find_home, load_settings
from sparrow.errors import InvalidInput
from sparrow.stores.redis_address import parse_address

Command = Callable[..., Any]


def home_options(command: Command) -> Command:
    """`--home` and `--config`; the command gets `home: Path | None` and `config: Path | None`."""
    command = click.option(
        "--config",
        type=click.Path(path_type=Path, dir_okay=False),
        help="Settings file; else HOME/sparrow.toml, else ./sparrow.toml.",
    )(command)
    return click.option(
        "--home",
        type=click.Path(path_type=Path, file_okay=False),
        help="Where all state lives; else SPARROW_HOME, else ./var.",
    )(command)


def json_option(command: Command) -> Command:
    """`--json`; the command gets `as_json: bool`."""
    return click.option("--json", "as_json", is_flag=True, help="Print JSON.")(command)


def open_home(
    home: Path | None, config: Path | None, flags: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Path, Settings]:
    """The home folder and its settings, the verb's own flags on top."""
    folder = find_home(home)
    return folder, load_settings(config, folder, flags)


def echo_json(value: Any) -> None:
    """Print a value as indented JSON."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY).decode())


def store_option(command: Command) -> Command:
    """`--store`; the command gets `store: str | None` and asks `open_published`."""
    return click.option(
        "--store",
        metavar="lmdb:HOME|redis://…",
        help="Where releases are published and served from: a home's own LMDB, or Redis (redis://, rediss://, "
        "redis+sentinel://, redis+cluster://); else [online] store, else the home.",
    )(command)


def open_published(
    store: str | None, home: Path | None, config: Path | None, flags: Mapping[str, Mapping[str, Any]] | None = None
) -> tuple[Path, Settings]:
    """Like `open_home`, with `--store` on top: `lmdb:HOME` names the home, a Redis becomes `settings.online.store`."""
    folder, settings = _open_store(store, home, config, flags or {})
    if settings.online.store:
        # Refused here: a worker that cannot start would be started again and again.
        parse_address(settings.online.store)
    return folder, settings


def _open_store(
    store: str | None, home: Path | None, config: Path | None, flags: Mapping[str, Mapping[str, Any]]
) -> tuple[Path, Settings]:
    if store is None:
        return open_home(home, config, flags)
    kind, _, place = store.partition(":")
    if kind == "lmdb" and place:
        home, address = Path(place), ""
    elif kind.startswith("redis") and place:
        address = store
    else:
        raise InvalidInput(
            f"The store {kind}:… is not known; write lmdb:HOME, e.g. lmdb:./var, or redis://HOST:6379, see docs/serving.md."
        )
    return open_home(home, config, {**flags, "online": {**flags.get("online", {}), "store": address}})
