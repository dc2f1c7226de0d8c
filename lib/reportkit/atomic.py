"""Files that are whole or not there: what is half made, by a killed process or on a full disk, is never used.

A new file or folder is made beside its place, brought to the disk, verified, and renamed: the last step is the only one
that readers see. Two writers of one place take turns by a lock that ends with its process, however that ends.
"""

import os
import shutil
import uuid
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path

NEW = ".new-"  # how unfinished work is named; the rest of the name is unique, here and in every container


@contextmanager
def replacing(path: Path, verify: Callable[[Path], object] | None = None) -> Iterator[Path]:
    """Make a file or folder anew: the block writes to the path it is given, which becomes `path` when the block ends.

    Parameters
    ----------
    path : where it will stand; a file there is replaced, a folder must not be there yet
    verify : called with the finished work before it counts; what it raises is raised, and nothing has changed

    Raises
    ------
    OSError : it cannot be written; names `path`, which is as it was
    """
    path = Path(path)
    new = path.with_name(f"{NEW}{uuid.uuid4().hex[:12]}-{path.name}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield new
        for part in (*new.rglob("*"), new) if new.is_dir() else (new,):
            _to_disk(part)
        if verify:
            verify(new)
        os.replace(new, path)
        _to_disk(path.parent)
    except OSError as error:
        if error.errno and (error.filename is None or Path(error.filename).is_relative_to(new)):
            error.filename, error.filename2 = str(path), None  # nobody knows the other name
        raise
    finally:
        remove(new)


def write(path: Path, content: str | bytes) -> None:
    """Write a file in one step.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder:
    ...     write(Path(folder, "a", "b.txt"), "whole")
    ...     Path(folder, "a", "b.txt").read_text(), len(list(Path(folder, "a").iterdir()))
    ('whole', 1)
    """
    with replacing(path) as new:
        new.write_bytes(content.encode() if isinstance(content, str) else content)


@contextmanager
def alone(lock: Path, waiting: Callable[[], object] | None = None) -> Iterator[None]:
    """Hold a lock file, which is made where it is missing; while another process holds it, wait.

    `waiting` is called once before the wait; what it raises ends it.
    """
    import filelock  # takes as long as a small command, most of which need no lock

    lock.parent.mkdir(parents=True, exist_ok=True)
    held = filelock.FileLock(lock, fallback_to_soft=False)  # a soft lock would outlive its process
    try:
        held.acquire(timeout=0)
    except filelock.Timeout:
        if waiting:
            waiting()
        held.acquire()
    try:
        yield
    finally:
        held.release()


def remove(path: Path) -> None:
    """Remove a file or folder, as far as that can be done."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, ignore_errors=True)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError:
        return  # on a disk that can no longer be written it may stay: nobody uses it


def keep_newest(paths: Iterable[Path], most: int) -> None:
    """Remove all but the newest of some files or folders; of one moment, those whose names come last are the newest."""
    for path in sorted(paths, key=lambda path: (path.stat().st_mtime_ns, path.name), reverse=True)[most:]:
        remove(path)


def remove_leftovers(folder: Path) -> None:
    """Remove the unfinished work of writers that were killed. Only whoever holds the lock of the folder may do so."""
    for path in folder.glob(f"{NEW}*"):
        remove(path)


def _to_disk(path: Path) -> None:
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
