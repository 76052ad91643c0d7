"""Versions on disk and in memory, with models that are only names: no TensorFlow here."""

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from sparrow.model_server.protocol.predict import Signature
from sparrow.model_server.protocol.routes import ModelSpec
from sparrow.model_server.protocol.status import Code, ServingError, invalid
from sparrow.model_server.repository import Loaded, ModelConfig, Models, ServedModel, State, VersionPolicy
from sparrow.model_server.repository.versions import find_versions, fingerprint


class NamedServable:
    """A loaded "model": the content of its folder's file `model`; "broken" does not load."""

    def __init__(self, path: Path) -> None:
        self.content = (path / "model").read_text() if (path / "model").exists() else "broken"
        if self.content == "broken":
            raise invalid(f"{path.name} is broken")
        self.metadata: Mapping[str, Any] = {}
        self.definitions: Mapping[str, bytes] = {}
        self.signatures: Mapping[str, Signature] = {}
        self.closed = False

    def run(self, *_: object) -> list[Any]:
        return []

    def close(self) -> None:
        self.closed = True


def load_named(path: Path) -> Loaded:
    servable = NamedServable(path)
    return Loaded(servable, servable)


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
    return served(tmp_path / "m")


def served(base: Path, policy: VersionPolicy | None = None) -> ServedModel:
    return ServedModel(ModelConfig("m", base, policy or VersionPolicy()), load_named)


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
    put(model.config.base_path, "1")
    model.poll()
    assert newest(model) == 1
    put(model.config.base_path, "002")
    model.poll()
    assert newest(model) == 2
    assert states(model) == {2: State.AVAILABLE, 1: State.END}


def test_several_newest_versions_can_be_kept(tmp_path: Path) -> None:
    model = served(tmp_path, VersionPolicy(latest=2))
    for name in ("1", "2", "3"):
        put(tmp_path, name)
    model.poll()
    assert states(model) == {3: State.AVAILABLE, 2: State.AVAILABLE}
    with model.lease(2) as chosen, model.lease(1) as missing:
        assert chosen is not None
        assert missing is None


def test_a_request_finishes_on_the_version_it_began_with(model: ServedModel) -> None:
    put(model.config.base_path, "1")
    model.poll()
    with model.lease() as first, model.lease() as second:
        assert first is not None
        assert first is second
        put(model.config.base_path, "2")
        model.poll()
        assert newest(model) == 2
        assert states(model)[1] == State.UNLOADING
        assert not first.servable.closed  # type: ignore[attr-defined]
    assert first.servable.closed  # type: ignore[attr-defined]
    assert states(model)[1] == State.END


def test_a_broken_version_is_reported_and_never_replaces_a_good_one(model: ServedModel) -> None:
    put(model.config.base_path, "1")
    model.poll()
    put(model.config.base_path, "2", "broken")
    for _ in range(3):
        model.poll()
        assert newest(model) == 1
    broken, good = model.statuses()
    assert (broken.version, broken.state, broken.code) == (2, State.END, Code.INVALID_ARGUMENT)
    assert broken.message == "2 is broken"
    assert (good.version, good.state) == (1, State.AVAILABLE)


def test_after_a_restart_the_newest_good_version_is_served(model: ServedModel) -> None:
    put(model.config.base_path, "1")
    put(model.config.base_path, "2")
    put(model.config.base_path, "3", "broken")
    model.poll()
    assert states(model) == {3: State.END, 2: State.AVAILABLE}


def test_a_half_copied_version_comes_in_once_it_is_whole(model: ServedModel) -> None:
    put(model.config.base_path, "1")
    (model.config.base_path / "2").mkdir()
    model.poll()
    assert newest(model) == 1
    put(model.config.base_path, "2", "whole")
    model.poll()
    assert states(model) == {2: State.AVAILABLE, 1: State.END}


