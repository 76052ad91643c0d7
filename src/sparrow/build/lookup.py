"""Which release was made from which data and settings; light enough for `sparrow up` to ask at every start."""

import hashlib
from pathlib import Path
from typing import Final

import orjson

import sparrow
from sparrow.build.plan import code_digest
from sparrow.config import Settings
from sparrow.datasets import fingerprint
from sparrow.stores.publishing import read_pointer
from sparrow.stores.releases import Manifest, list_releases

SERVING_ONLY: Final = {"web", "online", "releases"}
"""Sections that change how a release is served, not what it holds."""


def release_fingerprint(data: str, settings: Settings) -> str:
    """What a release is made from, code aside."""
    relevant = {name: value for name, value in settings.model_dump(mode="json").items() if name not in SERVING_ONLY}
    return hashlib.sha256(orjson.dumps([data, relevant], option=orjson.OPT_SORT_KEYS)).hexdigest()


def find_release(home: Path, source: str, settings: Settings) -> Manifest | None:
    """A release with this data and these settings, whatever code built it: the live one if it is, else the newest."""
    mark = release_fingerprint(fingerprint(source), settings)
    fitting = [one for one in list_releases(home) if one.fingerprint == mark]
    pointer = read_pointer(home)
    live = [one for one in fitting if pointer is not None and one.release == pointer.release]
    return next(reversed(live or fitting), None)


def code_version() -> str:
    """Sparrow's version and a digest of its source, as a manifest carries it."""
    return f"{sparrow.__version__}+{code_digest()}"
