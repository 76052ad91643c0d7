"""Several devices learn what one would."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.models.board import Board

pytestmark = pytest.mark.slow


def test_two_devices_learn_together_what_one_learns(board: Board) -> None:
    """DIN has what two devices could each keep to themselves: dropout, and the moving average of Dice."""
    ran = subprocess.run(
        [sys.executable, "-m", "tests.models.two_devices", str(board.home), "din"],
        capture_output=True, text=True, check=False, cwd=Path(__file__).parents[2],
    )  # fmt: skip
    assert ran.returncode == 0, ran.stderr
    told = json.loads(ran.stdout)
    assert told["difference"] < 1e-5
    din = told["models"]["din"]
    assert (din["replicas"], din["still"]) == (2, [])
    assert din["both"] == pytest.approx(din["alone"], rel=0.1)
