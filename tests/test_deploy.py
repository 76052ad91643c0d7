"""What runs Sparrow elsewhere, as far as it can be read without Docker and a cluster: schemas, real settings, probes, limits."""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import kubernetes_validate
import pytest
import yaml

from sparrow.config import load_settings

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "deploy" / "kubernetes"
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
KUSTOMIZATION: dict[str, Any] = yaml.safe_load((FOLDER / "kustomization.yaml").read_text())
DOCUMENTS: list[dict[str, Any]] = [
    document for name in KUSTOMIZATION["resources"] for document in yaml.safe_load_all((FOLDER / name).read_text())
]
WORKLOADS = [one for one in DOCUMENTS if one["kind"] in ("Deployment", "StatefulSet")]


def container(workload: dict[str, Any]) -> dict[str, Any]:
    [only] = workload["spec"]["template"]["spec"]["containers"]
    found: dict[str, Any] = only
    return found


def test_every_file_is_listed_and_said_not_to_have_been_run() -> None:
    files = {path.name for path in FOLDER.glob("*.yaml")} - {"kustomization.yaml"}
    assert set(KUSTOMIZATION["resources"]) == files
    assert "NOT RUN BY US" in (FOLDER / "kustomization.yaml").read_text()


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda one: f"{one['kind']}-{one['metadata']['name']}")
def test_kubernetes_understands_every_document(document: dict[str, Any]) -> None:
    kubernetes_validate.validate(document, "1.34", strict=True)


def test_a_field_that_kubernetes_does_not_know_is_found() -> None:
    with pytest.raises(kubernetes_validate.ValidationError):
        kubernetes_validate.validate({**WORKLOADS[0], "sepc": {}}, "1.34", strict=True)


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda one: one["metadata"]["name"])
def test_every_container_has_probes_and_resources(workload: dict[str, Any]) -> None:
    one = container(workload)
    assert {"readinessProbe", "livenessProbe", "resources"} <= one.keys()
    assert one["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "memory" in one["resources"]["limits"]


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda one: one["metadata"]["name"])
def test_services_find_their_pods_at_ports_that_are_open(workload: dict[str, Any]) -> None:
    labels = workload["spec"]["template"]["metadata"]["labels"]
    [service] = [one for one in DOCUMENTS if one["kind"] == "Service" and one["spec"]["selector"] == labels]
    opened = {port["containerPort"] for port in container(workload)["ports"]}
    assert {port["port"] for port in service["spec"]["ports"]} <= opened


def writes_to(workload: dict[str, Any]) -> set[str]:
    """Claims that all pods of a workload share and may write to."""
    mounted = {one["name"] for one in container(workload).get("volumeMounts", ()) if not one.get("readOnly")}
    volumes = workload["spec"]["template"]["spec"].get("volumes", ())
    return {
        one["persistentVolumeClaim"]["claimName"]
        for one in volumes
        if one["name"] in mounted and "persistentVolumeClaim" in one
    }


def test_a_home_is_written_by_one_pod_at_a_time() -> None:
    claims = [one["metadata"]["name"] for one in DOCUMENTS if one["kind"] == "PersistentVolumeClaim"]
    assert claims
    for claim in claims:
        writers = [one for one in WORKLOADS if claim in writes_to(one)]
        assert [one["spec"]["replicas"] for one in writers] == [1], f"SQLite in {claim} is for one node"
        assert [one["spec"]["strategy"]["type"] for one in writers] == ["Recreate"], "a rollout overlaps two pods"


def test_the_server_is_told_settings_that_there_are() -> None:
    [server] = [container(one) for one in WORKLOADS if one["metadata"]["name"] == "sparrow"]
    settings = load_settings(environ={one["name"]: one.get("value", "secret") for one in server["env"]})
    assert (settings.online.store, settings.online.ranker_url) == ("redis://redis:6379", "grpc://model-server:8500")
    assert settings.web.json_logs
    assert settings.web.admin_token == "secret"
    for probe in ("readinessProbe", "livenessProbe", "startupProbe"):
        assert server[probe]["httpGet"]["port"] == settings.web.port


def checked(compose: Path) -> subprocess.CompletedProcess[str]:
    """The file held against the Compose specification."""
    command = [sys.executable, "-m", "check_jsonschema", "--builtin-schema", "vendor.compose-spec", str(compose)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


def test_compose_understands_its_file(tmp_path: Path) -> None:
    told = checked(ROOT / "compose.yaml")
    assert told.returncode == 0, told.stdout
    wrong = tmp_path / "compose.yaml"
    wrong.write_text(yaml.safe_dump({"services": {"sparrow": {"imge": "sparrow"}}}))
    assert checked(wrong).returncode == 1


def test_compose_tells_the_server_settings_that_there_are() -> None:
    server = COMPOSE["services"]["sparrow"]
    told = {name: re.sub(r"\$\{.*\}", "s" * 32, value) for name, value in server["environment"].items()}
    settings = load_settings(environ=told)
    assert (settings.online.store, settings.online.ranker_url) == ("redis://redis:6379", "grpc://model-server:8500")
    assert {"redis", "model-server"} <= COMPOSE["services"].keys()
    assert server["ports"] == [f"127.0.0.1:{settings.web.port}:{settings.web.port}"]
    assert (ROOT / server["build"]["dockerfile"]).is_file()


def pins(file: Path) -> set[str]:
    """name==version of each line of a lock."""
    return set(re.findall(r"^([a-z0-9-]+==[^ ;]+)", file.read_text(), re.MULTILINE))


LOCK = ROOT / "deploy" / "serving.lock"

IMPORTS = """
import importlib.metadata, sys
from sparrow.cli import serve
from sparrow.online import live, remote_ranker
from sparrow.stores import redis_events
from sparrow.web import app
owners = importlib.metadata.packages_distributions()
print(*{owner for name in {one.partition(".")[0] for one in sys.modules} for owner in owners.get(name, ())})
"""


def test_the_image_holds_all_that_the_server_imports_and_nothing_of_training() -> None:
    assert pins(LOCK) < pins(ROOT / "requirements.lock")
    held = {one.partition("==")[0] for one in pins(LOCK)}
    assert not held & {"tensorflow", "tensorflow-cpu", "keras", "pyspark", "pandas", "pyarrow", "duckdb"}
    told = subprocess.run([sys.executable, "-c", IMPORTS], capture_output=True, text=True, check=True, cwd=ROOT)
    imported = {re.sub(r"[._]", "-", name).lower() for name in told.stdout.split()} - {"sparrow-recsys"}
    assert {"fastapi", "numpy", "redis"} <= imported
    assert imported <= held | {"setuptools"}
