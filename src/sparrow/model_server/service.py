"""The calls of the protocol on arrays, with their leases and metrics: what REST and gRPC share."""

import time
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from sparrow.model_server import inference
from sparrow.model_server.inference import Classes, Regressions, Task
from sparrow.model_server.metrics import Metrics
from sparrow.model_server.protocol.predict import Tensors
from sparrow.model_server.protocol.routes import ModelSpec
from sparrow.model_server.protocol.status import Code, ServingError, invalid
from sparrow.model_server.repository import LoadedVersion, ModelConfig, Models, VersionStatus


@dataclass(frozen=True, slots=True)
class Service:
    """Served models that count what they are asked."""

    models: Models
    metrics: Metrics

    @contextmanager
    def recorded(self, model: str, api: str, entrypoint: str) -> Iterator[None]:
        """Count one request. Names that nobody serves are not counted: there are endlessly many."""
        start, code = time.perf_counter(), Code.INTERNAL
        try:
            yield
            code = Code.OK
        except ServingError as error:
            code = error.code
            raise
        finally:
            if model in self.models:
                self.metrics.count_request(model, code, time.perf_counter() - start, api, entrypoint)

    def lease(self, spec: ModelSpec) -> AbstractContextManager[LoadedVersion]:
        """Hold the version a request asks for; every call below runs on one."""
        if not spec.name:
            raise invalid("ModelSpec has no name specified.")
        return self.models.lease(spec)

    def statuses(self, spec: ModelSpec) -> list[VersionStatus]:
        """One version, or every version seen, newest first."""
        return self.models.statuses(spec)

    def reload(self, configs: Sequence[ModelConfig]) -> None:
        """Serve these models and no others.

        Raises:
            ServingError: UNKNOWN if a new one has no version that can be loaded.
        """
        unavailable = self.models.apply(configs)
        if unavailable:
            raise ServingError(Code.UNKNOWN, f"Some models did not become available: {{{', '.join(unavailable)}}}")

    def predict(
        self,
        loaded: LoadedVersion,
        spec: ModelSpec,
        signature_name: str,
        inputs: Tensors,
        timeout_ms: int,
        output_filter: Sequence[str] = (),
    ) -> Tensors:
        with self.metrics.timed_run(spec.name, "Predict"):
            return inference.predict(loaded.session, signature_name, inputs, output_filter, timeout_ms)

    def classify(
        self, loaded: LoadedVersion, spec: ModelSpec, signature_name: str, examples: Sequence[bytes], timeout_ms: int
    ) -> Classes:
        with self.metrics.timed_run(spec.name, "Classify"):
            classes = inference.classify(loaded.session, signature_name, examples, timeout_ms)
        self.metrics.count_examples(spec.name, len(examples))
        return classes

    def regress(
        self, loaded: LoadedVersion, spec: ModelSpec, signature_name: str, examples: Sequence[bytes], timeout_ms: int
    ) -> Regressions:
        with self.metrics.timed_run(spec.name, "Regress"):
            values = inference.regress(loaded.session, signature_name, examples, timeout_ms)
        self.metrics.count_examples(spec.name, len(examples))
        return values

    def multi_inference(
        self, loaded: LoadedVersion, spec: ModelSpec, tasks: Sequence[Task], examples: Sequence[bytes], timeout_ms: int
    ) -> list[Classes | Regressions]:
        with self.metrics.timed_run(spec.name, "MultiInference"):
            results = inference.multi_inference(loaded.session, tasks, examples, timeout_ms)
        self.metrics.count_examples(spec.name, len(examples))
        return results
