"""Which versions of a model are served.

- `versions`  the version folders on disk, whether one has changed, and which a policy wants
- `model`     one model: load before unload, broken versions reported, requests hold what they began with
- `models`    all models by name and label, polled in the background, configured anew while they serve
"""

from sparrow.model_server.repository.model import (
    Load,
    Loaded,
    LoadedVersion,
    ModelConfig,
    Servable,
    ServedModel,
    State,
    VersionStatus,
)
from sparrow.model_server.repository.models import Models
from sparrow.model_server.repository.versions import VersionPolicy

__all__ = [
    "Load",
    "Loaded",
    "LoadedVersion",
    "ModelConfig",
    "Models",
    "Servable",
    "ServedModel",
    "State",
    "VersionPolicy",
    "VersionStatus",
]