def test_an_unchanged_broken_version_is_not_loaded_again(tmp_path: Path) -> None:
    attempts: list[Path] = []

    def load(path: Path) -> Loaded:
        attempts.append(path)
        return load_named(path)

    model = ServedModel(ModelConfig("m", tmp_path), load)
    put(tmp_path, "1", "broken")
    for _ in range(5):
        model.poll()
    assert len(attempts) == 1


def test_a_vanished_base_path_takes_nothing_away_but_an_emptied_one_does(model: ServedModel) -> None:
    put(model.config.base_path, "1")
    model.poll()
    hidden = model.config.base_path.with_name("hidden")
    model.config.base_path.rename(hidden)
    model.poll()
    assert newest(model) == 1
    model.config.base_path.mkdir()
    model.poll()
    assert newest(model) is None


def test_removing_the_newest_goes_back_to_the_one_before(model: ServedModel) -> None:
    put(model.config.base_path, "1")
    put(model.config.base_path, "2")
    model.poll()
    (model.config.base_path / "2").rename(model.config.base_path / "gone")
    model.poll()
    assert states(model) == {2: State.END, 1: State.AVAILABLE}


@pytest.fixture
def models(tmp_path: Path) -> Iterator[Models]:
    models = Models(load_named, poll_seconds=0.01)
    yield models
    models.stop()


def wait_for(condition: Callable[[], bool]) -> None:
    for _ in range(1000):
        if condition():
            return
        threading.Event().wait(0.01)
    raise AssertionError("waited in vain")


def version_of(models: Models, spec: ModelSpec) -> int:
    with models.lease(spec) as loaded:
        return loaded.version


def test_models_are_polled_in_the_background_until_stopped(models: Models, tmp_path: Path) -> None:
    put(tmp_path, "1")
    models.start([ModelConfig("m", tmp_path)])
    put(tmp_path, "2")
    wait_for(lambda: version_of(models, ModelSpec("m")) == 2)
    models.stop()
    assert {status.version: status.state for status in models.statuses(ModelSpec("m"))} == {
        2: State.END,
        1: State.END,
    }


def test_a_poll_that_fails_unexpectedly_does_not_end_polling(tmp_path: Path) -> None:
    faults = iter([RuntimeError("surprise")])

    def load(path: Path) -> Loaded:
        for fault in faults:
            raise fault
        return load_named(path)

    put(tmp_path, "1")
    models = Models(load, poll_seconds=0.01)
    models.start([ModelConfig("m", tmp_path)])
    wait_for(lambda: models.statuses(ModelSpec("m"))[0].state is State.AVAILABLE)
    models.stop()
    assert models.statuses(ModelSpec("m"))[0].code is Code.OK


def refusal(models: Models, spec: ModelSpec) -> ServingError:
    with pytest.raises(ServingError) as refused, models.lease(spec):
        raise AssertionError("nothing to lease")
    return refused.value


def test_what_is_not_served_is_told_in_the_originals_words(models: Models, tmp_path: Path) -> None:
    put(tmp_path, "1")
    models.apply([ModelConfig("m", tmp_path)])
    for spec, message in [
        (ModelSpec("other"), "Servable not found for request: Latest(other)"),
        (ModelSpec("m", 9), "Servable not found for request: Specific(m, 9)"),
        (ModelSpec("m", label="canary"), "Unrecognized servable version label: canary"),
        (ModelSpec("other", label="canary"), "Unrecognized servable version label: canary"),
    ]:
        assert refusal(models, spec).message == message
    for spec, message in [
        (ModelSpec("other"), "Could not find any versions of model other"),
        (ModelSpec("m", 9), "Could not find version 9 of model m"),
    ]:
        with pytest.raises(ServingError) as refused:
            models.statuses(spec)
        assert (refused.value.message, refused.value.code) == (message, Code.NOT_FOUND)


def test_without_any_version_it_starts_and_goes_on_looking(models: Models, tmp_path: Path) -> None:
    models.start([ModelConfig("m", tmp_path / "later")])
    assert refusal(models, ModelSpec("m")).message == "Servable not found for request: Latest(m)"
    put(tmp_path / "later", "1")
    wait_for(lambda: "m" in models and bool(models._models["m"].is_available()))
    assert version_of(models, ModelSpec("m")) == 1


