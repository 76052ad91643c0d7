"""New, broken and mended versions under load over REST and gRPC, against the real server."""

import shutil
from pathlib import Path

import httpx
import pytest

from tests.model_server.load import BODY, Load, wait_for
from tests.model_server.running import Addresses, running_with
from tests.model_server.stubs import open_client

pytestmark = pytest.mark.slow


def place(source: Path, base: Path, version: int) -> None:
    """As publishing does it: copy aside, then one rename."""
    shutil.copytree(source, base / "incoming")
    (base / "incoming").rename(base / str(version))


def reload(addresses: Addresses, base: Path, versions: list[int]) -> None:
    """Ask for another version policy: these, or the latest when there are none."""
    client = open_client("own", addresses.grpc)
    request = client.request("ReloadConfigRequest")
    config = request.config.model_config_list.config.add(name="m", base_path=str(base), model_platform="tensorflow")
    if versions:
        config.model_version_policy.specific.versions.extend(versions)
    with client.channel:
        client.call("HandleReloadConfigRequest", request)


def test_swaps_under_load_lose_no_request(exported: Path, tmp_path: Path) -> None:
    base = tmp_path / "models"
    base.mkdir()
    place(exported / "1", base, 1)
    with (
        running_with(["--model_name=m", f"--model_base_path={base}"], tmp_path / "log") as addresses,
        httpx.Client(base_url=addresses.rest, timeout=20) as client,
        Load(addresses) as load,
    ):

        def statuses() -> dict[str, dict[str, str]]:
            entries = client.get("/v1/models/m").json()["model_version_status"]
            return {entry["version"]: {"state": entry["state"], **entry["status"]} for entry in entries}

        assert statuses()["1"]["state"] == "AVAILABLE"
        place(exported / "2", base, 2)
        wait_for(lambda: 2 in load.versions)
        wait_for(lambda: statuses()["1"]["state"] == "END")

        # Half-written: the graph is there, its folder of variables is not yet.
        (base / "3").mkdir()
        (base / "3" / "saved_model.pb").write_bytes((exported / "v1_style" / "saved_model.pb").read_bytes()[:500])
        wait_for(lambda: statuses().get("3", {}).get("state") == "END")
        assert statuses()["3"]["error_code"] != "OK"
        assert statuses()["3"]["error_message"]
        assert statuses()["2"]["state"] == "AVAILABLE"
        before = load.answers
        wait_for(lambda: load.answers > before + 20)
        assert client.post("/v1/models/m/versions/3:predict", json=BODY).status_code == 404

        for versions in ([1, 2], [2]):
            reload(addresses, base, versions)
            before = load.answers
            wait_for(lambda before=before: load.answers > before + 20)  # type: ignore[misc]
        reload(addresses, base, [])

        shutil.copytree(exported / "1", base / "3", dirs_exist_ok=True)
        wait_for(lambda: statuses()["3"]["state"] == "AVAILABLE")
        wait_for(lambda: statuses()["2"]["state"] == "END")
    assert load.faults == []
    assert load.versions == {1, 2}


@pytest.mark.soak
def test_forty_swaps_under_load_lose_no_request(exported: Path, tmp_path: Path) -> None:
    base = tmp_path / "models"
    base.mkdir()
    place(exported / "1", base, 1)
    with (
        running_with(["--model_name=m", f"--model_base_path={base}"], tmp_path / "log") as addresses,
        httpx.Client(base_url=addresses.rest, timeout=20) as client,
        Load(addresses) as load,
    ):
        for version in range(2, 42):
            place(exported / str(1 + version % 2), base, version)
            path = f"/v1/models/m/versions/{version}"
            wait_for(lambda path=path: "AVAILABLE" in client.get(path).text)  # type: ignore[misc]
            shutil.rmtree(base / str(version - 1))
    assert load.faults == []
    assert load.answers > 1000
