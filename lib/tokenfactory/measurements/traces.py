"""Traces of requests with the blocks of their prompts, from files of three formats.

* **Mooncake** (JSON Lines, a request a line): `timestamp` [ms], `input_length`, `output_length`, `hash_ids`; blocks of
  512 tokens. https://github.com/kvcache-ai/Mooncake, FAST25-release.
* **Agent traces of InferenceX** (JSON Lines, a conversation a line): `block_size`, `hash_id_scope`, `requests` with
  `t` [s], `in`, `out`, `hash_ids`, and sub-agents with requests of their own. Times are those of the conversation, so
  all of them are taken to begin together. https://huggingface.co/datasets/semianalysisai/cc-traces-weka-062126
* **CSV**: `time_s`, `session`, `blocks` (apart by spaces, of any characters else), and if known `input_tok` and
  `output_tok`.

Equal blocks must stand after equal blocks: a hit is one of a whole prefix. InferenceX numbers blocks by what is in them
alone, so that is not asked of its traces.
"""

from __future__ import annotations

import csv
import json
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np

from tokenfactory.errors import DataError
from tokenfactory.methods import cache
from tokenfactory.methods.cache import Trace

MOONCAKE_BLOCK_TOK = 512
NO_BLOCK = "holds no block: a trace needs at least one request with one"
OF_REQUEST = ("time_s", "session", "input_tok", "output_tok")  # columns of a trace with a number for each request
WHOLE = (0, 1)  # the only shard of one
MOST_BLOCKS = 150_000_000  # with which the distances take about 5 GB of memory


@dataclass
class _Request:
    row: int
    time_s: float
    session: object
    blocks: list
    input_tok: int | None = None
    output_tok: int = 0


@dataclass(frozen=True)
class Read:
    """A trace and how it was read. Of a sample `trace` holds the sampled blocks, `num_blocks` counts all.

    `row` is the line of the file that each request stands on.
    """

    trace: Trace
    num_blocks: int
    format: str
    row: np.ndarray
    sample_frac: float = 1.0
    notes: list[str] = field(default_factory=list)


def read(
    path: Path | str, *, block_tok: int | None = None, sample_frac: float = 1.0, shard: tuple[int, int] = WHOLE
) -> Read:
    """Read a trace of any of the formats.

    Parameters
    ----------
    path : the file
    block_tok : tokens of a block, which a CSV does not tell [tok]
    sample_frac : share of the distinct blocks to keep, for traces that no memory holds [0..1]
    shard : number and count of the shards of which to read one, which may be empty; no two of them share a block.
        Requests with the same first block are in one, and a conversation of InferenceX whose blocks are its own.

    Raises
    ------
    DataError : the file is no such trace, or contradicts itself; names row and field
    """
    path = Path(path)
    try:
        with path.open(encoding="utf-8-sig", newline="") as lines:
            return _read(path, lines, block_tok, sample_frac, shard)
    except OSError as error:
        raise DataError(path.name, f"cannot be read: {error.strerror}") from error
    except UnicodeDecodeError as error:
        raise DataError(path.name, "is not UTF-8 text") from error


def without_blocks(one: Read) -> Read:
    """What is known of the requests alone."""
    nothing = np.zeros(0, np.int64)
    return replace(one, trace=replace(one.trace, start=nothing, block=nothing))


def joined(path: Path | str, shards: Sequence[Read]) -> tuple[Read, list[np.ndarray]]:
    """The requests of all shards in the order of time, and of each shard the places of its requests among them.

    Raises
    ------
    DataError : no shard holds a block
    """
    if not (num_blocks := sum(one.num_blocks for one in shards)):
        raise DataError(Path(path).name, NO_BLOCK)
    row = np.concatenate([one.row for one in shards])
    columns = {name: np.concatenate([getattr(one.trace, name) for one in shards]) for name in OF_REQUEST}
    order = np.lexsort((row, columns["time_s"]))
    place = np.empty_like(order)
    place[order] = np.arange(order.size)
    trace = replace(shards[0].trace, **{name: column[order] for name, column in columns.items()})
    ends = np.cumsum([one.row.size for one in shards])[:-1]
    return replace(shards[0], trace=trace, num_blocks=num_blocks, row=row[order]), np.split(place, ends)


