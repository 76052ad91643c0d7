"""Keras architectures, one paper one file; all take dense rows by input name and give logits by head name.

- `network`    what a builder gives: the network as it learns and as it is served
- `fields`     inputs, shared embedding tables, towers
- `neural_cf`  NeuralCF: GMF and MLP joined, each alone, or two towers (He et al., 2017)
- `din`        attention over the liked movies (Zhou et al., 2018)
- `two_tower`  person and movie as vectors, in-batch softmax (Yi et al., 2019)
- `sasrec`     the next movie, by causal self-attention (Kang & McAuley, 2018)
- `towers`     what models share whose choice is an inner product
- `softmax`    their losses

`ARCHITECTURES` is the one table of names: one model more is one file and one line.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sparrow.features.encoding import EncodingSpec
from sparrow.models import din, neural_cf, sasrec, two_tower
from sparrow.models.network import Learns, Network


@dataclass(frozen=True)
class Architecture:
    """One ranking model.

    Attributes:
        takes: its inputs, by name (`features.inputs`).
        build: (encoding, its section of the settings) → the untrained network.
        learns: from what.
    """

    takes: tuple[str, ...]
    build: Callable[[EncodingSpec, Any], Network]
    learns: Learns = "features"


ARCHITECTURES: Final[Mapping[str, Architecture]] = {
    "neural_cf": Architecture(neural_cf.TAKES, neural_cf.build_neural_cf, learns="ids"),
    "din": Architecture(din.TAKES, din.build_din),
    "two_tower": Architecture(two_tower.TAKES, two_tower.build_two_tower, learns="positives"),
    "sasrec": Architecture(sasrec.TAKES, sasrec.build_sasrec, learns="sequences"),
}
