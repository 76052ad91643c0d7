"""The model repository `{home}/models/{name}/{n}/`: what a TensorFlow Serving server watches.

A version is placed whole: hard links into a hidden folder, then one rename. Its number is always above all earlier ones, so
"the largest version" is the newest, after a rollback too. `models.config` tells any server to keep the two newest.
"""

import os
import shutil
from pathlib import Path
from typing import Final

from sparrow.errors import ReleaseError

KEPT_VERSIONS: Final = 2
CONFIG_FILE: Final = "models.config"


def versions(models: Path, name: str) -> list[int]:
    """The placed versions of a model, ascending; `002` counts as 2."""
    folder = models / name
    found = [int(entry.name) for entry in folder.iterdir() if entry.name.isdecimal()] if folder.is_dir() else []
    return sorted(found)


def place(models: Path, name: str, saved_model: Path, above: int = 0) -> int:
    """Put a SavedModel under the next version number.

    Args:
        models: `{home}/models`.
        name: e.g. "recmodel".
        saved_model: the folder to place; it is linked, not moved.
        above: a number known to have been used, even if its folder is gone.

    Returns:
        The new version.

    Raises:
        ReleaseError: `saved_model` holds no SavedModel.
    """
    if not (saved_model / "saved_model.pb").is_file():
        raise ReleaseError(f"{saved_model} holds no saved_model.pb; the release is incomplete, build it again.")
    number = max([*versions(models, name), above]) + 1
    hidden, target = models / name / f".{number}.tmp", models / name / str(number)
    shutil.rmtree(hidden, ignore_errors=True)
    hidden.parent.mkdir(parents=True, exist_ok=True)
    shutil.copytree(saved_model, hidden, copy_function=_link_or_copy)
    hidden.rename(target)
    return number


def _link_or_copy(source: str, target: str) -> None:
    """A hard link costs no space; across file systems there is none, so copy."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)


def discard_above(models: Path, name: str, live: int) -> int:
    """Remove versions that were placed after the live one and never went live themselves.

    Two of them would push the live version out of what a server keeps loaded.

    Args:
        models: `{home}/models`.
        name: e.g. "recmodel".
        live: the live version, 0 when none is known: then nothing is removed.

    Returns:
        The largest number seen, removed ones included.
    """
    placed = [live, *versions(models, name)]
    for number in placed:
        if live and number > live:
            shutil.rmtree(models / name / str(number), ignore_errors=True)
    return max(placed)


def prune(models: Path, name: str, keep: set[int]) -> None:
    """Remove all but the newest `KEPT_VERSIONS` and those in `keep`."""
    for number in versions(models, name)[:-KEPT_VERSIONS]:
        if number not in keep:
            shutil.rmtree(models / name / str(number), ignore_errors=True)


def write_config(models: Path, names: list[str]) -> None:
    """Write `models.config` for `--model_config_file`, in TensorFlow Serving's text format."""
    blocks = [
        f'  config {{\n    name: "{name}"\n    base_path: "{(models / name).resolve()}"\n    model_platform: "tensorflow"\n'
        f"    model_version_policy {{ latest {{ num_versions: {KEPT_VERSIONS} }} }}\n  }}\n"
        for name in names
    ]
    text = "model_config_list {\n" + "".join(blocks) + "}\n"
    hidden = models / f".{CONFIG_FILE}.tmp"
    hidden.write_text(text, encoding="utf-8")
    hidden.rename(models / CONFIG_FILE)
