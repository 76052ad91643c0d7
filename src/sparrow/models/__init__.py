"""Keras architectures, one paper one file; all take dense rows by input name and give logits by head name.

- `network`        what a builder gives: the network as it learns and as it is served
- `fields`         inputs, shared embedding tables, towers
- `neural_cf`      NeuralCF: GMF and MLP joined, each alone, or two towers (He et al., 2017)
- `embedding_mlp`  every input embedded, lists by their mean, a tower (base model of DIN)
- `wide_deep`      crosses of recent likes with the candidate, beside a tower (Cheng et al., 2016)
- `deep_fm`        factorisation machine and tower on the same embeddings (Guo et al., 2017)
- `din`            attention over the liked movies (Zhou et al., 2018)
- `dien`           GRU over the liked movies, then one whose gate attention scales (Zhou et al., 2019)
- `two_tower`      person and movie as vectors, in-batch softmax (Yi et al., 2019)
- `sasrec`         the next movie, by causal self-attention (Kang & McAuley, 2018)
- `towers`         what models share whose choice is an inner product
- `softmax`        their losses

`ARCHITECTURES` is the one table of names: one model more is one file and one line.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final

from sparrow.features.encoding import EncodingSpec
from sparrow.models import deep_fm, dien, din, embedding_mlp, neural_cf, sasrec, two_tower, wide_deep
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
    "wide_deep": Architecture(wide_deep.TAKES, wide_deep.build_wide_deep),
    "deep_fm": Architecture(deep_fm.TAKES, deep_fm.build_deep_fm),
    "din": Architecture(din.TAKES, din.build_din),
    "dien": Architecture(dien.TAKES, dien.build_dien),
    "two_tower": Architecture(two_tower.TAKES, two_tower.build_two_tower, learns="positives"),
    "sasrec": Architecture(sasrec.TAKES, sasrec.build_sasrec, learns="sequences"),
}
