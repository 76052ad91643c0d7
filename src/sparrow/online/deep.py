"""Rankers behind a trained network: what it needs of person and candidates, assembled, scored in one batch.

Candidates come from columns encoded once per release; a request pays for one person and for picking rows. In process the
network starts at dense rows; a remote server gets the raw values and encodes them itself, by the same `EncodingSpec`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any, Final, Protocol

import numpy as np
import onnxruntime
from numpy.typing import NDArray

from sparrow.errors import RankerUnavailable, ReleaseError
from sparrow.features.encoding import PAD_ID, PAD_NAME, EncodingSpec
from sparrow.features.inputs import movie_inputs, person_inputs
from sparrow.model_server.protocol.predict import DEFAULT_SIGNATURE
from sparrow.online.catalog import Catalog, Rows
from sparrow.online.people import Person
from sparrow.online.person_inputs import describe_movies, describe_person
from sparrow.online.ranking import Scores, check_scores
from sparrow.online.recall import Request
from sparrow.online.remote_ranker import RemoteRanker
from sparrow.schema import Columns

Arrays = Mapping[str, NDArray[Any]]

ATTENTION: Final = "attention"
ENCODING: Final = "encoding"
"""Under which an ONNX graph carries its encoding's digest."""

RANK: Final = "rank"
"""Signature that takes a person once beside many candidates; models of ids have `serving_default` alone."""


def signature_of(spec: EncodingSpec) -> str:
    """By which signature a model server is asked for a ranking."""
    return DEFAULT_SIGNATURE if spec.is_of_ids else RANK


class Predictor(Protocol):
    """The network: in process, or a TensorFlow Serving server. A person's arrays have batch 1, the candidates' batch c."""

    async def predict(self, person: Arrays, rows: Rows) -> Scores:
        """Raw inputs of one person, and catalogue rows (c,) → (c,) scores.

        Raises:
            RankerUnavailable: no answer.
        """

    async def aclose(self) -> None:
        """Let go of connections."""


class OnnxNetwork:
    """An exported graph on one thread, with the encoding it was trained with."""

    def __init__(self, graph: Path, spec: EncodingSpec) -> None:
        """
        Args:
            graph: the .onnx file.
            spec: read from beside it.

        Raises:
            ReleaseError: the graph was trained with another encoding.
        """
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = options.inter_op_num_threads = 1
        self._session = onnxruntime.InferenceSession(str(graph), options, providers=["CPUExecutionProvider"])
        found = self._session.get_modelmeta().custom_metadata_map.get(ENCODING)
        if found != spec.digest:
            raise ReleaseError(
                f"{graph} was trained with the encoding {found}, its file beside it is {spec.digest}; "
                "publish another release or rebuild."
            )
        self.outputs = frozenset(one.name for one in self._session.get_outputs())

    def run(self, output: str, rows: Arrays) -> NDArray[np.float32]:
        """One output of dense rows."""
        [found] = self._session.run([output], dict(rows))
        return np.asarray(found, dtype=np.float32)


class LocalPredictor:
    """The network in process; candidates are picked from encoded columns."""

    def __init__(self, network: OnnxNetwork, spec: EncodingSpec, catalog: Catalog) -> None:
        self._network = network
        self._person = spec.only(person_inputs(tuple(spec.fields)))
        movie = spec.only(movie_inputs(tuple(spec.fields)))
        self._columns = movie.encode(describe_movies(catalog, movie))

    async def predict(self, person: Arrays, rows: Rows) -> Scores:
        return self.scores(person, rows)

    def scores(self, person: Arrays, rows: Rows) -> Scores:
        """(c,) of catalogue rows."""
        return self._network.run("score", self._encoded(person, rows)).reshape(-1)

    def attention(self, person: Arrays, rows: Rows) -> NDArray[np.float32]:
        """(c, length) how much each movie of the history weighs for each candidate; (0, 0) where the network has no such."""
        if ATTENTION not in self._network.outputs:
            return np.empty((0, 0), np.float32)
        return self._network.run(ATTENTION, self._encoded(person, rows))

    def _encoded(self, person: Arrays, rows: Rows) -> Arrays:
        return self._person.encode(person) | {name: column[rows] for name, column in self._columns.items()}

    async def aclose(self) -> None:
        """There is nothing to let go of."""