def test_all_versions_or_named_ones_can_be_served(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("1", "2", "3"):
        put(tmp_path, name)
    put(tmp_path, "4", "broken")
    everything = served(tmp_path, VersionPolicy(latest=None))
    everything.poll()
    assert states(everything) == {4: State.END, 3: State.AVAILABLE, 2: State.AVAILABLE, 1: State.AVAILABLE}
    some = served(tmp_path, VersionPolicy(specific=frozenset({1, 3, 9})))
    some.poll()
    assert states(some) == {3: State.AVAILABLE, 1: State.AVAILABLE}
    assert "Version 9 of servable m, which was requested" in caplog.text


def test_a_new_policy_holds_from_the_next_poll(model: ServedModel) -> None:
    for name in ("1", "2"):
        put(model.config.base_path, name)
    model.poll()
    model.config = ModelConfig("m", model.config.base_path, VersionPolicy(specific=frozenset({1})))
    model.poll()
    assert states(model) == {2: State.END, 1: State.AVAILABLE}


def test_a_policy_that_nothing_good_fulfils_takes_nothing_away(model: ServedModel) -> None:
    put(model.config.base_path, "1")
    put(model.config.base_path, "2", "broken")
    model.poll()
    model.config = ModelConfig("m", model.config.base_path, VersionPolicy(specific=frozenset({2})))
    model.poll()
    assert states(model) == {2: State.END, 1: State.AVAILABLE}


def test_models_come_and_go_with_the_configuration(models: Models, tmp_path: Path) -> None:
    for name in ("a", "b", "c"):
        put(tmp_path / name, "1")
    put(tmp_path / "bad", "1", "broken")
    assert models.apply([ModelConfig("a", tmp_path / "a"), ModelConfig("b", tmp_path / "b")]) == []
    with models.lease(ModelSpec("a")) as held:
        configs = [ModelConfig(name, tmp_path / name) for name in ("b", "c", "bad")]
        assert models.apply(configs) == ["bad"]
        assert refusal(models, ModelSpec("a")).code is Code.NOT_FOUND
        assert not held.servable.closed  # type: ignore[attr-defined]
    assert held.servable.closed  # type: ignore[attr-defined]
    assert version_of(models, ModelSpec("b")) == version_of(models, ModelSpec("c")) == 1
    assert "a" not in models


def test_labels_name_versions_that_are_served(models: Models, tmp_path: Path) -> None:
    for name in ("1", "2"):
        put(tmp_path, name)
    both = VersionPolicy(latest=2)
    models.apply([ModelConfig("m", tmp_path, both, {"stable": 1, "canary": 2})])
    assert version_of(models, ModelSpec("m", label="stable")) == 1
    assert [status.version for status in models.statuses(ModelSpec("m", label="canary"))] == [2]
    with pytest.raises(ServingError) as refused:
        models.apply([ModelConfig("m", tmp_path, both, {"stable": 7})])
    assert refused.value.code is Code.FAILED_PRECONDITION
    assert refused.value.message == (
        "Request to assign label to version 7 of model m, which is not currently available for inference"
    )
    assert version_of(models, ModelSpec("m", label="stable")) == 1


def test_with_leave_a_new_label_may_come_before_its_version_but_not_move_there(tmp_path: Path) -> None:
    put(tmp_path, "1")
    models = Models(load_named, poll_seconds=0, allow_labels_for_unavailable=True)
    models.apply([ModelConfig("m", tmp_path, labels={"stable": 1, "next": 2})])
    assert refusal(models, ModelSpec("m", label="next")).message == "Servable not found for request: Specific(m, 2)"
    with pytest.raises(ServingError, match="Request to assign label to version 2"):
        models.apply([ModelConfig("m", tmp_path, labels={"stable": 2})])
    models.stop()
