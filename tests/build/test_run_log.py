"""What a release tells of its build, and what it must not."""

from pathlib import Path

import orjson

from sparrow.build.run_log import write_run_log
from sparrow.features.engines import EngineChoice


def test_a_connect_token_is_not_kept(tmp_path: Path) -> None:
    write_run_log(tmp_path, EngineChoice("spark", "sc://host:443/;use_ssl=true;token=SECRET"), [])
    told = (tmp_path / "run.json").read_text()
    assert "SECRET" not in told
    assert orjson.loads(told)["engine"]["master"] == "sc://host:443"
