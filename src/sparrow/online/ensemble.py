"""Several rankers as one, and which ranker a release serves by default: what `build.choose` learnt, and the file that says it.

    score(c) = Σ_r weight_r z(s_r(c)),   z: mean 0 and deviation 1 over the candidates of the request

A network's chance is taken as its logit first.
"""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Final

import numpy as np
import orjson
from numpy.typing import NDArray

from sparrow.errors import ReleaseError
from sparrow.online.catalog import Rows
from sparrow.online.deep import DeepRanker
from sparrow.online.ranking import Ranker
from sparrow.online.recall import Request

FILE: Final = "for_you.json"

Scores = NDArray[np.float32]


@dataclass(frozen=True)
class Chosen:
    """What a release chose for people's lists.

    Attributes:
        ranker: the default; "" lets the order of `online.pipelines` decide.
        weights: of the ensemble, by ranker; empty: there is none.
        quotas: of recall for people's lists, by route; empty: nothing was learnt.
        judged: figures of the candidates, and why this one.
    """

    ranker: str = ""
    weights: Mapping[str, float] = field(default_factory=dict)
    quotas: Mapping[str, int] = field(default_factory=dict)
    judged: Mapping[str, Any] = field(default_factory=dict)

    def save(self, path: Path) -> None:
        """Write the choice as JSON."""
        path.write_bytes(orjson.dumps(asdict(self), option=orjson.OPT_INDENT_2))

    @classmethod
    def load(cls, path: Path) -> "Chosen":
        """Read what `save` wrote; a release without the file chose nothing.

        Raises:
            ReleaseError: the file is there and no choice.
        """
        if not path.is_file():
            return cls()
        try:
            return cls(**orjson.loads(path.read_bytes()))
        except (OSError, TypeError, ValueError) as error:
            raise ReleaseError(f"{path} is no choice of a ranker ({error}); publish another release.") from None


def logit(chances: Scores) -> Scores:
    """(c,) log odds of (c,) chances."""
    clipped = np.clip(chances.astype(np.float64), 1e-6, 1 - 1e-6)
    odds: Scores = np.log(clipped / (1 - clipped)).astype(np.float32)
    return odds


def standardised(ranker: Ranker, scores: Scores) -> Scores:
    """(c,) a ranker's scores with mean 0 and deviation 1; constant ones become 0."""
    shaped = (logit(scores) if isinstance(ranker, DeepRanker) else scores).astype(np.float64)
    if not len(shaped):
        return shaped.astype(np.float32)
    spread = shaped.std()
    standard: Scores = ((shaped - shaped.mean()) / (spread if spread > 1e-12 else np.inf)).astype(np.float32)
    return standard


class EnsembleRanker:
    """A weighted sum of rankers; where one of them cannot answer, none does, and the next best alone is asked."""

    name = "ensemble"

    def __init__(self, rankers: Mapping[str, Ranker], weights: Mapping[str, float]) -> None:
        self._rankers, self._weights = rankers, weights
        self.needs_known_user = any(one.needs_known_user for one in rankers.values())

    async def rank(self, request: Request, candidates: Rows) -> Scores:
        parts = await self.parts(request, candidates)
        summed = np.zeros(len(candidates), dtype=np.float64)
        for name, scores in parts.items():
            summed += self._weights[name] * scores
        return summed.astype(np.float32)

    async def parts(self, request: Request, candidates: Rows) -> Mapping[str, Scores]:
        """What each ranker says, standardised."""
        return {
            name: standardised(ranker, await ranker.rank(request, candidates)) for name, ranker in self._rankers.items()
        }
