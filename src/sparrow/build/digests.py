"""What makes a stage another one: its fingerprint.

It covers the data's content, the settings a stage reads (a folder of pictures by what it holds), the source of the rooms it
runs, and the fingerprints of the stages before it.
"""

import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

import sparrow
from sparrow.config import Settings
from sparrow.datasets.pictures import hash_pictures
from sparrow.features.engines import EngineChoice

if TYPE_CHECKING:
    from sparrow.build.plan import Stage

SOURCE = Path(sparrow.__file__).parent
SHARED = "schema"
"""What counts as liked, which ratings there are: every stage goes by it."""


def fingerprints(
    stages: "Sequence[Stage]", data: str, settings: Settings, engine: EngineChoice = EngineChoice()
) -> dict[str, str]:
    """Stage name → fingerprint, for the data with content hash `data`."""
    found: dict[str, str] = {}
    values = settings_content(settings)
    for stage in stages:
        parts = [
            stage.name,
            data,
            {section: values[section] for section in stage.sections},
            [_source_digest(room) for room in (SHARED, *stage.rooms)],
            [found[name] for name in stage.needs],
            engine.name if stage.engine_matters else "",
        ]
        found[stage.name] = hashlib.sha256(orjson.dumps(parts)).hexdigest()[:16]
    return found


def settings_content(settings: Settings) -> dict[str, dict[str, Any]]:
    """Section → values as a fingerprint takes them: a folder of pictures by what it holds, wherever it lies.

    Raises:
        InvalidInput: the folder does not exist.
    """
    values: dict[str, dict[str, Any]] = settings.model_dump(mode="json")
    if settings.embeddings.posters:
        values["embeddings"]["posters"] = hash_pictures(Path(settings.embeddings.posters))
    return values


@cache
def _source_digest(room: str) -> str:
    path = SOURCE / room
    files = sorted(path.rglob("*.py")) if path.is_dir() else [path.with_suffix(".py")]
    digest = hashlib.sha256()
    for file in files:
        digest.update(file.relative_to(SOURCE).as_posix().encode() + b"\0" + file.read_bytes())
    return digest.hexdigest()


def code_digest() -> str:
    """A short hash of all of Sparrow's source: which code built a release."""
    return _source_digest(".")[:8]
