"""A release that is made only to be asked: by the same stages as any other, neither judged nor sealed nor published."""

from pathlib import Path

from sparrow.build.assemble import models_in
from sparrow.build.plan import Reporter
from sparrow.build.publish import build_stage
from sparrow.config import Settings
from sparrow.online.live import open_folder
from sparrow.online.recommender import Recommender
from sparrow.stores.releases import Manifest


def trial_settings(settings: Settings) -> Settings:
    """These settings less what no list for people goes by: embeddings of similar movies only, pictures, other machines."""
    every = settings.embeddings
    needed = tuple(name for name in every.movies if name == settings.recall.embedding) or every.movies
    here = settings.unhurried()
    return here.model_copy(
        update={
            "embeddings": every.model_copy(update={"movies": needed, "posters": ""}),
            "online": here.online.model_copy(update={"store": ""}),
        }
    )


def build_trial(home: Path, source: str, settings: Settings, reporter: Reporter) -> Recommender:
    """Build a dataset up to what a release holds, its default ranker chosen, and open that.

    Args:
        home: a folder of its own; it must stay as long as the recommender is asked.
        source: the dataset.
        settings: of the build and of serving; see `trial_settings`.
        reporter: told of every stage.

    Raises:
        BuildError: a stage cannot finish.
    """
    wanted = trial_settings(settings)
    *_, last = build_stage(home, source, wanted, reporter, "assemble")
    folder = home / "work" / f"{last.stage}-{last.fingerprint}" / "release"
    manifest = Manifest("trial", "", {}, "", "", {}, {}, 0, models_in(folder), [], {})
    return open_folder(folder, manifest, wanted)