def _read(path: Path, lines, block_tok: int | None, sample_frac: float, shard: tuple[int, int]) -> Read:
    first = lines.readline()
    lines.seek(0)
    if not first.strip():
        raise DataError(path.name, "is empty: a trace needs at least one request")
    notes = []
    if first.lstrip().startswith("{"):
        known = _record(path, 1, first)
        if "requests" in known:
            name, block_tok = "InferenceX agent traces", _whole(path, 1, "block_size", known.get("block_size"), least=1)
            requests = sorted(_conversations(path, lines, shard), key=lambda request: request.time_s)
            notes.append("Conversations carry no common clock; all are taken to begin together.")
        else:
            name, block_tok, requests = "Mooncake", block_tok or MOONCAKE_BLOCK_TOK, _mooncake(path, lines)
    else:
        if block_tok is None:
            raise DataError(path.name, "does not say how many tokens a block has; give it (--block-tokens)")
        name, requests = "CSV", _table(path, lines)
    trace, num_blocks, rows = _gathered(path, requests, block_tok, sample_frac, shard)
    if name != "InferenceX agent traces" and sample_frac == 1:
        _refuse_what_is_no_prefix(path, trace, rows)
    if name == "Mooncake" and shard != WHOLE:
        notes.append("Conversations are told apart by their first block.")
    elif name == "Mooncake" and sample_frac == 1:
        trace = replace(trace, session=cache.sessions(trace.start, trace.block))
        notes.append("Conversations are told apart by the first block that not all requests share.")
    return Read(trace, num_blocks, name, np.array(rows, np.int64), sample_frac, notes)


def _record(path: Path, row: int, line: str) -> dict:
    try:
        record = json.loads(line)
    except (ValueError, RecursionError) as error:
        raise DataError(path.name, "is not JSON", row=row) from error
    if not isinstance(record, dict):
        raise DataError(path.name, "is not a JSON object", row=row)
    return record


def _number(path: Path, row: int, name: str, value) -> float:
    """A finite number that is not negative, which JSON has as such and a CSV as text."""
    try:
        number = float(value) if isinstance(value, int | float | str) and not isinstance(value, bool) else math.nan
    except (ValueError, OverflowError):
        number = math.nan
    if not 0 <= number < math.inf:
        raise DataError(path.name, f"{str(value)[:40]!r} is not a number from 0 on", row=row, field=name)
    return number


def _whole(path: Path, row: int, name: str, value, least: int = 0) -> int:
    number = _number(path, row, name, value)
    if number != int(number) or number < least or number > 2**53:
        raise DataError(path.name, f"{str(value)[:40]!r} is not a whole number from {least} on", row=row, field=name)
    return int(number)


def _ids(path: Path, row: int, value) -> list[int]:
    if not isinstance(value, list) or not all(type(one) is int and -(2**63) <= one < 2**64 for one in value):
        raise DataError(path.name, "is not a list of whole numbers", row=row, field="hash_ids")
    return value


def _mooncake(path: Path, lines) -> Iterator[_Request]:
    for row, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        one = _record(path, row, line)
        at = _number(path, row, "timestamp", one.get("timestamp")) / 1000
        given, made = (_whole(path, row, name, one.get(name)) for name in ("input_length", "output_length"))
        yield _Request(row, at, 0, _ids(path, row, one.get("hash_ids")), given, made)


def _conversations(path: Path, lines, shard: tuple[int, int]) -> Iterator[_Request]:
    block_tok = None
    for row, line in enumerate(lines, start=1):
        if not line.strip() or row % shard[1] != shard[0]:
            continue
        one = _record(path, row, line)
        size, scope = one.get("block_size"), one.get("hash_id_scope", "local")
        block_tok = block_tok or size
        if size != block_tok:
            raise DataError(path.name, f"{size} follows {block_tok}; a trace has one", row=row, field="block_size")
        if scope not in ("local", "global"):
            raise DataError(path.name, f"{scope!r} is neither local nor global", row=row, field="hash_id_scope")
        if scope == "global" and shard != WHOLE:
            told = "'global' lets conversations share blocks anywhere, so it cannot be read in shards; take a sample"
            raise DataError(path.name, told, row=row, field="hash_id_scope")
        yield from _turns(path, row, one.get("requests"), row if scope == "local" else None)


def _turns(path: Path, row: int, requests, scope: int | None) -> Iterator[_Request]:
    """The requests of a conversation and of its sub-agents; the blocks of one that is alone carry its number."""
    if not isinstance(requests, list) or not all(isinstance(one, dict) for one in requests):
        raise DataError(path.name, "is not a list of requests", row=row, field="requests")
    for one in requests:
        if "requests" in one:
            yield from _turns(path, row, one["requests"], scope)
            continue
        ids = _ids(path, row, one.get("hash_ids"))
        given, made = (_whole(path, row, name, one.get(name)) for name in ("in", "out"))
        blocks = ids if scope is None else [(scope, number) for number in ids]
        yield _Request(row, _number(path, row, "t", one.get("t")), row, blocks, given, made)


