"""One builder or publisher per home, whatever happens to the one before."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sparrow.errors import Busy
from sparrow.stores.locks import exclusive

HOLDER = """
import sys
from pathlib import Path
from sparrow.stores.locks import exclusive
with exclusive(Path(sys.argv[1]), "build"):
    print("held", flush=True)
    sys.stdin.readline()
"""


def test_a_second_holder_is_refused_and_told_who_and_what_to_do(tmp_path: Path) -> None:
    with exclusive(tmp_path, "build"):
        with (
            pytest.raises(Busy, match=rf"`sparrow build` \(process {os.getpid()}\).*--home"),
            exclusive(tmp_path, "build"),
        ):
            raise AssertionError("two hold one lock")
        with exclusive(tmp_path, "publish"):
            assert (tmp_path / "publish.lock").read_text() == str(os.getpid())
        with exclusive(tmp_path / "other", "build"):
            assert (tmp_path / "other" / "build.lock").is_file()


def test_it_is_let_go_at_the_end_and_after_an_error(tmp_path: Path) -> None:
    with pytest.raises(KeyError), exclusive(tmp_path, "build"):
        raise KeyError("the body failed")
    with exclusive(tmp_path, "build"):
        assert (tmp_path / "build.lock").read_text() == str(os.getpid())


def test_the_system_lets_go_for_a_holder_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLDER, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(Busy, match=f"process {holder.pid}"), exclusive(tmp_path, "build"):
            raise AssertionError("two hold one lock")
        holder.kill()
    with exclusive(tmp_path, "build"):
        assert (tmp_path / "build.lock").read_text() == str(os.getpid())
