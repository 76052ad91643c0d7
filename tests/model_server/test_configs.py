"""The original's configuration files in text format."""

import re
from pathlib import Path

import pytest

from sparrow.errors import SettingsError
from sparrow.model_server.batching import BatchingParameters
from sparrow.model_server.configs import read_batching_file, read_model_config_file, read_monitoring_file
from sparrow.model_server.protocol.status import Code, ServingError
from sparrow.model_server.repository import ModelConfig, VersionPolicy
from sparrow.stores.model_repository import write_config


def written(folder: Path, text: str) -> Path:
    file = folder / "config"
    file.write_text(text)
    return file


def test_every_kind_of_model(tmp_path: Path) -> None:
    file = written(
        tmp_path,
        """
        # a comment
        model_config_list: {
          config: { name: 'one', base_path: '/models/one', model_platform: 'tensorflow' },
          config { name: "two" base_path: "/models/two" model_type: TENSORFLOW model_version_policy { all {} } }
          config {
            name: "three" base_path: "/models/three" model_platform: "tensorflow"
            model_version_policy: { specific { versions: 2 versions: 7 } }
            version_labels { key: "stable" value: 2 } version_labels { key: "canary" value: 7 }
          }
          config {
            name: "four" base_path: "/models/four" model_platform: "tensorflow"
            model_version_policy { latest { num_versions: 3 } }
          }
        }
        """,
    )
    assert read_model_config_file(file) == [
        ModelConfig("one", Path("/models/one")),
        ModelConfig("two", Path("/models/two"), VersionPolicy(latest=None)),
        ModelConfig(
            "three",
            Path("/models/three"),
            VersionPolicy(specific=frozenset({2, 7})),
            {"stable": 2, "canary": 7},
        ),
        ModelConfig("four", Path("/models/four"), VersionPolicy(latest=3)),
    ]


def test_the_file_that_publishing_writes_is_understood(tmp_path: Path) -> None:
    write_config(tmp_path, ["recmodel"])
    (config,) = read_model_config_file(tmp_path / "models.config")
    assert (config.name, config.base_path) == ("recmodel", (tmp_path / "recmodel").resolve())
    assert config.policy == VersionPolicy(latest=2)


def test_the_configurations_in_compose_yaml_are_understood(tmp_path: Path) -> None:
    """What the stock image is given there, this server would take too."""
    compose = (Path(__file__).parents[2] / "compose.yaml").read_text()
    blocks = re.findall(r"content: \|\n((?:      .*\n)+)", compose)
    (config,) = read_model_config_file(written(tmp_path, blocks[0]))
    assert config == ModelConfig("recmodel", Path("/models/recmodel"), VersionPolicy(latest=2))
    assert read_monitoring_file(written(tmp_path, blocks[1])) == "/monitoring/prometheus/metrics"


def test_an_empty_file_serves_nothing(tmp_path: Path) -> None:
    assert read_model_config_file(written(tmp_path, "")) == []


def model(text: str) -> str:
    return f"model_config_list {{ config {{ {text} }} }}"


TENSORFLOW = 'base_path: "/m" model_platform: "tensorflow"'


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (model(TENSORFLOW), "A model in the config list has no name"),
        (model('name: "m" model_platform: "tensorflow"'), "Expected model m to have a base_path"),
        (model('name: "m" base_path: "/m"'), "Illegal setting neither ModelServerConfig::model_type"),
        (model(f'name: "m" {TENSORFLOW} model_type: TENSORFLOW'), "Illegal setting both ModelServerConfig::model_type"),
        (model('name: "m" base_path: "/m" model_type: OTHER'), "ModelServerConfig::model_type choice 2 not supported."),
        (
            model('name: "m" base_path: "/m" model_platform: "caffe"'),
            "Model m requests unsupported platform caffe",
        ),
        (model(f'name: "m" {TENSORFLOW} model_version_policy {{ specific {{}} }}'), "must name at least one version"),
        (model(f'name: "m" {TENSORFLOW} logging_config {{}}'), "request logging is not supported"),
        (
            f'model_config_list {{ config {{ name: "m" {TENSORFLOW} }} config {{ name: "m" {TENSORFLOW} }} }}',
            "Illegal to list model m multiple times in config list",
        ),
        ("custom_model_config {}", "custom_model_config is not supported"),
    ],
)
def test_models_that_cannot_be_served(tmp_path: Path, text: str, message: str) -> None:
    with pytest.raises(ServingError) as refused:
        read_model_config_file(written(tmp_path, text))
    assert message in refused.value.message
    assert refused.value.code in (Code.INVALID_ARGUMENT, Code.UNIMPLEMENTED)


def test_batching_parameters(tmp_path: Path) -> None:
    text = """
    max_batch_size { value: 32 }
    batch_timeout_micros { value: 5000 }
    max_enqueued_batches { value: 7 }
    num_batch_threads { value: 2 }
    thread_pool_name { value: "batches" }
    allowed_batch_sizes: 8
    allowed_batch_sizes: 32
    pad_variable_length_inputs: true
    """
    assert read_batching_file(written(tmp_path, text)) == BatchingParameters(32, 5000, 7, 2, (8, 32), True)
    assert read_batching_file(written(tmp_path, "")) == BatchingParameters()
    with pytest.raises(ServingError, match="num_batch_threads must be positive; was 0"):
        read_batching_file(written(tmp_path, "num_batch_threads { value: 0 }"))


def test_monitoring(tmp_path: Path) -> None:
    assert read_monitoring_file(written(tmp_path, 'prometheus_config { enable: true path: "/p" }')) == "/p"
    assert (
        read_monitoring_file(written(tmp_path, "prometheus_config: { enable: true }"))
        == "/monitoring/prometheus/metrics"
    )
    assert read_monitoring_file(written(tmp_path, 'prometheus_config { path: "/p" }')) is None
    assert read_monitoring_file(written(tmp_path, "")) is None


def test_files_that_are_none(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="cannot be read"):
        read_monitoring_file(tmp_path)
    (tmp_path / "config").write_bytes(b"\xff\xfe")
    with pytest.raises(SettingsError, match="Invalid protobuf file"):
        read_monitoring_file(tmp_path / "config")