def _table(path: Path, lines) -> Iterator[_Request]:
    reader = csv.DictReader(lines, strict=True)
    for name in ("time_s", "session", "blocks"):
        if name not in (reader.fieldnames or ()):
            raise DataError(path.name, f"column '{name}' is missing", row=1)
    try:
        for one in reader:
            row = reader.line_num
            if None in one or None in one.values():
                raise DataError(path.name, "has more or fewer cells than there are columns", row=row)
            given = _whole(path, row, "input_tok", one["input_tok"]) if "input_tok" in one else None
            made = _whole(path, row, "output_tok", one["output_tok"]) if "output_tok" in one else 0
            at = _number(path, row, "time_s", one["time_s"])
            yield _Request(row, at, one["session"], one["blocks"].split(), given, made)
    except csv.Error as error:
        raise DataError(path.name, f"is not well-formed CSV: {error}", row=reader.line_num) from error


def _gathered(
    path: Path, requests, block_tok: int, sample_frac: float, shard: tuple[int, int]
) -> tuple[Trace, int, list[int]]:
    """The arrays of a trace, the number of blocks before sampling, and the row of each request."""
    names: dict = {}
    sessions: dict = {}
    columns, parts, lengths, num_blocks, last_s = [], [], [], 0, 0.0
    for one in requests:
        if one.time_s < last_s:
            told = f"time goes back from {last_s:g} to {one.time_s:g} s"
            raise DataError(path.name, f"{told}; sort the requests by time", row=one.row)
        last_s, first = one.time_s, one.blocks[0] if one.blocks else 0
        if not isinstance(first, tuple) and _of_name(first) % shard[1] != shard[0]:
            continue
        num_blocks += len(one.blocks)
        given = len(one.blocks) * block_tok if one.input_tok is None else one.input_tok
        if len(one.blocks) > -(-given // block_tok):
            told = f"{len(one.blocks)} blocks of {block_tok} tokens are more than an input of {given} tokens has"
            raise DataError(path.name, told, row=one.row)
        if sample_frac == 1:
            numbers = np.fromiter((names.setdefault(b, len(names)) for b in one.blocks), np.int64, len(one.blocks))
        else:
            hashed = np.fromiter((_of_name(b) for b in one.blocks), np.int64, len(one.blocks))
            numbers = hashed[cache.is_sampled(hashed, sample_frac)]
        parts.append(numbers), lengths.append(numbers.size)
        columns.append((one.time_s, _session(one, sessions, shard), given, one.output_tok, one.row))
        if num_blocks * sample_frac > MOST_BLOCKS:
            told = f"has more than {MOST_BLOCKS:,} blocks, for which a laptop's memory is too small; "
            raise DataError(path.name, told + f"take a sample of it, such as a share of {sample_frac / 100:g}")
    if not num_blocks and shard == WHOLE:
        raise DataError(path.name, NO_BLOCK)
    at, session, given, made, rows = zip(*columns, strict=True) if columns else [()] * 5
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    block = np.concatenate([np.zeros(0, np.int64), *parts])
    whole = (np.array(column, np.int64) for column in (given, made))
    trace = Trace(np.array(at, float), np.array(session, np.int64), start, block, block_tok, *whole)
    return trace, num_blocks, list(rows)


def _session(one: _Request, known: dict, shard: tuple[int, int]) -> int:
    """A number for the conversation of a request; in a shard the same as in all others."""
    if shard == WHOLE:
        return known.setdefault(one.session, len(known))
    return _of_name(one.session) if one.session != 0 or not one.blocks else _of_name(one.blocks[0])


def _of_name(block) -> int:
    """A number for a block that is the same in every run, without a list of all of them."""
    if isinstance(block, tuple):
        block = block[0] * 0x9E3779B97F4A7C15 + block[1] * 0xD1B54A32D192ED03
    elif isinstance(block, str):
        block = int.from_bytes(block.encode()[-16:], "big") * 0xD1B54A32D192ED03 + len(block)
    return (block ^ block >> 64) & (2**63 - 1)


def _refuse_what_is_no_prefix(path: Path, trace: Trace, rows: list[int]) -> None:
    before = cache.previous(trace.block)
    again = np.flatnonzero(before >= 0)
    depth = np.arange(trace.block.size) - trace.start[trace.request]
    after = np.where(depth > 0, np.concatenate([[-1], trace.block[:-1]]), -1)
    for what, is_off in (
        ("is block {} of its request here and was block {} in row {}: blocks are out of order", depth),
        (
            "stands after other blocks than in row {2}: equal blocks must follow equal blocks, else they are no prefix",
            after,
        ),
    ):
        off = again[is_off[again] != is_off[before[again]]]
        if off.size:
            at, was = int(off[0]), int(before[off[0]])
            told = what.format(depth[at] + 1, depth[was] + 1, rows[trace.request[was]])
            raise DataError(path.name, f"a block {told}", row=rows[trace.request[at]])
