"""How the release fit follows the judging fit."""

import pytest

from sparrow.build.train import _release_way
from sparrow.config import Din, Ranking, SasRec
from sparrow.training.fit import Curve

CURVE = Curve(loss=[0.5] * 12, merit=[0.1] * 12, best_epoch=10)


@pytest.mark.parametrize(
    ("section", "ranking", "epochs", "goes_on"),
    [
        (Din(), Ranking(), 10, False),
        (SasRec(), Ranking(), 3, True),
        (SasRec(continued=1), Ranking(), 10, True),
        (SasRec(continued=0), Ranking(), 10, False),
        (SasRec(), Ranking(warm_start="earlier"), 10, False),
    ],
)
def test_a_sequence_model_goes_on_where_the_judging_fit_stands(
    section: Din | SasRec, ranking: Ranking, epochs: int, goes_on: bool
) -> None:
    judged = object()
    way = _release_way(section, CURVE, ranking, judged)  # type: ignore[arg-type]
    assert (way.epochs, way.after is judged, way.start) == (epochs, goes_on, ranking.warm_start)
