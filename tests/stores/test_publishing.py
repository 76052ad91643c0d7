"""The live pointer: it flips whole, versions only grow, and one can always go back to what was live."""

import shutil
import subprocess
import sys
from pathlib import Path
from typing import Literal

import orjson
import pytest

from sparrow.errors import Busy, NotFound, ReleaseError, StoreUnavailable
from sparrow.stores.model_repository import versions
from sparrow.stores.publishing import HomeTarget, Pointer, publish, read_pointer, rollback
from sparrow.stores.releases import MANIFEST, release_names, releases_folder
from tests.stores.small_releases import MODEL, sealed


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A home with the releases a, b, c and d, none of them live."""
    for name in "abcd":
        sealed(tmp_path, name)
    return tmp_path


def placed(home: Path) -> list[int]:
    return versions(home / "models", MODEL)


def live_content(home: Path) -> str:
    """What the model server reads for the live version."""
    pointer = read_pointer(home)
    assert pointer is not None
    return (home / "models" / MODEL / str(pointer.models[MODEL]) / "saved_model.pb").read_text()


def test_publishing_places_the_model_and_flips_the_pointer(home: Path) -> None:
    assert read_pointer(home) is None
    assert publish(home, "a", keep=10) == Pointer("a", {MODEL: 1}) == read_pointer(home)
    assert publish(home, "b", keep=10) == Pointer("b", {MODEL: 2}) == read_pointer(home)
    assert live_content(home) == "graph of b"
    assert orjson.loads((home / "current").read_bytes()) == {"release": "b", "models": {MODEL: 2}}


def test_versions_grow_through_rollbacks_and_two_of_them_stay(home: Path) -> None:
    numbers = [publish(home, name, keep=10).models[MODEL] for name in "abc"]
    numbers += [rollback(home, keep=10).models[MODEL] for _ in range(2)]
    numbers += [publish(home, "d", keep=10).models[MODEL]]
    assert numbers == [1, 2, 3, 4, 5, 6]
    assert placed(home) == [5, 6]


def test_versions_grow_even_after_their_folders_are_gone(home: Path) -> None:
    publish(home, "a", keep=10)
    publish(home, "b", keep=10)
    shutil.rmtree(home / "models")
    assert publish(home, "c", keep=10).models[MODEL] == 3
    shutil.rmtree(home / "models")
    assert rollback(home, keep=10).models[MODEL] == 4


def test_versions_grow_beyond_folders_that_no_log_knows(home: Path) -> None:
    (home / "models" / MODEL / "007").mkdir(parents=True)
    (home / "models" / MODEL / "not-a-version").mkdir()
    assert publish(home, "a", keep=10).models[MODEL] == 8


def test_rollback_walks_back_through_what_was_live_and_then_says_so(home: Path) -> None:
    for name in "abc":
        publish(home, name, keep=10)
    assert [rollback(home, keep=10).release for _ in range(2)] == ["b", "a"]
    with pytest.raises(ReleaseError, match="nothing to roll back to"):
        rollback(home, keep=10)
    assert live_content(home) == "graph of a"
    publish(home, "d", keep=10)
    assert rollback(home, keep=10).release == "a"


def test_nothing_to_roll_back_to_before_and_after_the_first_publish(home: Path) -> None:
    with pytest.raises(ReleaseError, match="nothing to roll back to"):
        rollback(home, keep=10)
    publish(home, "a", keep=10)
    publish(home, "a", keep=10)
    with pytest.raises(ReleaseError, match="nothing to roll back to"):
        rollback(home, keep=10)


def test_rollback_skips_a_release_that_was_deleted_and_never_turns_round(home: Path) -> None:
    for name in "dabac":
        publish(home, name, keep=10)
    shutil.rmtree(releases_folder(home) / "b")
    assert [rollback(home, keep=10).release for _ in range(2)] == ["a", "d"]
    with pytest.raises(ReleaseError, match="nothing to roll back to"):
        rollback(home, keep=10)


def test_one_can_go_back_when_the_live_release_itself_is_lost(home: Path) -> None:
    publish(home, "a", keep=10)
    publish(home, "b", keep=10)
    shutil.rmtree(releases_folder(home) / "b")
    assert rollback(home, keep=10).release == "a"


def test_a_publisher_killed_between_log_and_pointer_leaves_no_release_to_return_to(home: Path) -> None:
    publish(home, "a", keep=10)
    publish(home, "b", keep=10)
    before = (home / "current").read_bytes()
    publish(home, "c", keep=10)
    (home / "current").write_bytes(before)
    assert rollback(home, keep=10).release == "a"


def test_pruning_keeps_the_live_one_its_predecessor_and_the_newest(home: Path) -> None:
    publish(home, "a", keep=4)
    publish(home, "b", keep=4)
    assert release_names(home) == ["a", "b", "c", "d"]
    publish(home, "a", keep=3)
    assert release_names(home) == ["a", "b", "d"], "c was never live and is the oldest that nobody needs"
    publish(home, "d", keep=2)
    assert release_names(home) == ["a", "d"]
    assert rollback(home, keep=2).release == "a"
    assert "a" in release_names(home)


def test_pruning_is_not_stopped_by_a_release_that_cannot_be_read(home: Path) -> None:
    publish(home, "b", keep=10)
    (releases_folder(home) / "a" / MANIFEST).write_bytes(b"broken")
    fields = orjson.loads((releases_folder(home) / "d" / MANIFEST).read_bytes())
    (releases_folder(home) / "d" / MANIFEST).write_bytes(orjson.dumps(fields | {"format": 99}))
    publish(home, "c", keep=3)
    assert release_names(home) == ["b", "c", "d"]


def test_removals_that_were_killed_do_not_stop_a_publish(home: Path) -> None:
    (releases_folder(home) / "a").rename(releases_folder(home) / ".a.gone")
    publish(home, "b", keep=3)
    publish(home, "c", keep=2)
    assert release_names(home) == ["b", "c"]


class Elsewhere(HomeTarget):
    """Another target of the same home; its flip can fail, before or after it happened."""

    name = "elsewhere"

    def __init__(self, folder: Path) -> None:
        super().__init__(folder)
        self.fails: Literal["", "before", "after"] = ""

    def flip(self, pointer: Pointer) -> None:
        if self.fails != "before":
            super().flip(pointer)
        if self.fails:
            raise StoreUnavailable(f"the store went away {self.fails}")


@pytest.fixture
def elsewhere(home: Path, tmp_path: Path) -> Elsewhere:
    (home / "elsewhere").mkdir()
    return Elsewhere(tmp_path / "elsewhere")


def fail(home: Path, name: str, target: Elsewhere, when: Literal["before", "after"]) -> None:
    target.fails = when
    with pytest.raises(StoreUnavailable, match="went away"):
        publish(home, name, 10, None, target)
    target.fails = ""


def test_flips_that_failed_elsewhere_do_not_push_out_what_is_live_there(home: Path, elsewhere: Elsewhere) -> None:
    live = publish(home, "a", 10, None, elsewhere)
    for name in "bcb":
        fail(home, name, elsewhere, "before")
    publish(home, "d", keep=1)
    assert elsewhere.read_pointer() == live
    assert "a" in release_names(home)
    assert live.models[MODEL] in placed(home)


def test_a_flip_that_happened_though_it_seemed_to_fail_keeps_its_release(home: Path, elsewhere: Elsewhere) -> None:
    publish(home, "a", 10, None, elsewhere)
    fail(home, "b", elsewhere, "after")
    fail(home, "c", elsewhere, "before")
    publish(home, "d", keep=1)
    assert elsewhere.read_pointer() == Pointer("b", {MODEL: 2})
    assert "b" in release_names(home)
    assert 2 in placed(home)
    publish(home, "d", 10, None, elsewhere)
    assert rollback(home, 10, None, elsewhere).release == "b", "it was live; c never was"


def test_a_rollback_whose_flip_failed_does_not_forget_what_is_live(home: Path, elsewhere: Elsewhere) -> None:
    for name in "abc":
        publish(home, name, 10, None, elsewhere)
    elsewhere.fails = "before"
    with pytest.raises(StoreUnavailable):
        rollback(home, 10, None, elsewhere)
    publish(home, "d", keep=1)
    assert {"b", "c"} <= set(release_names(home))
    elsewhere.fails = ""
    assert rollback(home, 10, None, elsewhere).release == "b"


def test_numbers_of_flips_that_failed_are_not_given_again(home: Path, elsewhere: Elsewhere) -> None:
    fail(home, "a", elsewhere, "before")
    shutil.rmtree(home / "models")
    assert publish(home, "a", 10, None, elsewhere).models[MODEL] == 2


def test_a_log_of_an_older_sparrow_counts_as_it_stands(home: Path) -> None:
    for name in "abc":
        publish(home, name, keep=10)
    lines = [orjson.loads(line) for line in (home / "publish.log").read_bytes().splitlines()]
    assert all(line.pop("flipped") for line in lines)
    (home / "publish.log").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in lines))
    assert [rollback(home, keep=10).release for _ in range(2)] == ["b", "a"]


class ServerSaysNo(Exception):
    """What a test's `wait` raises."""


