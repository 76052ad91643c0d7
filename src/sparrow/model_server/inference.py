"""What the protocol's calls mean, on arrays: predict, classify, regress, several at once.

Between a transport (REST, gRPC, a warm-up file), which turns its own words into arrays, and a `Session`, which runs a
model. Checks and messages are the original's.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, Protocol

import numpy as np
from numpy.typing import NDArray

from sparrow.model_server.protocol.predict import DEFAULT_SIGNATURE, Signature, Tensors
from sparrow.model_server.protocol.status import Code, ServingError, invalid
from sparrow.model_server.protocol.tensors import TensorSpec
from sparrow.model_server.protocol.text import bracketed

PREDICT_METHOD: Final = "tensorflow/serving/predict"
CLASSIFY_METHOD: Final = "tensorflow/serving/classify"
REGRESS_METHOD: Final = "tensorflow/serving/regress"

INPUTS: Final = "inputs"
CLASSES: Final = "classes"
SCORES: Final = "scores"
OUTPUTS: Final = "outputs"
"""Names of inputs and outputs that classify and regress signatures must use."""


class Session(Protocol):
    """A model in memory that can be run."""

    @property
    def signatures(self) -> Mapping[str, Signature]: ...

    def run(self, feeds: Tensors, fetches: Sequence[str], timeout_ms: int) -> list[NDArray[Any]]:
        """Feed tensors by their names in the graph, fetch others; raises ServingError with TensorFlow's code."""


@dataclass(frozen=True, slots=True)
class Classes:
    """(n, c) labels (bytes), scores (float32), or both, of n examples and c classes."""

    labels: NDArray[Any] | None
    scores: NDArray[Any] | None


Regressions = NDArray[np.float32]
"""(n,) one value per example."""


@dataclass(frozen=True, slots=True)
class Task:
    """One of the calls that `multi_inference` makes together."""

    method_name: str
    signature_name: str


def predict(
    session: Session,
    signature_name: str,
    inputs: Tensors,
    output_filter: Sequence[str] = (),
    timeout_ms: int = 0,
) -> Tensors:
    """Run one signature.

    Args:
        session: the model.
        signature_name: "" is "serving_default".
        inputs: an array for each input that has no default.
        output_filter: the outputs wanted; none means all.
        timeout_ms: when to give up; 0 is never.
    """
    name = signature_name or DEFAULT_SIGNATURE
    if name not in session.signatures:
        raise ServingError(Code.FAILED_PRECONDITION, f'Serving signature key "{name}" not found.')
    signature = session.signatures[name]
    if signature.method_name not in (None, PREDICT_METHOD, CLASSIFY_METHOD, REGRESS_METHOD):
        known = f"{PREDICT_METHOD}, {CLASSIFY_METHOD}, {REGRESS_METHOD}"
        raise ServingError(
            Code.INTERNAL,
            f"Expected prediction signature method_name to be one of {{{known}}}. Was: {signature.method_name}",
        )
    _check_names(inputs, signature)
    feeds = {signature.inputs[name].tensor: array for name, array in {**signature.defaults, **inputs}.items()}
    outputs = _wanted(signature, output_filter)
    values = session.run(feeds, [signature.outputs[name].tensor for name in outputs], timeout_ms)
    return dict(zip(outputs, values, strict=True))


def classify(session: Session, signature_name: str, examples: Sequence[bytes], timeout_ms: int = 0) -> Classes:
    """(n,) serialized tf.Examples → their classes."""
    signature = _signature_for(session, signature_name, CLASSIFY_METHOD, "classification")
    outputs = _classification_outputs(signature)
    values = _run(session, _example_input(signature, "classification"), examples, outputs.values(), timeout_ms)
    return _read_classes(outputs, values, len(examples))


def regress(session: Session, signature_name: str, examples: Sequence[bytes], timeout_ms: int = 0) -> Regressions:
    """(n,) serialized tf.Examples → (n,) values."""
    signature = _signature_for(session, signature_name, REGRESS_METHOD, "regression")
    output = _regression_output(signature)
    values = _run(session, _example_input(signature, "regression"), examples, [output], timeout_ms)
    return _read_regressions(values[output], len(examples))


