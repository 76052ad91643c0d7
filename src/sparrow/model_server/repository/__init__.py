"""Which versions of a model are served.

- `versions`  the version folders on disk, and whether one has changed
- `model`     one model: load before unload, broken versions reported, requests hold what they began with
- `models`    all models by name, polled in the background
"""

from sparrow.model_server.repository.model import LoadedVersion, ServedModel, State, VersionStatus
from sparrow.model_server.repository.models import Models

__all__ = ["LoadedVersion", "Models", "ServedModel", "State", "VersionStatus"]
