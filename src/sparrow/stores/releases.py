"""Immutable releases: `{home}/releases/{id}/`, the unit of truth.

    manifest.json        what, when, from what, how good; checksum and size of every file
    features.lmdb        movies, people, embeddings
    recmodel/            SavedModel of NeuralCF (raw ids); each other ranking model under its own name
    recmodel.onnx        the same from dense rows, for ranking in process
    recmodel.encoding.json

A release is filled in a hidden folder and appears by one rename, so half a release is never visible.
"""

import hashlib
import logging
import shutil
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final

import orjson

from sparrow.errors import NotFound, ReleaseError

log = logging.getLogger(__name__)

MANIFEST: Final = "manifest.json"
FORMAT: Final = 1
RECMODEL: Final = "recmodel"
SERVED_AS: Final = {"neural_cf": RECMODEL}
"""Ranking model → its name for outside programs, where that is another one."""


@dataclass(frozen=True)
class Manifest:
    """What a release says of itself.

    Attributes:
        release: its id, e.g. "20261122-101500-3f2a9c".
        created: ISO 8601, UTC.
        dataset: name of the data and its content hash.
        code_version: Sparrow's version that built it.
        fingerprint: of data, settings and code together; equal fingerprints need no rebuild.
        settings: the settings of the build.
        counts: rows of each kind.
        events_through: sequence number of the last feedback event that is contained.
        models: served names, e.g. ("recmodel",).
        embeddings: names of the movie embeddings.
        metrics: what evaluation found.
        files: relative path → {"bytes", "sha256"}.
    """

    release: str
    created: str
    dataset: dict[str, str]
    code_version: str
    fingerprint: str
    settings: dict[str, Any]
    counts: dict[str, int]
    events_through: int
    models: list[str]
    embeddings: list[str]
    metrics: dict[str, Any]
    files: dict[str, dict[str, Any]] = field(default_factory=dict)
    format: int = FORMAT


def served_name(model: str) -> str:
    """What a ranking model is called in a release's folder and at a model server."""
    return SERVED_AS.get(model, model)


def new_release_id(fingerprint: str, now: datetime | None = None) -> str:
    """Time first, so that ids sort by age."""
    return f"{now or datetime.now(UTC):%Y%m%d-%H%M%S}-{fingerprint[:6]}"


def releases_folder(home: Path) -> Path:
    return home / "releases"


def seal(content: Path, home: Path, manifest: Manifest) -> Path:
    """Turn a finished folder into a release.

    Args:
        content: the folder's files; moved, so it must lie on the home's file system.
        home: the state folder.
        manifest: everything but `files`, which is filled here.

    Returns:
        The release's folder.
    """
    target = releases_folder(home) / manifest.release
    if target.exists():
        raise ReleaseError(f"The release {manifest.release} exists already; releases never change.")
    files = {str(path.relative_to(content)): _describe(path) for path in sorted(content.rglob("*")) if path.is_file()}
    files.pop(MANIFEST, None)
    whole = asdict(manifest) | {"files": files}
    (content / MANIFEST).write_bytes(orjson.dumps(whole, option=orjson.OPT_INDENT_2))
    target.parent.mkdir(parents=True, exist_ok=True)
    content.rename(target)
    return target


def _describe(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {"bytes": path.stat().st_size, "sha256": hashlib.file_digest(file, "sha256").hexdigest()}


def list_releases(home: Path) -> list[Manifest]:
    """Every sealed release that can be read, oldest first; a broken one is logged and stands in nobody's way."""
    found = []
    for name in release_names(home):
        try:
            found.append(read_manifest(home, name))
        except ReleaseError as error:
            log.warning("A release is left out: %s", error)
    return found


def release_names(home: Path) -> list[str]:
    """The ids of all sealed releases, readable or not, oldest first; hidden folders are half made or half removed."""
    names = (path.parent.name for path in releases_folder(home).glob(f"*/{MANIFEST}"))
    return sorted(name for name in names if not name.startswith("."))


def read_manifest(home: Path, release: str) -> Manifest:
    """One release's manifest.

    Raises:
        NotFound: there is no such release; the message lists those there are.
        ReleaseError: the manifest cannot be read, or was written by a newer format.
    """
    path = releases_folder(home) / release / MANIFEST
    # "ID/" or a path leads to the same folder under another name, which pruning would take for a release nobody needs.
    if Path(release).name != release or not path.is_file():
        known = ", ".join(release_names(home)) or "none yet; run `sparrow build`"
        raise NotFound(f"There is no release {release!r} in {home}; there are: {known}.")
    try:
        content = orjson.loads(path.read_bytes())
        # Asked before the fields are: a newer format may have others.
        if content["format"] > FORMAT:
            raise ReleaseError(
                f"The release {release} has format {content['format']}, newer than {FORMAT}; update Sparrow."
            )
        return Manifest(**content)
    except (orjson.JSONDecodeError, KeyError, TypeError) as error:
        raise ReleaseError(f"{path} cannot be read ({error}); roll back to another release or rebuild.") from None


def check_release(home: Path, release: str, checksums: bool = True) -> Manifest:
    """Raise ReleaseError, naming the file, unless every file of the release is there and unchanged."""
    manifest = read_manifest(home, release)
    folder = releases_folder(home) / release
    for name, told in manifest.files.items():
        path = folder / name
        if not path.is_file():
            raise ReleaseError(f"The release {release} lacks its file {name}; build it again or publish another.")
        found = _describe(path) if checksums else {"bytes": path.stat().st_size, "sha256": told["sha256"]}
        if found != told:
            raise ReleaseError(
                f"The file {name} of release {release} has changed since it was built ({found['bytes']} bytes, "
                f"{told['bytes']} expected); build it again or publish another."
            )
    return manifest


def remove_release(home: Path, release: str) -> None:
    """Delete a release's folder: renamed out of sight first, so that no one meets half of it."""
    folder = releases_folder(home) / release
    hidden = folder.with_name(f".{release}.gone")
    shutil.rmtree(hidden, ignore_errors=True)
    folder.rename(hidden)
    shutil.rmtree(hidden, ignore_errors=True)


def compare(first: Manifest, second: Manifest) -> dict[str, tuple[Any, Any]]:
    """Dotted name → (value in first, value in second) for everything but files that differs."""
    left, right = _flatten(asdict(first)), _flatten(asdict(second))
    names = [name for name in {**left, **right} if not name.startswith("files.")]
    return {name: (left.get(name), right.get(name)) for name in names if left.get(name) != right.get(name)}


def _flatten(tree: dict[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for key, value in tree.items():
        name = f"{prefix}{key}"
        flat.update(_flatten(value, f"{name}.") if isinstance(value, dict) else {name: value})
    return flat
