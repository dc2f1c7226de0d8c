"""Which files are meant by the paths that somebody names."""

import os
import re
import stat
from pathlib import Path

# Names of what is not read, and why; None where it is written for persons: who names a folder means its measurements.
Problems = list[tuple[str, str | None]]
_PROSE = re.compile(
    r"(^|/)([^/]+\.(md|markdown|rst|adoc)|(readme|licen[cs]e|notice|copying|authors|citation|changelog)(\.txt)?)$", re.I
)


def walk(paths: list[Path]) -> tuple[list[tuple[str, Path]], Problems]:
    """Name and path of every regular file under `paths`, and what is not one. Links in folders are not followed."""
    found, problems = [], []
    for path in paths:
        if not path.exists():
            problems.append((_printable(path.name), "there is no such file or folder"))
        elif not path.is_dir():
            # The folder's name stays in front here and below: it may hold the id of a run.
            name = _printable(f"{path.absolute().parent.name}/{path.name}")
            _sort_in(name, path, path.stat(), found, problems)
        else:
            for folder, subfolders, files in os.walk(path):
                subfolders[:] = sorted(name for name in subfolders if not name.startswith("."))
                for name in list(subfolders):
                    entry = Path(folder, name)
                    if entry.is_symlink():
                        problems.append((_shown_path(entry, path), "is a link to a folder; links are not followed"))
                for name in sorted(files):
                    if is_prose(name):
                        problems.append((_shown_path(Path(folder, name), path), None))
                    elif not name.startswith("."):
                        entry = Path(folder, name)
                        _sort_in(_shown_path(entry, path), entry, entry.lstat(), found, problems)
    return found, problems


def is_prose(name: str) -> bool:
    """Whether a file of this name is written for persons: README, LICENSE, SOURCE.md."""
    return bool(_PROSE.search(name))


def _shown_path(entry: Path, root: Path) -> str:
    return _printable(str(Path(root.absolute().name) / entry.relative_to(root)))


def _printable(name: str) -> str:
    """The name of a file on one line, with a question mark for whatever is not text: a name may hold any byte."""
    return "".join(c if c.isprintable() else "?" for c in name)


def _sort_in(name: str, path: Path, status: os.stat_result, found: list, problems: Problems) -> None:
    if stat.S_ISLNK(status.st_mode):
        problems.append((name, "is a link; links in folders are not followed"))
    elif not stat.S_ISREG(status.st_mode):
        problems.append((name, "is not a regular file"))
    elif status.st_size == 0:
        problems.append((name, "is empty"))
    else:
        found.append((name, path))
