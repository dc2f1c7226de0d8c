"""YAML of strangers: small, flat, each key once, and every complaint one sentence with its line.

A file of a few lines can stand for gigabytes (aliases of aliases) or for endless depth, and one that is a pipe never
ends. Nobody needs more than the limits here to set a dozen parameters.
"""

import os
import stat
from pathlib import Path

import yaml

LARGEST = 256 << 10  # bytes
DEEPEST = 20  # levels
MOST_ALIASES = 20


class NotUsable(ValueError):
    """What is wrong with a file, in words, and the line of it (from 1) where that is known."""

    def __init__(self, message: str, line: int | None = None):
        self.line = line
        super().__init__(message)


def read(path: Path) -> object:
    """The content of a YAML file; raises NotUsable."""
    return load(read_bytes(path))


def read_bytes(path: Path, most: int = LARGEST) -> bytes:
    """The content of a regular file of at most so many bytes; raises NotUsable, and waits for no pipe."""
    try:
        handle = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        try:
            if not stat.S_ISREG(os.fstat(handle).st_mode):
                raise NotUsable("this is not a regular file")
            with open(handle, "rb", closefd=False) as stream:
                content = stream.read(most + 1)
        finally:
            os.close(handle)
    except OSError as error:
        raise NotUsable(f"this cannot be read: {error.strerror}") from error
    if len(content) > most:
        raise NotUsable(f"this is more than {most >> 10} kB")
    return content


def load(content: bytes | str) -> object:
    """The content of a YAML text; raises NotUsable.

    >>> load("isl: 1024\\nosl: [1, 2]")
    {'isl': 1024, 'osl': [1, 2]}
    """
    if isinstance(content, bytes):
        try:
            content = content.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = content[: error.start].count(b"\n") + 1
            raise NotUsable("this is not UTF-8 text", line) from None
    try:
        return yaml.load(content, _Loader)
    except NotUsable:
        raise
    except yaml.reader.ReaderError as error:
        line = content[: error.position].count("\n") + 1
        raise NotUsable(f"this is not YAML: it has the character U+{error.character:04X}", line) from None
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        problem = getattr(error, "problem", None) or type(error).__name__
        raise NotUsable(f"this is not YAML: {' '.join(problem.split())}", mark and mark.line + 1) from None


class _Loader(yaml.SafeLoader):
    def __init__(self, content: str):
        super().__init__(content)
        self._depth = self._num_aliases = 0

    def compose_node(self, parent, index):
        line = self.peek_event().start_mark.line + 1
        self._num_aliases += self.check_event(yaml.AliasEvent)
        if self._num_aliases > MOST_ALIASES:
            raise NotUsable(f"there are more than {MOST_ALIASES} aliases", line)
        self._depth += 1
        if self._depth > DEEPEST:
            raise NotUsable(f"this is nested deeper than {DEEPEST} levels", line)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def construct_object(self, node, deep=False):
        if node in self.recursive_objects:
            raise NotUsable("this contains itself", node.start_mark.line + 1)
        try:
            return super().construct_object(node, deep)
        except (ValueError, KeyError, AttributeError, TypeError, OverflowError) as error:
            if isinstance(error, NotUsable):
                raise
            kind = node.tag.rpartition(":")[2]  # such as 2026-13-40, which looks like a date
            written = f"{node.value[:60]!r} is" if isinstance(node, yaml.ScalarNode) else "this is"
            raise NotUsable(f"{written} no {kind}", node.start_mark.line + 1) from None

    def construct_mapping(self, node, deep=False):
        seen = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode) and key.value in seen:
                raise NotUsable(f"'{key.value[:60]}' is given twice", key.start_mark.line + 1)
            seen.add(key.value if isinstance(key, yaml.ScalarNode) else None)
        # Deep, so that what contains itself is found while it is made.
        return super().construct_mapping(node, deep=True)

    def construct_yaml_map(self, node):
        return self.construct_mapping(node)

    def construct_yaml_seq(self, node):
        return self.construct_sequence(node, deep=True)


_Loader.add_constructor("tag:yaml.org,2002:map", _Loader.construct_yaml_map)
_Loader.add_constructor("tag:yaml.org,2002:seq", _Loader.construct_yaml_seq)
