"""A model card beside each exported model: what it learned from, how, and how good it is (Mitchell et al., 2019)."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import orjson

from sparrow.features.encoding import EncodingSpec
from sparrow.stores.releases import SERVED_AS, Manifest

CARD: Final = Path("assets.extra", "card.json")
"""Inside a SavedModel's folder, where any server leaves it alone."""

GROUPS: Final = ("next", "seen", "unseen")


def write_cards(content: Path, manifest: Manifest) -> None:
    """Write one card a model into a release that is about to be sealed.

    Args:
        content: the release's folder.
        manifest: everything it says of itself.
    """
    names = {served: name for name, served in SERVED_AS.items()}
    for served in manifest.models:
        path = content / served / CARD
        path.parent.mkdir(exist_ok=True)
        card = describe(content, manifest, names.get(served, served), served)
        path.write_bytes(orjson.dumps(card, option=orjson.OPT_INDENT_2))


def describe(content: Path, manifest: Manifest, name: str, served: str) -> dict[str, Any]:
    """One model's card.

    Args:
        name: of the model; `served` is what it is called in the release.
    """
    spec = EncodingSpec.load(content / f"{served}.encoding.json")
    curve = orjson.loads((content / f"{served}.curve.json").read_bytes())
    tuning = _read(content / f"{served}.tuning.json") or []
    return {
        "model": name,
        "served_as": served,
        "release": manifest.release,
        "created": manifest.created,
        "code_version": manifest.code_version,
        "data": manifest.dataset,
        "rows": manifest.counts,
        "inputs": {
            one: {"kind": field.kind, "rows": field.rows, "length": field.length} for one, field in spec.fields.items()
        },
        "score": "chance of being chosen beside movies drawn by popularity: orders lists, is no click rate",
        "settings": manifest.settings[name] | _best(tuning),
        "trained": {
            "epochs": len(curve["loss"]),
            "loss": curve["loss"],
            "started_from": manifest.settings["ranking"]["warm_start"],
        },
        "tuning": tuning,
        "metrics": _metrics(manifest.metrics, name),
        "limits": "judged on the judging fit, which knows nothing after the cut; the served fit has seen every row",
    }


def _metrics(metrics: Mapping[str, Any], name: str) -> dict[str, Any]:
    """What evaluation says of this model, people of each question apart."""
    liking = metrics.get("liking", {})
    return {
        "ranking": {group: _row(metrics.get(group), "recommender", name) for group in GROUPS},
        "liking": {group: _row(liking.get(group), "model", name) for group in GROUPS},
    }


def _row(group: Mapping[str, Any] | None, key: str, name: str) -> Any:
    return next((row for row in (group or {}).get("rows", ()) if row[key] == name), None)


def _best(tuning: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """What a search found instead of the settings; the first of equals, as the search itself takes."""
    return dict(max(tuning, key=lambda trial: trial["merit"])["settings"]) if tuning else {}


def _read(path: Path) -> Any:
    return orjson.loads(path.read_bytes()) if path.is_file() else None
