"""Versions on disk and in memory, with models that are only names: no TensorFlow here."""

import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from sparrow.model_server.protocol.predict import Signature, Tensors
from sparrow.model_server.protocol.routes import ModelSpec
from sparrow.model_server.protocol.status import Code, ServingError, invalid
from sparrow.model_server.repository import Models, ServedModel, State
from sparrow.model_server.repository.versions import find_versions, fingerprint


class NamedServable:
    """A loaded "model": the content of its folder's file `model`; "broken" does not load."""

    def __init__(self, path: Path) -> None:
        self.content = (path / "model").read_text() if (path / "model").exists() else "broken"
        if self.content == "broken":
            raise invalid(f"{path.name} is broken")
        self.metadata: Mapping[str, Any] = {}
        self.closed = False

    def signature(self, *_: object) -> Signature:
        return Signature({}, {})

    def predict(self, *_: object) -> Tensors:
        return {}

    def close(self) -> None:
        self.closed = True


def put(base: Path, name: str, content: str = "good") -> None:
    (base / name).mkdir(parents=True, exist_ok=True)
    (base / name / "model").write_text(content)


def states(model: ServedModel) -> dict[int, State]:
    return {status.version: status.state for status in model.statuses()}


def newest(model: ServedModel) -> int | None:
    with model.lease() as loaded:
        return loaded.version if loaded else None


@pytest.fixture
def model(tmp_path: Path) -> ServedModel:
    return ServedModel("m", tmp_path / "m", NamedServable)


def test_only_folders_named_by_a_number_are_versions(tmp_path: Path) -> None:
    for name in ("1", "002", "10", "x3", "-4", "5.5", "٦", str(2**63), "7.tmp"):
        put(tmp_path, name)
    (tmp_path / "8").write_text("a file")
    assert list(find_versions(tmp_path)) == [10, 2, 1]
    put(tmp_path, "2")
    assert find_versions(tmp_path)[2] == tmp_path / "2"


def test_a_fingerprint_sees_a_growing_file(tmp_path: Path) -> None:
    put(tmp_path, "1", "half")
    before = fingerprint(tmp_path / "1")
    assert fingerprint(tmp_path / "1") == before
    put(tmp_path, "1", "whole model")
    assert fingerprint(tmp_path / "1") != before


def test_the_largest_version_is_served_and_the_older_one_freed(model: ServedModel) -> None:
    put(model.base_path, "1")
    model.poll()
    assert newest(model) == 1
    put(model.base_path, "002")
    model.poll()
    assert newest(model) == 2
    assert states(model) == {2: State.AVAILABLE, 1: State.END}


def test_several_newest_versions_can_be_kept(tmp_path: Path) -> None:
    model = ServedModel("m", tmp_path, NamedServable, keep=2)
    for name in ("1", "2", "3"):
        put(tmp_path, name)
    model.poll()
    assert states(model) == {3: State.AVAILABLE, 2: State.AVAILABLE}
    with model.lease(2) as chosen, model.lease(1) as missing:
        assert chosen is not None
        assert missing is None


def test_a_request_finishes_on_the_version_it_began_with(model: ServedModel) -> None:
    put(model.base_path, "1")
    model.poll()
    with model.lease() as first, model.lease() as second:
        assert first is not None
        assert first is second
        put(model.base_path, "2")
        model.poll()
        assert newest(model) == 2
        assert states(model)[1] == State.UNLOADING
        assert not first.servable.closed  # type: ignore[attr-defined]
    assert first.servable.closed  # type: ignore[attr-defined]
    assert states(model)[1] == State.END


def test_a_broken_version_is_reported_and_never_replaces_a_good_one(model: ServedModel) -> None:
    put(model.base_path, "1")
    model.poll()
    put(model.base_path, "2", "broken")
    for _ in range(3):
        model.poll()
        assert newest(model) == 1
    broken, good = model.statuses()
    assert (broken.version, broken.state, broken.code) == (2, State.END, Code.INVALID_ARGUMENT)
    assert broken.message == "2 is broken"
    assert (good.version, good.state) == (1, State.AVAILABLE)


