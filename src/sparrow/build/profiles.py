"""What a command changes of the settings: how much a release holds, and what its models start from."""

from pathlib import Path
from typing import Final, Literal, get_args

from sparrow.config import MODEL_NAMES, EmbeddingName, ModelName, Settings
from sparrow.errors import NotFound
from sparrow.stores.publishing import read_pointer
from sparrow.stores.releases import read_manifest, releases_folder, served_name

Profile = Literal["quick", "standard", "all"]

STANDARD_MODELS: Final[tuple[ModelName, ...]] = ("neural_cf", "din")
"""NeuralCF, and the deep ranker that serves newcomers and guests as well."""


def of_profile(settings: Settings, profile: Profile) -> Settings:
    """`quick` is what the settings say, `standard` adds the models that serve best, `all` has everything to compare.

    Example:
        >>> of_profile(Settings(), "standard").ranking.models
        ('neural_cf', 'din')
    """
    if profile == "quick":
        return settings
    more = STANDARD_MODELS if profile == "standard" else MODEL_NAMES
    models = tuple(dict.fromkeys((*settings.ranking.models, *more)))
    changes = {"ranking": settings.ranking.model_copy(update={"models": models})}
    if profile == "all":
        every = settings.embeddings.model_copy(update={"movies": get_args(EmbeddingName)})
        return settings.model_copy(update={**changes, "embeddings": every})
    return settings.model_copy(update=changes)


LIVE: Final = "live"


def starting_from(settings: Settings, home: Path, release: str | None) -> Settings:
    """Have the ranking models start from an earlier release's.

    Args:
        release: its id, or `live`; None changes nothing.

    Raises:
        NotFound: there is no such release, or it lacks a model that is to be trained.
    """
    if release is None:
        return settings
    pointer = read_pointer(home)
    if release == LIVE and pointer is None:
        raise NotFound(f"No release is live in {home} to start from; publish one, or leave out --warm-start.")
    manifest = read_manifest(home, pointer.release if release == LIVE and pointer else release)
    lacking = [name for name in settings.ranking.models if served_name(name) not in manifest.models]
    if lacking:
        raise NotFound(
            f"The release {manifest.release} has no {', '.join(lacking)} to start from; it has: {', '.join(manifest.models)}."
        )
    folder = str((releases_folder(home) / manifest.release).resolve())
    return settings.model_copy(update={"ranking": settings.ranking.model_copy(update={"warm_start": folder})})
