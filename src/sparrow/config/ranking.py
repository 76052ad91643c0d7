"""Settings of the ranking models: which a release has, and how each is built and trained."""

from typing import Annotated, Final, Literal, Self, get_args

from pydantic import Field, model_validator

from sparrow.config.section import Positive, Section

ModelName = Literal["neural_cf", "embedding_mlp", "wide_deep", "deep_fm", "din", "dien", "two_tower", "sasrec"]
MODEL_NAMES: Final[tuple[ModelName, ...]] = get_args(ModelName)

Dropout = Annotated[float, Field(ge=0, lt=1)]


class Ranking(Section):
    """Which ranking models a release holds, and what holds for all of them."""

    models: Annotated[tuple[ModelName, ...], Field(min_length=1)] = Field(
        default=("neural_cf",),
        description="their names; `--profile standard` adds `din`, `--profile all` has every one",
    )
    sequence_from: Annotated[int, Field(ge=0)] = Field(
        default=500_000, description="ratings from which on `sasrec` is trained too, whatever `models` says; 0: never"
    )
    buckets: Annotated[int, Field(ge=2)] = Field(default=32, description="quantiles a number is told apart by")
    precision: Literal["auto", "float32", "mixed"] = Field(
        default="auto", description="of products in training: mixed is bfloat16; auto: mixed where there is a GPU"
    )
    tensorboard: str = Field(
        default="", description="folder for learning curves as TensorBoard reads them; empty: none"
    )
    tune: Annotated[int, Field(ge=0)] = Field(
        default=0, description="settings tried per model before it is trained; 0: those at hand"
    )
    warm_start: str = Field(
        default="", description="folder of an earlier release whose weights the release fit starts from; empty: none"
    )
    unknown_share: Dropout = Field(
        default=0.02, description="known ids shown as unknown in training, so that strangers get sense"
    )


class Trained(Section):
    """How any ranking model is trained."""

    dropout: Dropout = Field(default=0.2, description="before each hidden layer")
    learning_rate: Annotated[float, Field(gt=0)] = Field(default=1e-3, description="of AdamW")
    weight_decay: Annotated[float, Field(ge=0)] = Field(default=1e-2, description="decoupled, as in AdamW")
    batch: Positive = Field(default=8192, description="rows in a step")
    max_rows: Positive = Field(
        default=2_000_000, description="newest positives it learns from; older ones are left out"
    )
    epochs: Positive = Field(default=8, description="passes at most")
    patience: Positive = Field(default=3, description="passes without a better figure of merit before training stops")
    minutes: Annotated[float, Field(ge=0)] = Field(
        default=0.0,
        description="time a training may take: no epoch is begun that would end beyond it; 0: as long as it wants",
    )
    seed: int = Field(default=1, description="of all chance in it")


class OfPairs(Trained):
    """A model that tells chosen movies from drawn ones, pair by pair: what holds it from learning its rows by heart."""

    embedding_dropout: Dropout = Field(default=0.3, description="after each embedding")
    learning_rate: Annotated[float, Field(gt=0)] = Field(default=5e-3, description="of AdamW")
    weight_decay: Annotated[float, Field(ge=0)] = Field(default=0.5, description="decoupled, as in AdamW")


class NeuralCF(OfPairs):
    """GMF and MLP towers joined (He et al., 2017)."""

    form: Literal["neumf", "gmf", "mlp", "two_tower"] = Field(
        default="neumf", description="the paper's two halves joined, one half alone, or a perceptron for each side"
    )
    dim: Positive = Field(default=16, description="numbers in each embedding")
    hidden: tuple[Positive, ...] = Field(default=(32, 16), description="widths of the MLP tower")
    dropout: Dropout = Field(default=0.2, description="after each MLP layer")
    max_rows: Positive = Field(
        default=5_000_000, description="newest positives it learns from; older ones are left out"
    )


class OfFeatures(OfPairs):
    """A model of pairs that reads features; it learns longer than one of ids."""

    epochs: Positive = Field(default=12, description="passes at most")


