"""Every model trained once for the folder."""

import pytest

from sparrow.models import BUILDERS
from tests.models.trained import Trained, train


@pytest.fixture(scope="session", params=sorted(BUILDERS))
def trained(request: pytest.FixtureRequest) -> Trained:
    return train(request.param)
