"""One set of SavedModels and one real server for the folder."""

import shutil
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.model_server.running import Addresses, running_with
from tests.model_server.stubs import CLIENTS, Client, open_client

CONFIG = """
model_config_list {{
  config {{ name: "recmodel" base_path: "{0}/models" model_platform: "tensorflow" }}
  config {{
    name: "shop"
    base_path: "{0}/shop"
    model_platform: "tensorflow"
    model_version_policy {{ specific {{ versions: 3 versions: 4 }} }}
    version_labels {{ key: "stable" value: 3 }}
    version_labels {{ key: "canary" value: 4 }}
  }}
}}
"""
"""What the session's server serves."""


@pytest.fixture(scope="session")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Folders `1`, `2`, `v1_style` and `examples`, each one SavedModel; copy before changing."""
    from tests.model_server.saved_models import save_contract_model, save_example_model, save_v1_style_model

    folder = tmp_path_factory.mktemp("exported")
    for version in (1, 2):
        save_contract_model(folder / str(version), version)
    save_v1_style_model(folder / "v1_style")
    save_example_model(folder / "examples")
    return folder


@pytest.fixture(scope="session")
def addresses(exported: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Addresses]:
    """The real server: versions 1 and `002` of "recmodel", 3 and 4 of "shop" with labels; metrics on."""
    folder = tmp_path_factory.mktemp("served")
    shutil.copytree(exported / "1", folder / "models" / "1")
    shutil.copytree(exported / "2", folder / "models" / "002")
    (folder / "models" / "notes").mkdir()
    for version in ("1", "3", "4"):
        shutil.copytree(exported / "examples", folder / "shop" / version)
    (folder / "models.config").write_text(CONFIG.format(folder))
    (folder / "monitoring.config").write_text('prometheus_config { enable: true path: "/metrics/here" }')
    flags = [f"--model_config_file={folder / 'models.config'}"]
    with running_with(
        [*flags, f"--monitoring_config_file={folder / 'monitoring.config'}"], folder / "log"
    ) as addresses:
        yield addresses


@pytest.fixture(scope="session")
def server(addresses: Addresses) -> Iterator[httpx.Client]:
    """Its REST side."""
    with httpx.Client(base_url=addresses.rest, timeout=20) as client:
        yield client


@pytest.fixture(scope="session", params=CLIENTS)
def client(request: pytest.FixtureRequest, addresses: Addresses) -> Iterator[Client]:
    """Its gRPC side, seen by Sparrow's own client and by the official one."""
    opened = open_client(request.param, addresses.grpc)
    with opened.channel:
        yield opened
