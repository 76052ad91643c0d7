"""The manifests of deploy/kubernetes, as far as they can be read without a cluster: real settings, probes, limits."""

from pathlib import Path
from typing import Any

import pytest
import yaml

from sparrow.config import load_settings

FOLDER = Path(__file__).parents[1] / "deploy" / "kubernetes"
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