def refuse(name: str, version: int) -> None:
    raise ServerSaysNo(f"{name} {version}")


def test_a_server_that_never_answers_leaves_the_pointer_untouched(home: Path) -> None:
    publish(home, "a", keep=10)
    before = {name: (home / name).read_bytes() for name in ("current", "publish.log")}
    with pytest.raises(ServerSaysNo, match=f"{MODEL} 2"):
        publish(home, "b", keep=2, wait=refuse)
    assert {name: (home / name).read_bytes() for name in before} == before
    assert release_names(home) == ["a", "b", "c", "d"], "nothing is pruned"
    assert live_content(home) == "graph of a"


def test_what_failed_publishes_leave_never_pushes_out_the_live_version(home: Path) -> None:
    live = publish(home, "a", keep=10).models[MODEL]
    for _ in range(3):
        with pytest.raises(ServerSaysNo):
            publish(home, "b", keep=10, wait=refuse)
        assert live in placed(home)[-2:], "a server keeps the two largest versions"
    after = publish(home, "b", keep=10)
    assert after.models[MODEL] == 5, "numbers of failed publishes are not used again"
    assert placed(home) == [live, 5]
    assert rollback(home, keep=10) == Pointer("a", {MODEL: 6})


def test_a_first_publish_that_failed_is_simply_repeated(home: Path) -> None:
    with pytest.raises(ServerSaysNo):
        publish(home, "a", keep=10, wait=refuse)
    assert read_pointer(home) is None
    assert publish(home, "a", keep=10).models[MODEL] == 2
    assert live_content(home) == "graph of a"