def test_after_a_restart_the_newest_good_version_is_served(model: ServedModel) -> None:
    put(model.base_path, "1")
    put(model.base_path, "2")
    put(model.base_path, "3", "broken")
    model.poll()
    assert states(model) == {3: State.END, 2: State.AVAILABLE}


def test_a_half_copied_version_comes_in_once_it_is_whole(model: ServedModel) -> None:
    put(model.base_path, "1")
    (model.base_path / "2").mkdir()
    model.poll()
    assert newest(model) == 1
    put(model.base_path, "2", "whole")
    model.poll()
    assert states(model) == {2: State.AVAILABLE, 1: State.END}


def test_an_unchanged_broken_version_is_not_loaded_again(tmp_path: Path) -> None:
    attempts: list[Path] = []

    def load(path: Path) -> NamedServable:
        attempts.append(path)
        return NamedServable(path)

    model = ServedModel("m", tmp_path, load)
    put(tmp_path, "1", "broken")
    for _ in range(5):
        model.poll()
    assert len(attempts) == 1


def test_a_vanished_base_path_takes_nothing_away_but_an_emptied_one_does(model: ServedModel) -> None:
    put(model.base_path, "1")
    model.poll()
    hidden = model.base_path.with_name("hidden")
    model.base_path.rename(hidden)
    model.poll()
    assert newest(model) == 1
    model.base_path.mkdir()
    model.poll()
    assert newest(model) is None


def test_removing_the_newest_goes_back_to_the_one_before(model: ServedModel) -> None:
    put(model.base_path, "1")
    put(model.base_path, "2")
    model.poll()
    (model.base_path / "2").rename(model.base_path / "gone")
    model.poll()
    assert states(model) == {2: State.END, 1: State.AVAILABLE}


def test_models_are_polled_in_the_background_until_stopped(model: ServedModel) -> None:
    put(model.base_path, "1")
    models = Models([model], poll_seconds=0.01)
    models.start()
    put(model.base_path, "2")
    arrived = threading.Event()
    for _ in range(1000):
        if newest(model) == 2 or arrived.wait(0.01):
            break
    assert newest(model) == 2
    models.stop()
    assert states(model) == {2: State.END, 1: State.END}


def test_a_poll_that_fails_unexpectedly_does_not_end_polling(tmp_path: Path) -> None:
    faults = iter([RuntimeError("surprise")])

    def load(path: Path) -> NamedServable:
        for fault in faults:
            raise fault
        return NamedServable(path)

    put(tmp_path, "1")
    model = ServedModel("m", tmp_path, load)
    models = Models([model], poll_seconds=0.01)
    models.start()
    for _ in range(1000):
        if newest(model) == 1:
            break
        threading.Event().wait(0.01)
    models.stop()
    assert states(model) == {1: State.END}
    assert model.statuses()[0].code is Code.OK


def test_what_is_not_served_is_told_in_the_originals_words(model: ServedModel) -> None:
    put(model.base_path, "1")
    models = Models([model], poll_seconds=0)
    models.start()
    for spec, message in [
        (ModelSpec("other"), "Servable not found for request: Latest(other)"),
        (ModelSpec("m", 9), "Servable not found for request: Specific(m, 9)"),
        (ModelSpec("m", label="canary"), "Unrecognized servable version label: canary"),
    ]:
        with pytest.raises(ServingError) as refusal, models.lease(spec):
            raise AssertionError("nothing to lease")
        assert refusal.value.message == message
    for spec, message in [
        (ModelSpec("other"), "Could not find any versions of model other"),
        (ModelSpec("m", 9), "Could not find version 9 of model m"),
    ]:
        with pytest.raises(ServingError) as refusal:
            models.statuses(spec)
        assert (refusal.value.message, refusal.value.code) == (message, Code.NOT_FOUND)


def test_without_any_version_it_starts_and_goes_on_looking(model: ServedModel) -> None:
    models = Models([model], poll_seconds=0)
    models.start()
    with pytest.raises(ServingError, match="Servable not found for request: Latest"), models.lease(ModelSpec("m")):
        raise AssertionError("nothing to lease")
    put(model.base_path, "1")
    model.poll()
    with models.lease(ModelSpec("m")) as loaded:
        assert loaded.version == 1