class EmbeddingMLP(OfFeatures):
    """Every input embedded, lists by their mean, then a tower (the base model of Zhou et al., 2018)."""

    dim: Positive = Field(default=16, description="numbers in an embedding")
    hidden: tuple[Positive, ...] = Field(default=(64, 32), description="widths of the tower")


class WideDeep(OfFeatures):
    """Crosses of recent likes with the candidate, beside a tower (Cheng et al., 2016)."""

    dim: Positive = Field(default=16, description="numbers in an embedding")
    hidden: tuple[Positive, ...] = Field(default=(64, 32), description="widths of the tower")
    recent: Positive = Field(default=5, description="newest liked movies that are crossed with the candidate")
    buckets: Positive = Field(default=2**17, description="weights that the crosses are hashed into")


class DeepFM(OfFeatures):
    """Factorisation machine and tower on the same embeddings of every field (Guo et al., 2017)."""

    dim: Positive = Field(default=16, description="numbers in an embedding")
    hidden: tuple[Positive, ...] = Field(default=(64, 32), description="widths of the tower")


class Din(OfFeatures):
    """Attention over the liked movies (Zhou et al., 2018)."""

    dim: Positive = Field(default=16, description="numbers in an embedding")
    attention: Positive = Field(default=16, description="width of the activation unit's hidden layer")
    hidden: tuple[Positive, ...] = Field(default=(64, 32), description="widths of the tower")


class Dien(OfFeatures):
    """Two recurrent walks over the liked movies, the second led by attention (Zhou et al., 2019)."""

    dim: Positive = Field(default=16, description="numbers in an embedding and in a state")
    hidden: tuple[Positive, ...] = Field(default=(64, 32), description="widths of the tower")
    auxiliary: Annotated[float, Field(ge=0)] = Field(
        default=1.0, description="weight of the auxiliary loss: does a state tell the movie liked next from another?"
    )


class TwoTower(Trained):
    """Person and movie as vectors, in-batch softmax (Yi et al., 2019)."""

    dim: Positive = Field(default=64, description="numbers in an embedding, and in the vectors of both towers")
    hidden: tuple[Positive, ...] = Field(default=(128,), description="widths of each tower before its vector")
    dropout: Dropout = Field(default=0.2, description="of each tower's input and after each hidden layer")
    batch: Positive = Field(default=1024, description="rows in a step, each the negatives of the others")
    epochs: Positive = Field(default=20, description="passes at most")
    patience: Positive = Field(default=3, description="passes without a better figure of merit before training stops")


class SasRec(Trained):
    """Causal self-attention over everything rated (Kang & McAuley, 2018)."""

    length: Positive = Field(default=100, description="newest movies it reads; windows of training have as many")
    dim: Positive = Field(default=64, description="numbers in an embedding, a multiple of `heads`")
    blocks: Positive = Field(default=2, description="of attention and feed-forward layer")
    heads: Positive = Field(default=2, description="of attention")
    feed: Positive = Field(default=256, description="width of the feed-forward layers")
    dropout: Dropout = Field(default=0.3, description="of embeddings, and after each layer")
    full_softmax: Positive = Field(
        default=12_000, description="movies up to which the loss is over all; `batch` x `length` x 8 bytes each"
    )
    negatives: Positive = Field(default=4096, description="movies drawn for a step beyond that")
    learning_rate: Annotated[float, Field(gt=0)] = Field(default=2e-3, description="of AdamW")
    weight_decay: Annotated[float, Field(ge=0)] = Field(default=1e-4, description="decoupled, as in AdamW")
    batch: Positive = Field(default=16, description="windows in a step")
    epochs: Positive = Field(default=60, description="passes at most")
    patience: Positive = Field(default=4, description="passes without a better figure before training stops")
    minutes: Annotated[float, Field(ge=0)] = Field(
        default=30.0,
        description="time a training may take: no epoch is begun that would end beyond it; 0: as long as it wants",
    )
    continued: Annotated[float, Field(ge=0, le=1)] = Field(
        default=0.25,
        description="the release fit goes on from the judging fit's weights for this share of its epochs; 0: it starts afresh",
    )

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.dim % self.heads:
            raise ValueError(f"dim {self.dim} is no multiple of heads {self.heads}; choose e.g. dim {self.heads * 32}")
        return self
