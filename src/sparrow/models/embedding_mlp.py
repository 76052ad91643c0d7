"""Embedding+MLP: every input a vector, a list the mean of its vectors, one tower on all of them.

The base model against which DIN was measured: Zhou et al., "Deep Interest Network for Click-Through Rate Prediction" (KDD
2018, arXiv:1706.06978), section 4.2, after Covington, Adams & Sargin, "Deep Neural Networks for YouTube Recommendations"
(RecSys 2016):

    e_f = mean of the vectors of field f         (a list is represented alike, whatever the candidate is)
    y   = sigmoid(MLP([e_1 ; ... ; e_F]) + b_i)

Departures: lists are pooled by mean, not sum, so that a long history is no louder than a short one; a movie bias b_i carries
popularity, as in NeuralCF; two heads.

Choice reads no counts and means of the candidate; liking does (`fields.liking_logit`). A training row of 1996 sees its movie
as it stood in 1996, validation and serving see all movies as they stand at the cut: what a count of 300 meant for a choice in
training it no longer means. With them nDCG@10 on the rows that stop the training fell from epoch to epoch (docs/models.md).
"""

import keras

from sparrow.config import EmbeddingMLP
from sparrow.features.encoding import EncodingSpec
from sparrow.features.inputs import DISLIKES, HISTORY, MOVIE_NUMBERS, USER_NUMBERS
from sparrow.models.fields import Fields, liking_logit, logit, side_by_side, tower
from sparrow.models.network import Network, heads
from sparrow.schema import Columns

CHOOSES = (HISTORY, DISLIKES, "favourite_genres", *USER_NUMBERS, Columns.MOVIE, Columns.GENRES)
TAKES = (*CHOOSES, *MOVIE_NUMBERS)


def build_embedding_mlp(spec: EncodingSpec, settings: EmbeddingMLP) -> Network:
    """The untrained network over `TAKES`.

    Args:
        spec: vocabularies and lengths.
        settings: sizes.
    """
    fields = Fields(spec, TAKES, settings.embedding_dropout)
    parts = [fields.pooled(name, settings.dim) for name in CHOOSES]  # (1 or N, dim) each, the candidate's last
    values = tower(side_by_side(parts, like=parts[-1]), settings.hidden, settings.dropout, "hidden")
    popularity = fields.first_order(Columns.MOVIE)  # (N, 1)
    outputs = heads(logit(values, "choice_joined") + popularity, liking_logit(fields, values, settings.dropout))
    return Network.plain(keras.Model(fields.inputs, outputs, name="embedding_mlp"))
