"""Keras architectures, one paper one file; all take dense rows by input name and give logits by head name.

- `neural_cf`  NeuralCF: GMF and MLP joined (He et al., 2017)

`BUILDERS` is the one table of names.
"""

from sparrow.models.neural_cf import build_neural_cf

BUILDERS = {"neural_cf": build_neural_cf}
