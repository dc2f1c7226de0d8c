"""Disks that misbehave, mounted for one test, and processes that are PID 1 as in a container."""

import os
import subprocess
from contextlib import contextmanager
from pathlib import Path

import pytest


@contextmanager
def mounted(*arguments, at):
    """A mount of this test's own; skips where that is not allowed."""
    if os.geteuid() != 0 or subprocess.run(["mount", *arguments, at], capture_output=True).returncode:
        pytest.skip("mounting takes root and the right to mount")
    try:
        yield
    finally:
        subprocess.run(["umount", "--lazy", at], check=True)


@contextmanager
def small(folder: Path, num_bytes: int):
    """A disk of this size at `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    with mounted("-t", "tmpfs", "-o", f"size={max(4096, num_bytes)}", "tmpfs", at=folder):
        yield


@contextmanager
def read_only(folder: Path):
    """A folder in which nobody can write, whoever they are."""
    with mounted("--bind", folder, at=folder):
        subprocess.run(["mount", "-o", "remount,ro,bind", folder], check=True)
        yield


def as_pid_1(command: list) -> list:
    """A command that runs in a PID namespace of its own, where it is PID 1; skips where that is not allowed."""
    alone = ["unshare", "--pid", "--fork", "--kill-child"]
    if subprocess.run([*alone, "true"], capture_output=True).returncode:
        pytest.skip("a PID namespace takes root and the right to make one")
    return [*alone, *map(str, command)]
