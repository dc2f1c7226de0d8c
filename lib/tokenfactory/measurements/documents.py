"""Open what a person names: files, folders and zips, cut into records, with every refusal said in one sentence.

JSON is read strictly (no key twice, no endless nesting) and element by element, so that one bad element costs one row
and a file of any size costs the memory of one element. NaN and Infinity are handed on: whether they matter depends on
the field. Reports in YAML are read whole, without aliases; gzip as the file inside it.
"""

import codecs
import csv
import functools
import gzip
import hashlib
import io
import itertools
import json
import lzma
import re
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO, TextIO

from reportkit import strict_yaml
from tokenfactory.errors import DataError
from tokenfactory.measurements import columnar, formats
from tokenfactory.measurements.adapters import RowProblem
from tokenfactory.measurements.normalise import shown
from tokenfactory.measurements.walk import Problems, _printable, is_prose

LARGEST_ELEMENT = 64 << 20  # bytes of one JSON element
LONGEST_TEXT = 1 << 20  # characters of one text inside it
DEEPEST = 64  # levels of nesting inside it
LARGEST_UNPACKED = 64 << 30  # bytes of all members of a zip
LARGEST_RATIO = 250  # unpacked to packed; JSON of benchmarks reaches 30
MOST_MEMBERS = 100_000
LARGEST_YAML = 4 << 20
SIDECAR = "token-factory.yaml"

_CHUNK = 1 << 20
_WIDE = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
_PATTERN = re.compile(r"[*?\[\]{}\ud800-\udfff]")
_PACKED = {b"BZh": "bzip2", b"\xfd7zXZ": "xz", b"\x28\xb5\x2f\xfd": "zstd", b"7z\xbc\xaf": "7z"}
_YAML = re.compile(rb"^(version|scenario|metrics|results|run): ?", re.MULTILINE)
_UNREADABLE = (OSError, EOFError, NotImplementedError, zipfile.BadZipFile, zlib.error, lzma.LZMAError)


@dataclass(frozen=True)
class Document:
    """One file to read: a file on disk, or a member of a zip."""

    name: str  # as shown: relative to what was named; a member of a zip follows '!'
    path: Path
    member: str | None = None
    is_gzip: bool = False

    @contextmanager
    def open(self) -> Iterator[BinaryIO]:
        """The bytes as a stream. Raises DataError where they cannot be read, now or later."""
        try:
            if self.is_gzip:
                with gzip.open(self.path) as stream:
                    yield _Limited(self.name, stream, LARGEST_RATIO * max(self.path.stat().st_size, 4096))
            elif self.member is None:
                with self.path.open("rb") as stream:
                    yield stream
            else:
                with _archive(self.path, _marks(self.path)).open(self.member) as stream:
                    yield stream
        except _UNREADABLE as error:
            raise DataError(self.name, f"cannot be read: {shown(error)}") from error

    @contextmanager
    def text(self) -> Iterator[TextIO]:
        """The same as text, whose lines end where a text editor ends them. Raises DataError where it is not UTF-8."""
        with self.open() as stream, io.TextIOWrapper(stream, "utf-8-sig") as text:
            try:
                yield text
            except UnicodeDecodeError as error:
                raise DataError(self.name, "is not UTF-8 text") from error

    def head(self) -> bytes:
        """Its beginning: enough to tell what it is."""
        with self.open() as stream:
            return stream.read(_CHUNK)

    @contextmanager
    def on_disk(self, work: Path) -> Iterator[Path]:
        """A path to the bytes, which DuckDB takes for one file and not for a pattern of names.

        Where there is none, a link to the file or the unpacked member of a zip is in the folder `work` for a while.
        """
        if self.member is None and not self.is_gzip:
            if not _PATTERN.search(str(self.path)):
                yield self.path
                return
            with tempfile.TemporaryDirectory(dir=work) as folder:
                link = Path(folder, "file")
                link.symlink_to(self.path.absolute())
                yield link
            return
        with self.open() as stream, tempfile.NamedTemporaryFile(dir=work) as copy:
            shutil.copyfileobj(stream, copy, _CHUNK)
            copy.flush()
            yield Path(copy.name)

    def sha256(self) -> str:
        with self.open() as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def num_bytes(self) -> int:
        if self.member is None:
            return self.path.stat().st_size
        return _archive(self.path, _marks(self.path)).getinfo(self.member).file_size


