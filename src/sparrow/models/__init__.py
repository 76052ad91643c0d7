"""Keras architectures, one paper one file; all take dense rows by input name and give logits by head name.

- `network`    what a builder gives: the network as it learns and as it is served
- `fields`     inputs, shared embedding tables, towers
- `neural_cf`  NeuralCF: GMF and MLP joined, each alone, or two towers (He et al., 2017)
- `embedding_mlp`  every input embedded, lists by their mean, a tower (base model of DIN)
- `din`        attention over the liked movies (Zhou et al., 2018)

`ARCHITECTURES` is the one table of names: one model more is one file and one line.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sparrow.features.encoding import EncodingSpec
from sparrow.models import din, embedding_mlp, neural_cf
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
    "embedding_mlp": Architecture(embedding_mlp.TAKES, embedding_mlp.build_embedding_mlp),
    "din": Architecture(din.TAKES, din.build_din),
}
