"""One set of SavedModels and one real server for the folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.model_server.running import running_server


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `1`, `2` and `v1_style`, each one SavedModel; copy before changing."""
    from tests.model_server.saved_models import save_contract_model, save_v1_style_model

    folder = tmp_path_factory.mktemp("exported")
    for version in (1, 2):
        save_contract_model(folder / str(version), version)
    save_v1_style_model(folder / "v1_style")
    return folder


@pytest.fixture(scope="session")
def server(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[httpx.Client]:
    """The real server over versions 1 and `002` of the model "recmodel"."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(exported / "1", folder / "models" / "1")
    shutil.copytree(exported / "2", folder / "models" / "002")
    (folder / "models" / "notes").mkdir()
    with (
        running_server(folder / "models", "recmodel", folder / "log") as url,
        httpx.Client(base_url=url, timeout=20) as client,
    ):
        yield client
