"""Which release was made from which data and settings; light enough for `sparrow up` to ask at every start."""

import hashlib
from pathlib import Path
from typing import Any, Final, get_args

import orjson

import sparrow
from sparrow.build.digests import code_digest, settings_content
from sparrow.config import Settings
from sparrow.datasets import fingerprint
from sparrow.datasets.sources import locate_dataset
from sparrow.features.engines.engine import EngineName
from sparrow.stores.publishing import read_pointer
from sparrow.stores.releases import Manifest, list_releases

NOT_CONTENT: Final = {"web", "online", "feedback", "experiments", "retrain", "releases", "build", "similar", "for_you"}
"""Sections that change how a release is served or what its build may take, not what it holds."""

FEEDBACK: Final = "feedback"
"""Where a manifest's `dataset` names what people did on the site, if that changed the data."""

ENGINES: Final = ("", *get_args(EngineName))
"""What a release's fingerprint may say of the batch engine; nothing, if no stage made another thing of it."""


def release_fingerprint(data: str, settings: Settings, engine: str = "") -> str:
    """What a release is made from, code aside: of the settings those that say something else than the defaults, so that a
    setting which a newer version brings does not make another release of everybody's."""
    relevant = {name: value for name, value in _changed(settings).items() if value and name not in NOT_CONTENT}
    return hashlib.sha256(orjson.dumps([data, relevant, engine], option=orjson.OPT_SORT_KEYS)).hexdigest()


def content_mark(data: str, feedback: str) -> str:
    """What a release is made from: the data's content hash, and with it what people did on the site, if that counts."""
    return hashlib.sha256(f"{data}+{feedback}".encode()).hexdigest() if feedback else data


def _changed(settings: Settings) -> dict[str, dict[str, Any]]:
    """Section → values that are not the defaults. Windows open and close while a release stands."""
    values, defaults = settings_content(settings), settings_content(Settings())
    values["candidates"].pop("windows")
    return {
        section: {name: value for name, value in own.items() if value != defaults[section][name]}
        for section, own in values.items()
    }


def find_release(home: Path, source: str, settings: Settings) -> Manifest | None:
    """A release with this data and these settings, whatever code and engine built it: the live one if it is, else the newest.

    What people did on the site may be in it or not: a restart is no reason to build.
    """
    data, every = fingerprint(locate_dataset(source, home)), list_releases(home)
    told = {
        "",
        *(one.dataset.get(FEEDBACK, "") for one in every),
    }  # "" at least: settings are checked where nothing is built yet
    marks = {release_fingerprint(content_mark(data, one), settings, engine) for one in told for engine in ENGINES}
    fitting = [one for one in every if one.fingerprint in marks]
    pointer = read_pointer(home)
    live = [one for one in fitting if pointer is not None and one.release == pointer.release]
    return next(reversed(live or fitting), None)


def code_version() -> str:
    """Sparrow's version and a digest of its source, as a manifest carries it."""
    return f"{sparrow.__version__}+{code_digest()}"
