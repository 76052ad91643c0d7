"""Releases swapped and rolled back under load: no failed request, no answer that mixes two."""

from pathlib import Path

import pytest

from sparrow.build.publish import publish, rollback
from tests.conftest import Released
from tests.faults.load import Load, degraded, ready, until
from tests.online.test_live import SECOND, add_release
from tests.test_journey import serving

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("rounds", [2, pytest.param(20, marks=pytest.mark.soak)], ids=["short", "long"])
def test_swapped_and_rolled_back(released: Released, tmp_path: Path, rounds: int) -> None:
    home = released.fresh(tmp_path / "home")
    add_release(home, released.release, SECOND)
    with serving(home) as site:
        load = Load(site.base_url)
        with load.running():
            for _ in range(rounds):
                publish(home, SECOND, released.settings)
                until(lambda: ready(site)["release"] == SECOND)
                rollback(home, released.settings)
                until(lambda: ready(site)["release"] == released.release)
        assert load.releases == {released.release, SECOND}
        until(lambda: degraded(site) == [])
        assert ready(site)["models"] == {"recmodel": 1 + 2 * rounds}