def test_the_pointer_flips_only_after_every_model_is_available(tmp_path: Path) -> None:
    sealed(tmp_path, "a", models=("one", "two"))
    sealed(tmp_path, "b", models=("one", "two"))
    publish(tmp_path, "a", keep=10)
    seen: list[tuple[str, int, str]] = []

    def wait(name: str, version: int) -> None:
        assert (tmp_path / "models" / name / str(version) / "saved_model.pb").read_text() == "graph of b"
        pointer = read_pointer(tmp_path)
        seen.append((name, version, pointer.release if pointer else ""))

    publish(tmp_path, "b", keep=10, wait=wait)
    assert seen == [("one", 2, "a"), ("two", 2, "a")]
    assert read_pointer(tmp_path) == Pointer("b", {"one": 2, "two": 2})


def test_a_damaged_or_unknown_release_is_never_published(home: Path) -> None:
    publish(home, "a", keep=10)
    (releases_folder(home) / "b" / "features.lmdb").write_text("tampered")
    with pytest.raises(ReleaseError, match=r"features\.lmdb"):
        publish(home, "b", keep=10)
    with pytest.raises(NotFound, match="'nothing'"):
        publish(home, "nothing", keep=10)
    assert read_pointer(home) == Pointer("a", {MODEL: 1})
    assert placed(home) == [1]


@pytest.mark.parametrize("content", [b"", b"{", b"[1]", b'{"release": "a"}', b'{"other": 1}'])
def test_a_pointer_that_cannot_be_read_is_named_and_mended_by_publishing(home: Path, content: bytes) -> None:
    publish(home, "a", keep=10)
    (home / "current").write_bytes(content)
    with pytest.raises(ReleaseError, match=r"current cannot be read.*sparrow publish"):
        read_pointer(home)
    assert publish(home, "b", keep=10) == Pointer("b", {MODEL: 2}) == read_pointer(home)
    assert rollback(home, keep=10).release == "a"


def test_an_id_as_a_shell_completes_it_is_refused_and_costs_no_release(home: Path) -> None:
    publish(home, "a", keep=2)
    with pytest.raises(NotFound, match="'d/'"):
        publish(home, "d/", keep=2)
    assert read_pointer(home) == Pointer("a", {MODEL: 1})
    assert (releases_folder(home) / "d").is_dir()


def test_a_log_that_cannot_be_read_is_named(home: Path) -> None:
    publish(home, "a", keep=10)
    with (home / "publish.log").open("ab") as file:
        file.write(b'{"at": "2026')
    with pytest.raises(ReleaseError, match=r"publish\.log cannot be read"):
        publish(home, "b", keep=10)
    assert read_pointer(home) == Pointer("a", {MODEL: 1})


HOLDER = """
import os, sys
from pathlib import Path
from sparrow.stores.publishing import publish
def wait(name, version):
    print(os.getpid(), flush=True)
    sys.stdin.readline()
publish(Path(sys.argv[1]), "a", keep=10, wait=wait)
"""


def test_a_second_publisher_is_refused_with_the_process_id_of_the_first(home: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        process_id = holder.stdout.readline().strip()
        for action in (lambda: publish(home, "b", keep=10), lambda: rollback(home, keep=10)):
            with pytest.raises(Busy, match=rf"process {process_id}\)"):
                action()
        holder.communicate("go on\n", timeout=30)
    assert holder.returncode == 0
    assert read_pointer(home) == Pointer("a", {MODEL: 1})


def test_a_publisher_killed_midway_blocks_nobody_and_changes_nothing(home: Path) -> None:
    publish(home, "b", keep=10)
    command = [sys.executable, "-c", HOLDER, str(home)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        holder.stdout.readline()
        holder.kill()
    assert read_pointer(home) == Pointer("b", {MODEL: 1})
    assert publish(home, "c", keep=10) == Pointer("c", {MODEL: 3})
    assert placed(home) == [1, 3]