def multi_inference(
    session: Session, tasks: Sequence[Task], examples: Sequence[bytes], timeout_ms: int = 0
) -> list[Classes | Regressions]:
    """Several classify and regress signatures over the same (n,) examples, in one run of the model."""
    feeds: set[str] = set()
    fetches: dict[str, None] = {}
    names = [task.signature_name or DEFAULT_SIGNATURE for task in tasks]
    for name, task in zip(names, tasks, strict=True):
        if names.count(name) > 1:
            raise invalid(f"Duplicate evaluation of signature: {name}")
        if name not in session.signatures:
            raise invalid(f"Requested signature not found in model graph: {name}")
        feed, outputs = _prepare(session.signatures[name], task.method_name)
        feeds.add(feed)
        fetches |= dict.fromkeys(outputs)
    if len(feeds) > 1:
        raise invalid("Input tensor must be the same for all Signatures.")
    values = _run(session, feeds.pop(), examples, fetches, timeout_ms) if feeds else {}
    return [
        _read_classes(_classification_outputs(session.signatures[name]), values, len(examples))
        if task.method_name == CLASSIFY_METHOD
        else _read_regressions(values[_regression_output(session.signatures[name])], len(examples))
        for name, task in zip(names, tasks, strict=True)
    ]


def _check_names(inputs: Tensors, signature: Signature) -> None:
    """Every input is there, and has the type the signature says; the rest the graph itself checks."""
    sent, known = sorted(inputs), sorted(signature.inputs)
    if len(sent) > len(known) or (len(sent) < len(known) and not signature.defaults):
        extra, missing = sorted(set(sent) - set(known)), sorted(set(known) - set(sent))
        raise invalid(
            f"input size does not match signature: {len(sent)}!={len(known)} len({{{','.join(sent)}}}) != "
            f"len({{{','.join(known)}}}). Sent extra: {{{','.join(extra)}}}. "
            f"Missing but required: {{{','.join(missing)}}}."
        )
    for name in sent:
        if name not in signature.inputs:
            expected = f"Inputs expected to be in the set {{{','.join(known)}}}."
            raise invalid(f"input tensor alias not found in signature: {name}. {expected}")
    absent = next((name for name in known if name not in inputs and name not in signature.defaults), None)
    if absent is not None:
        raise invalid(f"Missing required input: {absent}, which has no default")


def _wanted(signature: Signature, output_filter: Sequence[str]) -> list[str]:
    seen: dict[str, None] = {}
    for alias in output_filter:
        if alias not in signature.outputs:
            known = ",".join(sorted(signature.outputs))
            reason = f"{alias} Outputs expected to be in the set {{{known}}}."
            raise invalid(f"output tensor alias not found in signature: {reason}")
        if alias in seen:
            raise invalid(f"duplicate output tensor alias: {alias}")
        seen[alias] = None
    return list(seen or signature.outputs)


def _signature_for(session: Session, signature_name: str, method: str, kind: str) -> Signature:
    name = signature_name or DEFAULT_SIGNATURE
    if name not in session.signatures:
        raise invalid(f"No signature was found with the name: {name}")
    signature = session.signatures[name]
    _check_method(signature, method, kind)
    return signature


def _check_method(signature: Signature, method: str, kind: str) -> None:
    if signature.method_name not in (None, method):
        raise invalid(f"Expected {kind} signature method_name to be {method}. Was: {signature.method_name}")


def _prepare(signature: Signature, method_name: str) -> tuple[str, list[str]]:
    """The graph's input and outputs behind a classify or regress signature."""
    match method_name:
        case "tensorflow/serving/classify":
            _check_method(signature, method_name, "classification")
            return _example_input(signature, "classification"), list(_classification_outputs(signature).values())
        case "tensorflow/serving/regress":
            _check_method(signature, method_name, "regression")
            return _example_input(signature, "regression"), [_regression_output(signature)]
        case _:
            raise ServingError(Code.UNIMPLEMENTED, f"Unsupported signature method_name: {method_name}")


