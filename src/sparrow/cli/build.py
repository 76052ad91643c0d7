"""`sparrow build` and `sparrow up`."""

from pathlib import Path
from typing import Any

import click

from sparrow.cli.options import echo_json, home_options, json_option, open_home
from sparrow.cli.progress import BuildProgress
from sparrow.errors import InvalidInput

STAGE_NAMES = ("data", "features", "samples", "embeddings", "recall", "ranking", "assemble", "evaluate")


@click.command()
@click.option(
    "--dataset",
    default="builtin",
    show_default=True,
    metavar="NAME|PATH",
    help="What `sparrow data list` names, or a folder.",
)
@click.option(
    "--engine", type=click.Choice(["duckdb", "spark"]), default="duckdb", show_default=True, help="Batch engine."
)
@click.option(
    "--profile",
    type=click.Choice(["quick", "standard", "all"]),
    default="quick",
    show_default=True,
    help="How much to build.",
)
@click.option(
    "--only", type=click.Choice(STAGE_NAMES), metavar="STAGE", help=f"Stop after one stage: {', '.join(STAGE_NAMES)}."
)
@click.option("--force", is_flag=True, help="Run the stage (with --only) or all of them even if nothing has changed.")
@home_options
@json_option
def build(
    dataset: str,
    engine: str,
    profile: str,
    only: str | None,
    force: bool,
    home: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Make a release from a dataset; what a killed build finished is not done again. Publishing is another step.

    \b
    Examples:
      sparrow build
      sparrow build --dataset ./ml-latest-small
      sparrow build --only ranking
    """
    _check_supported(engine, profile)
    from sparrow.build.publish import build as run_build

    folder, settings = open_home(home, config)
    with BuildProgress() as reporter:
        built = run_build(folder, dataset, settings, reporter, only, force)
    if built is None:
        _tell_stage(only, as_json)
        return
    _tell(built.manifest.release, built.reused, as_json)


def _check_supported(engine: str, profile: str) -> None:
    if engine == "spark":
        raise InvalidInput(
            "This version builds with DuckDB only; the Spark engine is not there yet. Leave --engine out."
        )
    if profile != "quick":
        raise InvalidInput(f"This version builds the profile 'quick' only, not {profile!r}. Leave --profile out.")


def _tell_stage(stage: str | None, as_json: bool) -> None:
    if as_json:
        echo_json({"stage": stage})
    else:
        click.echo(f"The stage {stage} is done; run `sparrow build` for a release.", err=True)


def _tell(release: str, reused: bool, as_json: bool) -> None:
    if as_json:
        echo_json({"release": release, "reused": reused})
    else:
        click.echo(f"{'Found' if reused else 'Built'} release {release}; make it live with: sparrow publish {release}")


@click.command()
@click.option("--dataset", default="builtin", show_default=True, metavar="NAME|PATH", help="What to recommend from.")
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the site.  [default: 6010]")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@home_options
def up(dataset: str, port: int | None, host: str | None, home: Path | None, config: Path | None) -> None:
    """Build if no release has this data and these settings, publish it, and serve the site. A second start is instant.

    \b
    Examples:
      sparrow up
      sparrow up --dataset ./ml-latest-small --port 7000
    """
    from sparrow.cli.serve import check_port, run_server

    flags: dict[str, dict[str, Any]] = {"web": {"port": port, "host": host}}
    folder, settings = open_home(home, config, flags)
    # A taken port must not be learnt after a minute of building.
    check_port(settings.web.host, settings.web.port)
    _make_live(folder, dataset, settings)
    run_server(folder, settings, config)


def _make_live(folder: Path, dataset: str, settings: Any) -> None:
    """Find or build the release, and publish it unless it is live."""
    from sparrow.build.lookup import code_version, find_release
    from sparrow.stores.publishing import read_pointer

    manifest = find_release(folder, dataset, settings)
    if manifest is None:
        from sparrow.build.publish import build as run_build

        with BuildProgress() as reporter:
            built = run_build(folder, dataset, settings, reporter)
        assert built is not None
        manifest = built.manifest
    elif manifest.code_version != code_version():
        click.echo(
            f"Release {manifest.release} was built by other code ({manifest.code_version}); serving it. "
            "Renew it: sparrow build, then sparrow publish",
            err=True,
        )
    pointer = read_pointer(folder)
    if pointer is None or pointer.release != manifest.release:
        from sparrow.build.publish import publish as run_publish

        run_publish(folder, manifest.release, settings)
    click.echo(f"Release {manifest.release} is live.", err=True)
