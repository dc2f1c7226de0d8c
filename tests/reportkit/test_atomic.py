"""What is made in one step: whole or not there, whoever fails, and one writer at a time."""

import os
import signal
import subprocess
import sys

import pytest

from reportkit import atomic


def test_a_reader_sees_the_old_content_or_the_new(tmp_path):
    path = tmp_path / "a" / "b.txt"
    atomic.write(path, "old")
    with atomic.replacing(path) as new:
        new.write_text("half")
        assert path.read_text() == "old"
    assert path.read_text() == "half" and [p.name for p in path.parent.iterdir()] == ["b.txt"]


def test_what_fails_changes_nothing_and_leaves_nothing(tmp_path):
    path = tmp_path / "b.txt"
    atomic.write(path, b"old")

    def refuse(new):
        raise ValueError(new.read_text())

    with pytest.raises(ValueError, match="bad"), atomic.replacing(path, verify=refuse) as new:
        new.write_text("bad")
    with pytest.raises(OSError) as refused, atomic.replacing(path) as new:
        new.with_name(new.name).open()  # it was never made
    assert refused.value.filename == str(path), "the name of the place, not that of the unfinished file"
    assert path.read_text() == "old" and len(list(tmp_path.iterdir())) == 1


def test_a_folder_is_made_in_one_step_and_never_in_place_of_another(tmp_path):
    for _ in range(2):
        try:
            with atomic.replacing(tmp_path / "folder") as new:
                new.mkdir()
                (new / "file").write_text("x")
        except OSError as error:
            assert error.filename == str(tmp_path / "folder")
    assert [p.name for p in tmp_path.iterdir()] == ["folder"]
    assert (tmp_path / "folder" / "file").read_text() == "x"


HOLD = """
import sys, time
from pathlib import Path
from reportkit import atomic
with atomic.alone(Path(sys.argv[1])):
    print("held", flush=True)
    time.sleep(60)
"""


def test_a_lock_ends_with_its_process_however_that_ends(tmp_path):
    lock = tmp_path / "cache" / ".lock"
    holder = subprocess.Popen([sys.executable, "-c", HOLD, lock], stdout=subprocess.PIPE)
    assert holder.stdout.readline() == b"held\n"
    told = []

    def waiting():
        told.append("waiting")
        holder.send_signal(signal.SIGKILL)

    with atomic.alone(lock, waiting):
        assert told == ["waiting"]
    holder.wait()
    with atomic.alone(lock, lambda: pytest.fail("nobody holds it")):
        pass


def test_leftovers_are_what_unfinished_work_is_called(tmp_path):
    (tmp_path / f"{atomic.NEW}1-folder").mkdir()
    (tmp_path / f"{atomic.NEW}2-file").touch()
    (tmp_path / "kept").touch()
    os.symlink(tmp_path / "kept", tmp_path / f"{atomic.NEW}3-link")
    atomic.remove_leftovers(tmp_path)
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
