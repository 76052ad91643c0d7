"""`sparrow evaluate --from-events`: a pipeline judged before it goes online, from lists that were drawn with known chances."""

from contextlib import closing
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import click
from rich.console import Console
from rich.table import Table

from sparrow.cli.options import echo_json
from sparrow.config import Experiments, Settings
from sparrow.errors import NotFound

if TYPE_CHECKING:
    from sparrow.build.off_policy import Judged

NAMED: Final = {
    "live": "live lists",
    "doubly_robust": "doubly robust",
    "snips": "SNIPS",
    "ips": "IPS",
}
"""Estimator → its row."""


def show_from_events(
    home: Path, settings: Settings, release: str | None, model: str | None, places: int, since: int, as_json: bool
) -> None:
    """Print what the lists of a pipeline would earn.

    Raises:
        NotFound: there is no such release or pipeline, or no list was drawn.
        DataError: the logged lists cannot stand for the new pipeline's.
    """
    name, pipeline, judged = _judge(home, settings, release, model, places, since)
    about = {"release": name, "pipeline": pipeline, "places": places, "reward": "clicks per list"}
    if as_json:
        echo_json({**about, **judged.as_json()})
        return
    _print(about, judged.as_json())


def _judge(
    home: Path, settings: Settings, release: str | None, model: str | None, places: int, since: int
) -> "tuple[str, str, Judged]":
    from sparrow.build.off_policy import judge_from_events
    from sparrow.online.live import open_folder
    from sparrow.stores.event_archive import bring_home
    from sparrow.stores.publishing import open_target
    from sparrow.stores.releases import check_release, releases_folder

    bring_home(home, settings.feedback.events)
    with closing(open_target(home, settings.online.store)) as target:
        pointer = target.read_pointer()
        name = release or (pointer.release if pointer else None)
        if name is None:
            raise NotFound(f"No release is live in {home}; name one, or make one with: sparrow up")
        manifest = check_release(home, name, checksums=False)
        records = target if pointer and pointer.release == name else None
        folder = releases_folder(home) / name
        recommender = open_folder(folder, manifest, _in_process(settings), target=records)
        pipeline = model or recommender.models[0]
        return name, pipeline, judge_from_events(home, recommender, manifest.events_through, model, places, since)


def _in_process(settings: Settings) -> Settings:
    """As served, but nobody takes part in experiments, and nothing hangs on how busy a machine is."""
    outside = Experiments(steepness=settings.experiments.steepness)
    return settings.unhurried().model_copy(update={"experiments": outside})


def _print(about: dict[str, Any], told: dict[str, Any]) -> None:
    table = Table("clicks per list", "estimate", "95 % interval by person", box=None)
    for name, words in NAMED.items():
        one = told["estimates"][name]
        low, high = one["interval"]
        table.add_row(words, f"{one['value']:.4f}", f"{low:.4f} to {high:.4f}")
    click.echo(
        f"{about['pipeline']} of {about['release']}, the first {about['places']} places of {told['lists']} drawn lists "
        f"of {told['people']} people"
    )
    Console().print(table)
    low, high = told["lead"]["interval"]
    click.echo(f"lead over the live lists (doubly robust): {told['lead']['value']:+.4f} ({low:+.4f} to {high:+.4f})")
    click.echo(f"effective lists {told['effectiveLists']:.0f}, covered {told['covered']:.0%}")
    if told["leftOut"]:
        click.echo(f"{told['leftOut']} lists are left out: the release was built from later events.")
    if not told["believed"]:
        click.echo(
            "Too few effective lists: these intervals are narrower than they should be. Judge fewer places, or wait."
        )
