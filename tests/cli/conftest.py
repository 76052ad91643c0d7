"""`sparrow …` in this process, and a home of one's own."""

from pathlib import Path

import pytest

from sparrow.cli.main import main
from tests.cli.commands import Command, Ended
from tests.conftest import Released


@pytest.fixture
def sparrow(capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Command:
    """Run `sparrow` with these words, in an empty folder."""
    empty = tmp_path / "elsewhere"
    empty.mkdir()
    monkeypatch.chdir(empty)

    def run(*words: str | Path) -> Ended:
        capfd.readouterr()
        code = 0
        try:
            main([str(word) for word in words])
        except SystemExit as leaving:
            code = int(leaving.code or 0)
        return Ended(code, *capfd.readouterr())

    return run


@pytest.fixture
def home(released: Released, tmp_path: Path) -> Path:
    return released.fresh(tmp_path / "home")
