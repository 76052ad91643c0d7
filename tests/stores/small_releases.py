"""Releases small enough to write in a test, sealed as the build seals them."""

from pathlib import Path

from sparrow.stores.releases import Manifest, seal

MODEL = "recmodel"


def manifest(name: str, models: tuple[str, ...] = (MODEL,)) -> Manifest:
    return Manifest(
        release=name,
        created="2026-11-22T10:00:00+00:00",
        dataset={"name": "builtin", "sha256": "0" * 64},
        code_version="0.1.0",
        fingerprint=f"fingerprint of {name}",
        settings={"item2vec": {"dim": 8}},
        counts={"movies": 2},
        events_through=0,
        models=list(models),
        embeddings=["item2vec"],
        metrics={"next": {"ndcg@10": 0.25}},
    )


def fill(folder: Path, mark: str, models: tuple[str, ...] = (MODEL,)) -> Path:
    """The files of a release; `mark` tells one release's bytes from another's."""
    for model in models:
        (folder / model / "variables").mkdir(parents=True)
        (folder / model / "saved_model.pb").write_text(f"graph of {mark}")
        (folder / model / "variables" / "variables.index").write_text(f"weights of {mark}")
    (folder / "features.lmdb").write_text(f"features of {mark}")
    return folder


def sealed(home: Path, name: str, models: tuple[str, ...] = (MODEL,)) -> Path:
    """A sealed release in `home`."""
    return seal(fill(home / "work" / name, name, models), home, manifest(name, models))
