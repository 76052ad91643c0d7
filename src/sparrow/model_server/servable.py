"""One loaded SavedModel: NumPy in, NumPy out. The only file of the model server that imports TensorFlow.

A model runs in a session of its own graph, as in TensorFlow Serving itself: signatures keep their tensor names, TF1 and
TF2 models load alike, and closing the session frees the model. Calls are thread-safe and release the GIL while they run.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final

import numpy as np
import tensorflow as tf
from google.protobuf.json_format import MessageToDict
from numpy.typing import NDArray

from sparrow.model_server.protocol.predict import Signature, Tensors
from sparrow.model_server.protocol.status import Code, ServingError, invalid
from sparrow.model_server.protocol.tensors import TensorSpec

SERVING_TAGS: Final = ("serve",)

_ERROR_PREFIX: Final = "Graph execution error:\n\n"

# The session API is "deprecated" since 2019 and says so on every load.
tf.get_logger().setLevel("ERROR")


class Servable:
    """A SavedModel in memory.

    Attributes:
        signatures: what can be called, by name.
        metadata: the signatures as protobuf JSON, as the metadata route shows them.
    """

    def __init__(self, path: Path) -> None:
        """Load the model in `path`; costs its variables' size in memory and a fraction of a second upwards.

        Raises:
            ServingError: if the folder holds no loadable SavedModel.
        """
        self._graph = tf.Graph()
        self._session = tf.compat.v1.Session(graph=self._graph)
        try:
            meta_graph = tf.compat.v1.saved_model.load(self._session, list(SERVING_TAGS), str(path))
            callable_ = {name: d for name, d in meta_graph.signature_def.items() if _is_dense(d)}
            self._tensors = {name: self._resolve(definition) for name, definition in callable_.items()}
        except Exception as error:  # A broken model may raise anything; the server must outlive it.
            self._session.close()
            raise _load_error(path, error) from error
        definitions = {name: _as_json(definition) for name, definition in meta_graph.signature_def.items()}
        self.metadata: Mapping[str, Any] = {"signature_def": definitions}
        self.signatures: Mapping[str, Signature] = {name: _signature(definitions[name]) for name in callable_}

    def signature(self, name: str) -> Signature:
        """The signature of that name.

        Raises:
            ServingError: INVALID_ARGUMENT if the model has none, or if it takes no input.
        """
        if name not in self.signatures:
            raise invalid(f'Serving signature name: "{name}" not found in signature def')
        if not self.signatures[name].inputs:
            raise invalid(f"Failed to get input map for signature: {name}")
        return self.signatures[name]

    def predict(self, signature_name: str, inputs: Tensors, timeout_ms: int) -> Tensors:
        """Run one signature.

        Args:
            signature_name: one of `signatures`.
            inputs: an array for each input of the signature.
            timeout_ms: when to give up; 0 is never.

        Raises:
            ServingError: with the code and message of TensorFlow's own error.
        """
        feeds, fetches = self._tensors[signature_name]
        # bfloat16 arrives as float32, which NumPy has.
        fed = {feeds[name]: _cast(array, feeds[name].dtype.as_numpy_dtype) for name, array in inputs.items()}
        options = tf.compat.v1.RunOptions(timeout_in_ms=timeout_ms)
        try:
            outputs = self._session.run(fetches, fed, options=options)
        except tf.errors.OpError as error:
            raise ServingError(Code(error.error_code), error.message.removeprefix(_ERROR_PREFIX)) from error
        except (ValueError, TypeError) as error:
            raise invalid(str(error)) from error
        return {name: _plain(output) for name, output in outputs.items()}

    def close(self) -> None:
        """Free the model; no call may be running."""
        self._session.close()
        self._tensors.clear()

    def _resolve(self, definition: Any) -> tuple[dict[str, Any], dict[str, Any]]:
        """The graph's tensors behind a signature: those fed and those fetched, by name."""
        feeds = {name: self._graph.get_tensor_by_name(info.name) for name, info in definition.inputs.items()}
        fetches = {name: self._element(info.name) for name, info in definition.outputs.items()}
        return feeds, fetches

    def _element(self, name: str) -> Any:
        """A tensor, or the operation that `__saved_model_init_op` names."""
        return self._graph.as_graph_element(name, allow_tensor=True, allow_operation=True)


def _is_dense(definition: Any) -> bool:
    """Whether every input and output is one tensor; sparse and composite ones are several."""
    infos = [*definition.inputs.values(), *definition.outputs.values()]
    return all(info.WhichOneof("encoding") == "name" for info in infos)


def _signature(definition: Mapping[str, Any]) -> Signature:
    return Signature(inputs=_specs(definition["inputs"]), outputs=_specs(definition["outputs"]))


def _specs(infos: Mapping[str, Any]) -> Mapping[str, TensorSpec]:
    return {name: TensorSpec(info["dtype"]) for name, info in sorted(infos.items())}


def _as_json(definition: Any) -> dict[str, Any]:
    """A signature as protobuf JSON: the proto's own field names, empty fields shown, int64 as strings."""
    fields: dict[str, Any] = MessageToDict(
        definition, preserving_proto_field_name=True, always_print_fields_with_no_presence=True
    )
    return fields


def _load_error(path: Path, error: Exception) -> ServingError:
    if isinstance(error, tf.errors.OpError):
        return ServingError(Code(error.error_code), error.message)
    code = Code.NOT_FOUND if isinstance(error, OSError) else Code.INVALID_ARGUMENT
    return ServingError(code, f"Cannot load the SavedModel in {path}: {type(error).__name__}: {error}")


def _cast(array: NDArray[Any], dtype: Any) -> NDArray[Any]:
    return array if array.dtype == dtype else array.astype(dtype)


def _plain(output: Any) -> NDArray[Any]:
    """A fetched value as an array of a type NumPy has by itself; a scalar string arrives as bare bytes."""
    array = np.asarray(output, dtype=object) if isinstance(output, bytes) else np.asarray(output)
    return array.astype(np.float32) if array.dtype.name == "bfloat16" else array