class RemotePredictor:
    """The network at a model server, which takes raw values."""

    def __init__(self, remote: RemoteRanker, spec: EncodingSpec, catalog: Catalog) -> None:
        self._remote, self._is_joint = remote, signature_of(spec) == RANK
        self._columns = describe_movies(catalog, spec.only(movie_inputs(tuple(spec.fields))))

    async def predict(self, person: Arrays, rows: Rows) -> Scores:
        alone = person if self._is_joint else {name: np.repeat(value, len(rows)) for name, value in person.items()}
        return await self._remote.predict({**alone, **{name: column[rows] for name, column in self._columns.items()}})

    async def aclose(self) -> None:
        await self._remote.aclose()


@dataclass(frozen=True)
class DeepRanker:
    """One trained network as a ranker.

    Attributes:
        name: of the model.
        catalog: the release's movies.
        spec: the network's encoding.
        predictor: where it runs.
        local: the network in process, for explaining; None where there is none.
    """

    name: str
    catalog: Catalog
    spec: EncodingSpec
    predictor: Predictor
    local: LocalPredictor | None = None

    @cached_property
    def needs_known_user(self) -> bool:
        """Whether all it knows of a person is their id."""
        return person_inputs(tuple(self.spec.fields)) == (Columns.USER,)

    def knows(self, user_id: int | None) -> bool:
        """Whether it can say something of this person."""
        if not self.needs_known_user:
            return True
        return user_id is not None and self.spec.vocabularies[Columns.USER].is_known(user_id)

    @property
    def in_process(self) -> "DeepRanker | None":
        """The same network asked here, for when its server cannot answer; None where it is asked here already."""
        if self.local is None or self.local is self.predictor:
            return None
        return replace(self, predictor=self.local)

    async def aclose(self) -> None:
        """Let go of the network's connections."""
        await self.predictor.aclose()

    async def rank(self, request: Request, candidates: Rows) -> Scores:
        user = request.person.user_id
        if not self.knows(user):
            raise RankerUnavailable(f"{self.name} was not trained on the person {user}; rank by their history instead.")
        scores = await self.predictor.predict(self.describe(request.person), candidates)
        # A blend would hide infinity behind its clipping and stumble over a wrong shape.
        return check_scores(self.name, scores, candidates)

    def explain(self, request: Request, candidates: Rows) -> list[dict[str, Any]]:
        """For each candidate the inputs as the network got them and, where it has such, how it weighed each liked movie."""
        person = self.describe(request.person)
        movies = describe_movies(self.catalog, self.spec.only(movie_inputs(tuple(self.spec.fields))))
        told = {name: _plain(value[0]) for name, value in person.items()}
        inputs = [told | {name: _plain(column[row]) for name, column in movies.items()} for row in candidates.tolist()]
        weights = self.local.attention(person, candidates) if self.local else np.empty((0, 0), np.float32)
        if not weights.size:
            return [{"inputs": one} for one in inputs]
        liked = request.person.liked[-weights.shape[1] :].tolist()
        named = [self.catalog.facts[row].public_id for row in liked]
        return [
            {"inputs": one, "attention": [{"movieId": movie, "weight": w} for movie, w in zip(named, own, strict=True)]}
            for one, own in zip(inputs, weights[:, weights.shape[1] - len(liked) :].round(4).tolist(), strict=True)
        ]

    def describe(self, person: Person) -> Arrays:
        """The person as raw inputs of the network."""
        return describe_person(self.catalog, person, self.spec)


def _plain(value: NDArray[Any]) -> Any:
    """One raw input as JSON has it: padding left out, a missing number as null."""
    if value.ndim:
        return [one for one in value.tolist() if one not in (PAD_ID, PAD_NAME)]
    plain = value.item()
    return None if isinstance(plain, float) and np.isnan(plain) else plain
