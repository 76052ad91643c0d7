"""Build profiles: how much a release holds beyond what the settings name."""

from typing import Final, Literal, get_args

from sparrow.config import MODEL_NAMES, EmbeddingName, ModelName, Settings

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
