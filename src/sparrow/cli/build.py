"""`sparrow build` and `sparrow up`."""

from collections.abc import Sequence
from contextlib import closing
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sparrow.cli.options import echo_json, home_options, json_option, open_home
from sparrow.cli.progress import BuildProgress
from sparrow.errors import InvalidInput

if TYPE_CHECKING:
    from sparrow.build.profiles import Profile
    from sparrow.build.publish import Built
    from sparrow.build.run_log import StageReport
    from sparrow.features.engines import EngineChoice

_POSTERS = click.option(
    "--posters",
    metavar="DIR",
    help="Pictures named by movie id, such as 1.jpg: similar movies look alike, too; else embeddings.posters.",
)

STAGE_NAMES = ("data", "features", "samples", "embeddings", "recall", "ranking", "assemble", "evaluate")


@click.command()
@click.option(
    "--dataset",
    default="builtin",
    show_default=True,
    metavar="NAME|PATH",
    help="What `sparrow data list` names, or a folder.",
)
@_POSTERS
@click.option(
    "--engine",
    type=click.Choice(["duckdb", "spark"]),
    default="duckdb",
    show_default=True,
    help="Batch engine: DuckDB in this process, or Spark; features and samples are the same rows.",
)
@click.option(
    "--spark-master", metavar="URL", help="With --engine spark: spark://…, yarn, k8s://…, sc://…  [default: local[*]]"
)
@click.option(
    "--profile",
    type=click.Choice(["quick", "standard", "all"]),
    default="quick",
    show_default=True,
    help="How much to build: quick is what the settings say and `sparrow up` serves; standard adds the deep ranker that knows "
    "newcomers by their history; all has every embedding and every ranking model, to compare.",
)
@click.option(
    "--tune",
    type=click.IntRange(1),
    metavar="N",
    help="Try N settings per ranking model first, each a training of its own.",
)
@click.option(
    "--warm-start",
    metavar="RELEASE",
    help="Start the ranking models from those of an earlier release (`live` is the live one); tables grow for new ids.",
)
@click.option(
    "--with-events",
    is_flag=True,
    help='Fold in what people did on the site: ratings, undone ratings and "not for me" (docs/feedback.md).',
)
@click.option(
    "--only",
    type=click.Choice(STAGE_NAMES),
    metavar="STAGE",
    help=f"Run one stage and, of those it stands on, the stale ones; make no release. Stages: {', '.join(STAGE_NAMES)}.",
)
@click.option(
    "--force",
    is_flag=True,
    help="Run all stages, or with --only that one, though nothing has changed. What stands on it is stale then: "
    "the next build runs that and makes a new release.",
)
@home_options
@json_option
def build(
    dataset: str,
    posters: str | None,
    engine: str,
    spark_master: str | None,
    profile: "Profile",
    tune: int | None,
    warm_start: str | None,
    with_events: bool,
    only: str | None,
    force: bool,
    home: Path | None,
    config: Path | None,
    as_json: bool,
) -> None:
    """Make a release from a dataset; publishing is another step.

    A stage runs when its data, its settings, its code or a stage before it has changed, else its last result is reused; what a
    killed build finished is not done again. If a release has all of this already, it is found and nothing runs. Before it
    starts, a build that the disk will not hold is refused.

    \b
    Examples:
      sparrow build
      sparrow build --dataset ./ml-latest-small --json
      sparrow build --posters ./posters
      sparrow build --only ranking --force        # train again, then
      sparrow build                               # a release with the new network
      sparrow build --with-events                 # what people rated here is learnt from
      sparrow build --engine spark --spark-master spark://host:7077
    """
    choice = _engine(engine, spark_master)
    from sparrow.build.profiles import of_profile, starting_from
    from sparrow.build.publish import build as run_build
    from sparrow.build.publish import build_stage

    folder, settings = open_home(home, config, {"embeddings": {"posters": posters}, "ranking": {"tune": tune}})
    settings = starting_from(of_profile(settings, profile), folder, warm_start)
    if only:
        with BuildProgress() as reporter:
            reports = build_stage(folder, dataset, settings, reporter, only, force, choice, with_events)
        _tell_stage(only, reports, as_json)
    else:
        with BuildProgress() as reporter:
            built = run_build(folder, dataset, settings, reporter, force, choice, with_events)
        _tell(built, as_json)


def _engine(name: str, master: str | None) -> "EngineChoice":
    if master and name != "spark":
        raise InvalidInput(f"--spark-master {master} is for Spark, and the engine is {name}; add --engine spark.")
    from sparrow.features.engines import EngineChoice

    return EngineChoice("spark", master or "local[*]") if name == "spark" else EngineChoice()


def _tell_stage(stage: str, reports: "Sequence[StageReport]", as_json: bool) -> None:
    if as_json:
        echo_json({"stage": stage, "stages": [asdict(report) for report in reports]})
    else:
        click.echo(f"The stage {stage} is done; run `sparrow build` for a release.", err=True)


def _tell(built: "Built", as_json: bool) -> None:
    name = built.manifest.release
    if as_json:
        echo_json({"release": name, "reused": built.reused, "stages": [asdict(report) for report in built.stages]})
    else:
        click.echo(f"{'Found' if built.reused else 'Built'} release {name}; make it live with: sparrow publish {name}")


@click.command()
@click.option("--dataset", default="builtin", show_default=True, metavar="NAME|PATH", help="What to recommend from.")
@_POSTERS
@click.option("--port", type=click.IntRange(0, 65535), help="Port of the site.  [default: 6010]")
@click.option("--host", help="Address to listen on.  [default: 127.0.0.1]")
@home_options
def up(
    dataset: str, posters: str | None, port: int | None, host: str | None, home: Path | None, config: Path | None
) -> None:
    """Build if no release has this data and these settings, publish it, and serve the site. A second start is instant.

    \b
    Examples:
      sparrow up
      sparrow up --dataset ./ml-latest-small --port 7000
    """
    from sparrow.cli.serve import check_port, run_server

    flags: dict[str, dict[str, Any]] = {"web": {"port": port, "host": host}, "embeddings": {"posters": posters}}
    folder, settings = open_home(home, config, flags)
    # A taken port must not be learnt after a minute of building.
    check_port(settings.web.host, settings.web.port)
    _make_live(folder, dataset, settings)
    run_server(folder, settings, config)


def _make_live(folder: Path, dataset: str, settings: Any) -> None:
    """Find or build the release, and publish it unless it is live."""
    from sparrow.build.lookup import code_version, find_release
    from sparrow.stores.publishing import open_target

    manifest = find_release(folder, dataset, settings)
    if manifest is None:
        from sparrow.build.publish import build as run_build

        with BuildProgress() as reporter:
            manifest = run_build(folder, dataset, settings, reporter).manifest
    elif manifest.code_version != code_version():
        click.echo(
            f"Release {manifest.release} was built by other code ({manifest.code_version}); serving it. "
            "Renew it: sparrow build, then sparrow publish",
            err=True,
        )
    with closing(open_target(folder, settings.online.store)) as target:
        pointer = target.read_pointer()
    if pointer is None or pointer.release != manifest.release:
        from sparrow.build.publish import publish as run_publish

        run_publish(folder, manifest.release, settings)
    click.echo(f"Release {manifest.release} is live.", err=True)