def _marks(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_size, status.st_mtime_ns


@functools.lru_cache(maxsize=1)
def _archive(path: Path, marks: tuple[int, int]) -> zipfile.ZipFile:
    """A zip that stays open: to read its table of contents anew for each member would take their number squared."""
    return zipfile.ZipFile(path)


class _Limited(io.RawIOBase):
    """A stream that breaks off where it unpacks to more than a file of its size may hold."""

    def __init__(self, name: str, stream: BinaryIO, most: int):
        self._name, self._stream, self._left = name, stream, min(most, LARGEST_UNPACKED)

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        found = self._stream.read(_CHUNK if size < 0 else size)
        self._left -= len(found)
        if self._left < 0:
            raise DataError(self._name, f"unpacks to more than {LARGEST_RATIO} times its size")
        return found


def unpacked(name: str, path: Path) -> tuple[list[Document], Problems]:
    """The documents in a file: itself, or the members of a zip. Raises DataError for a zip that is not safe."""
    with path.open("rb") as stream:
        head = stream.read(4)
        if head != b"PK\x03\x04":
            return [Document(name, path, is_gzip=head.startswith(b"\x1f\x8b"))], []
    documents, problems = [], []
    try:
        with zipfile.ZipFile(path) as archive:
            members = [m for m in archive.infolist() if not m.is_dir()]
    except (*_UNREADABLE, ValueError) as error:
        raise DataError(name, f"is a broken zip: {shown(error)}") from error
    if len(members) > MOST_MEMBERS:
        raise DataError(name, f"is a zip of more than {MOST_MEMBERS} files")
    if sum(m.file_size for m in members) > LARGEST_UNPACKED:
        raise DataError(name, f"is a zip of more than {LARGEST_UNPACKED >> 30} GB")
    seen = set()
    for member in members:
        inside = f"{name}!{_printable(member.filename)}"
        parts = member.filename.replace("\\", "/").split("/")
        if member.filename.startswith("/") or ".." in parts or ":" in parts[0]:
            problems.append((inside, "its name points out of the zip"))
        elif stat.S_ISLNK(member.external_attr >> 16):
            problems.append((inside, "is a link; links in a zip are not followed"))
        elif member.flag_bits & 1:
            problems.append((inside, "is encrypted"))
        elif member.file_size > LARGEST_RATIO * max(member.compress_size, 4096):
            problems.append((inside, f"unpacks to more than {LARGEST_RATIO} times its size"))
        elif member.filename in seen:
            problems.append((inside, "is in the zip twice"))
        elif member.file_size == 0 or is_prose(member.filename):
            problems.append((inside, None if is_prose(member.filename) else "is empty"))
        elif not any(part.startswith(".") for part in parts):
            documents.append(Document(inside, path, member.filename))
        seen.add(member.filename)
    return documents, problems


def records(document: Document) -> Iterator[tuple[int, Any]]:
    """Index and content of every record; a RowProblem in place of one that cannot be used.

    Raises
    ------
    DataError : the file is neither Parquet nor text in JSON, JSON Lines or CSV, or breaks off.
    """
    head = document.head()
    if head.startswith(_WIDE):
        raise DataError(document.name, _foreign_text(head) or "is UTF-16 text; save it as UTF-8")
    with document.text() as text:
        if re.match(rb"[\s\xef\xbb\xbf]*[\[{]", head):
            yield from _json_records(document.name, text)
        elif head.startswith(columnar.PARQUET):
            yield from columnar.records(document)
        elif kind := next((kind for magic, kind in _PACKED.items() if head.startswith(magic)), None):
            raise DataError(document.name, f"is a file of the kind {kind}; unpack it, or save it as JSON or CSV")
        elif head[257:262] == b"ustar":
            raise DataError(document.name, "is a file of the kind tar; unpack it, or zip its folder")
        elif b"\0" in head:
            raise DataError(document.name, "is neither text nor a zip")
        elif len(_YAML.findall(head)) >= 2:
            yield 0, _report(document.name, text)
        elif words := _foreign_text(head):
            raise DataError(document.name, words)
        else:
            yield from _csv_records(document.name, text)


def mentions(document: Document, texts: tuple[bytes, ...]) -> bool:
    """Whether one of some texts stands near the beginning of a file: cheaper than to cut its first record."""
    head = document.head()
    return any(text in head for text in texts)


def _integer(digits: str) -> int | float:
    """An integer; one that no machine counts to is a number too large."""
    return int(digits) if len(digits) <= 300 else float(digits)


_SPACE = re.compile(r"[ \t\n\r]*")


class _Json:
    """A window on JSON text that grows until an element fits into it."""

    def __init__(self, name: str, text: TextIO):
        self.name, self._text = name, text
        self.buffer, self.at = text.read(_CHUNK), 0
        self.index = 0
        self._twice: list[str] = []  # names that an object gives more than once, which Python would take
        self._decoders = [json.JSONDecoder(object_pairs_hook=self._once, parse_int=read) for read in (None, _integer)]

    def _once(self, pairs: list[tuple[str, Any]]) -> dict:
        result = dict(pairs)
        if len(result) != len(pairs):
            names = [name for name, _ in pairs]
            self._twice.append(next(name for name in names if names.count(name) > 1))
        return result

    def _grow(self) -> bool:
        more = self._text.read(max(_CHUNK, len(self.buffer) - self.at))
        self.buffer, self.at = self.buffer[self.at :] + more, 0
        return bool(more)

    def next_character(self) -> str:
        """The next character that is no space, '' at the end."""
        while True:
            self.at = _SPACE.match(self.buffer, self.at).end()
            if self.at < len(self.buffer):
                return self.buffer[self.at]
            if not self._grow():
                return ""

    def element(self) -> Any:
        """The next element, or a RowProblem where it is JSON, but not strict JSON."""
        while True:
            try:
                value, end = self._decode()
                complete = end < len(self.buffer) or isinstance(value, dict | list | RowProblem)
                if complete or not self._grow():
                    self.at = end
                    return value
            except json.JSONDecodeError as error:
                # An error well before the end of the window is an error; at its end the element may go on.
                is_open = error.msg.startswith("Unterminated") or error.pos > len(self.buffer) - 64
                if len(self.buffer) - self.at > LARGEST_ELEMENT:
                    raise self.error(f"is longer than {LARGEST_ELEMENT >> 20} MB") from None
                if not is_open or not self._grow():
                    raise self.error(f"is not complete JSON: {error.msg}") from None
            except RecursionError:
                raise self.error("is nested too deeply") from None

    def _decode(self) -> tuple[Any, int]:
        self._twice.clear()
        quick, for_long_integers = self._decoders
        try:
            value, end = quick.raw_decode(self.buffer, self.at)
        except json.JSONDecodeError:
            raise
        except ValueError:  # an integer of more digits than Python reads
            value, end = for_long_integers.raw_decode(self.buffer, self.at)
        return RowProblem(self._twice[0], "is given twice") if self._twice else _too_much(value) or value, end

    def skip_line(self) -> bool:
        """Pass over the rest of a line; whether another record or the end of the file follows."""
        while (end := self.buffer.find("\n", self.at)) < 0 and self._grow():
            if len(self.buffer) - self.at > LARGEST_ELEMENT:
                return False
        self.at = end + 1 or len(self.buffer)
        return self.next_character() in ("", "{")

    def error(self, reason: str) -> DataError:
        return DataError(self.name, f"element {self.index} {reason}")


def _json_records(name: str, text: TextIO) -> Iterator[tuple[int, Any]]:
    source = _Json(name, text)
    is_array = source.next_character() == "["
    source.at += is_array
    if is_array and source.next_character() == "]":
        raise DataError(name, "is an empty array")
    while True:
        if source.next_character() == "":
            raise source.error("is missing: the file breaks off")
        try:
            found = source.element()
        except DataError:
            # A tool that was killed while it appended its result leaves half a line: JSON Lines lose that line only.
            if is_array or source.index == 0 or not source.skip_line():
                raise
            found = RowProblem(None, "is a line of incomplete JSON")
        yield source.index, found
        source.index += 1
        after = source.next_character()
        if not is_array:
            if after == "":
                return
            continue
        source.at += 1
        if after == "]":
            if source.next_character():
                raise DataError(name, "goes on after the end of its array")
            return
        if after != ",":
            where = f"after element {source.index - 1}"
            raise DataError(name, f"is not complete JSON: '{after}' {where}" if after else f"breaks off {where}")


_PLAIN = frozenset({int, float, bool, type(None)})


def _too_much(value: Any) -> RowProblem | None:
    """What makes an element too big to handle: a text too long, or a nesting too deep."""
    waiting = [(None, value, 1)]
    while waiting:
        name, value, depth = waiting.pop()
        if isinstance(value, str):
            if len(value) > LONGEST_TEXT:
                return RowProblem(name, f"is a text of more than {LONGEST_TEXT >> 20} MB")
        elif isinstance(value, dict | list):
            if depth > DEEPEST:
                return RowProblem(name, f"is nested deeper than {DEEPEST} levels")
            # A trace has a list of numbers for each request: those are passed over as a whole.
            inside = value.values() if isinstance(value, dict) else value
            if not _PLAIN.issuperset(map(type, inside)):
                items = value.items() if isinstance(value, dict) else ((name, inner) for inner in value)
                waiting += [
                    (key, inner, depth + 1)
                    for key, inner in items
                    if type(inner) not in _PLAIN and (type(inner) is not str or len(inner) > LONGEST_TEXT)
                ]
    return None


def _report(name: str, text: TextIO) -> Any:
    """The content of a report in YAML. Raises DataError."""
    found = text.read(LARGEST_YAML + 1)
    if len(found) > LARGEST_YAML:
        raise DataError(name, f"is YAML of more than {LARGEST_YAML >> 20} MB")
    try:
        return strict_yaml.load(found)
    except strict_yaml.NotUsable as error:
        raise DataError(name, str(error), row=error.line) from error


def _foreign_text(head: bytes) -> str | None:
    """What a text is that is neither JSON nor CSV, and the way to JSON, where its kind is known."""
    start = head[: 64 << 10].decode("utf-16" if head.startswith(_WIDE) else "utf-8", "replace")
    found = (words for pattern, words in formats.TEXTS if re.search(pattern, start, re.IGNORECASE | re.MULTILINE))
    return next(found, None)


_SEPARATORS = {";": "semicolons", "\t": "tabs", "|": "vertical lines"}


def _lines(name: str, text: TextIO) -> Iterator[str]:
    while line := text.readline(LARGEST_ELEMENT + 1):
        if len(line) > LARGEST_ELEMENT:
            raise DataError(name, f"has a line longer than {LARGEST_ELEMENT >> 20} MB")
        yield line


def _csv_records(name: str, text: TextIO) -> Iterator[tuple[int, Any]]:
    lines = _lines(name, text)
    # Licence and warning lines of an export stand before the header.
    header_line = next((line for line in lines if not line.startswith("#") and line.strip()), None)
    if header_line is None or "," not in header_line:
        for separator, words in _SEPARATORS.items():
            if separator in (header_line or ""):
                reason = f"is a table separated by {words}; save it with commas, and decimal points in its numbers"
                raise DataError(name, reason)
        raise DataError(name, "is neither JSON nor CSV")
    reader = csv.reader(itertools.chain([header_line], lines), strict=True, skipinitialspace=True)
    index = 0
    try:
        header = [cell.strip() for cell in next(reader)]
        # An export may show a column a second time, as the axis of its chart. It must say the same.
        again = [(i, header.index(column)) for i, column in enumerate(header) if header.index(column) < i]
        for cells in reader:
            if not cells:
                continue
            if len(cells) != len(header):
                yield index, RowProblem(None, f"has {len(cells)} cells, but there are {len(header)} columns")
            elif differing := next((i for i, first in again if cells[i] != cells[first]), None):
                yield index, RowProblem(header[differing], "is there twice, with different values")
            else:
                yield index, dict(zip(header, cells, strict=True))
            index += 1
    except csv.Error as error:
        raise DataError(name, f"is not well-formed CSV after row {index}: {error}") from error
    if index == 0:
        raise DataError(name, "has a header, but no rows")