def _example_input(signature: Signature, kind: str) -> str:
    if len(signature.inputs) != 1:
        raise invalid("Expected one input Tensor.")
    if INPUTS not in signature.inputs:
        raise _unsuited(f"No {kind} inputs found in SignatureDef: ", signature.inputs)
    return signature.inputs[INPUTS].tensor


def _classification_outputs(signature: Signature) -> dict[str, str]:
    """ "classes" and "scores", those there are, → tensors of the graph."""
    if len(signature.outputs) not in (1, 2):
        raise invalid(f"Expected one or two output Tensors, found {len(signature.outputs)}")
    outputs = {name: spec.tensor for name, spec in signature.outputs.items() if name in (CLASSES, SCORES)}
    if not outputs:
        expected = f'Expected classification signature outputs to contain at least one of "{CLASSES}" or "{SCORES}". '
        raise _unsuited(f"{expected}Signature was: ", signature.outputs)
    return outputs


def _regression_output(signature: Signature) -> str:
    if len(signature.outputs) != 1:
        raise invalid("Expected one output Tensor.")
    if OUTPUTS not in signature.outputs:
        raise _unsuited("No regression outputs found in SignatureDef: ", signature.outputs)
    return signature.outputs[OUTPUTS].tensor


def _unsuited(reason: str, found: Mapping[str, TensorSpec]) -> ServingError:
    return ServingError(Code.FAILED_PRECONDITION, f"{reason}{{{','.join(sorted(found))}}}")


def _run(
    session: Session, feed: str, examples: Sequence[bytes], fetches: Any, timeout_ms: int
) -> dict[str, NDArray[Any]]:
    if not examples:
        raise invalid("Input is empty.")
    names = list(fetches)
    fed = np.array([*examples, None], dtype=object)[:-1]  # The None keeps NumPy from making fixed-width bytes.
    return dict(zip(names, session.run({feed: fed}, names, timeout_ms), strict=True))


def _read_classes(outputs: Mapping[str, str], values: Mapping[str, NDArray[Any]], examples: int) -> Classes:
    labels = values[outputs[CLASSES]] if CLASSES in outputs else None
    scores = values[outputs[SCORES]] if SCORES in outputs else None
    for name, array, dtype, expected in (
        (CLASSES, labels, "object", "DT_STRING"),
        (SCORES, scores, "float32", "DT_FLOAT"),
    ):
        if array is None:
            continue
        if array.ndim != 2:
            shape = bracketed(array.shape)
            raise invalid(f"Expected Tensor shape: [batch_size num_classes] but got {shape}")
        if array.dtype != dtype:
            raise invalid(f"Expected {name} Tensor of {expected}. Got: {array.dtype.name}")
        if len(array) != examples:
            raise invalid(f"Expected {name} output batch size of {examples}. Got: {len(array)}")
    if labels is not None and scores is not None and labels.shape != scores.shape:
        sizes = f"{labels.shape[1]} vs. {scores.shape[1]}"
        raise invalid(f"Tensors class and score should match in dim_size(1). Got {sizes}")
    return Classes(labels, scores)


def _read_regressions(values: NDArray[Any], examples: int) -> Regressions:
    if not (values.ndim == 1 or (values.ndim == 2 and values.shape[1] == 1)):
        shape = bracketed(values.shape)
        raise invalid(f"Expected output Tensor shape to be either [batch_size] or [batch_size, 1] but got {shape}")
    if len(values) != examples:
        raise invalid(f"Input batch size did not match output batch size: {examples} vs. {len(values)}")
    if values.dtype != np.float32:
        raise invalid(f"Expected output Tensor of DT_FLOAT.  Got: {values.dtype.name}")
    return values.reshape(examples)  # (n, 1) → (n,)
