"""How often a prefix cache would have been hit: every capacity at once, from one pass over a trace.

A request brings the blocks of its prompt in order. A block is hit where it and all blocks before it in the request
are in the cache: a cache of keys and values is of use only as a prefix. The cache is LRU over blocks, touched in the
order of the request. LRU is a stack algorithm (Mattson et al., "Evaluation techniques for storage hierarchies", IBM
Systems Journal 9(2), 1970): a block is in a cache of c blocks exactly where its stack distance is at most c. So the
distances give the hit rate of every capacity, and the largest distance so far in the request gives that of a prefix.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from tokenfactory.errors import ParameterError

NEVER = np.int32(2**31 - 1)  # stack distance of what was never there before: no capacity holds it
MOST_BLOCKS = 2**31 - 2  # positions are counted in 32 bits; what is larger is sampled
_PIECE = 1 << 20  # elements worked on at a time, so that intermediate arrays stay in the processor's cache


@dataclass(frozen=True)
class Trace:
    """Requests in the order of time. `block[start[i]:start[i + 1]]` are the blocks of request i, from its first token.

    Parameters
    ----------
    time_s : arrival of each request [s]
    session : number of the conversation of each request
    start : where the blocks of each request begin, and after the last one their number
    block : number of each block; equal numbers are equal content after equal content
    block_tok : tokens of a full block [tok]
    input_tok, output_tok : tokens of each request [tok]
    """

    time_s: np.ndarray
    session: np.ndarray
    start: np.ndarray
    block: np.ndarray
    block_tok: int
    input_tok: np.ndarray
    output_tok: np.ndarray

    @cached_property
    def request(self) -> np.ndarray:
        """The request of each block."""
        return np.repeat(np.arange(self.time_s.size, dtype=np.int32), np.diff(self.start))


def previous(block: np.ndarray) -> np.ndarray:
    """Where each block was met before; -1 where never.

    Raises
    ------
    ParameterError : there are too many blocks for one pass

    >>> previous(np.array([7, 8, 7, 7, 8])).tolist()
    [-1, -1, 0, 2, 1]
    """
    if block.size > MOST_BLOCKS:
        raise ParameterError(f"{block.size:,} blocks are more than one pass can count; take a sample of them")
    if block.size and int(block.max()) >= 2**31:
        block = np.unique(block, return_inverse=True)[1]
    key = block.astype(np.int64)
    key <<= 32
    for a, b in _pieces(0, key.size):
        key[a:b] |= np.arange(a, b)
    key.sort()  # by block, then by position
    before = np.full(key.size, -1, np.int32)
    for a, b in _pieces(1, key.size):
        now, then = key[a:b], key[a - 1 : b - 1]
        same = now >> 32 == then >> 32
        before[now[same] & 0xFFFFFFFF] = then[same] & 0xFFFFFFFF
    return before


def stack_distances(before: np.ndarray) -> np.ndarray:
    """Capacity from which on an LRU cache holds each block when it is asked for, from what `previous` returns [blocks].

    These are the distinct blocks since the last time, this one included; `NEVER` for the first time.

    Notes
    -----
    Between p, the last time, and t, each distinct block has one first touch, whose own last time lies before p. So the
    distance is the number of s < t whose last time is at most p, less the p + 1 of them up to p, plus one. Counting
    earlier and smaller elements takes one stable split for each bit: O(n log n) without a tree.

    >>> stack_distances(previous(np.array([7, 8, 9, 7, 7, 8]))).tolist()[3:]
    [3, 1, 3]
    """
    is_again = before >= 0
    again = np.flatnonzero(is_again)
    was = before[again]
    rank = np.zeros(before.size, np.int32)
    rank[was] = 1
    np.cumsum(rank, out=rank)
    distance = np.full(before.size, NEVER, np.int32)
    if again.size:
        count = _smaller_before(rank[was] - 1)
        del rank
        count -= was
        # Each first touch has no last time, and so one at most p.
        count += np.cumsum(~is_again, dtype=np.int32)[again]
        distance[again] = count
    return distance


def _smaller_before(rank: np.ndarray) -> np.ndarray:
    """For each element of a permutation of 0..n-1, how many smaller ones stand before it.

    From the highest bit down, the elements that agree in all higher bits stand together in their first order. There
    those with the bit set have before them all with the bit unset that the split leaves out of their part.
    """
    value, count = rank.copy(), np.zeros(rank.size, np.int32)
    to_value, to_count = np.empty_like(value), np.empty_like(count)
    for bit in reversed(range(int(rank.size - 1).bit_length())):
        num_low = 0
        for a, b in _pieces(0, rank.size):
            here, place = value[a:b], np.arange(a, b, dtype=np.int32)
            is_low = (here >> bit) & 1 == 0
            low = np.cumsum(is_low, dtype=np.int32)
            first = place >> (bit + 1) << bit  # unset bits in all groups before, half of their elements
            behind = low - is_low + num_low - first  # unset bits before it in its group
            to = np.where(is_low, 2 * first + behind, place + (1 << bit) - behind)
            to_value[to] = here
            to_count[to] = count[a:b] + np.where(is_low, 0, behind)
            num_low += int(low[-1])
        value, to_value, count, to_count = to_value, value, to_count, count
    return count[rank]


def prefix_distances(distance: np.ndarray, start: np.ndarray) -> np.ndarray:
    """Capacity from which on each block and all before it in its request are there: the running maximum [blocks].

    `start` is as in `Trace`.

    >>> prefix_distances(np.array([2, 5, 3, 1], np.int32), np.array([0, 3, 4])).tolist()
    [2, 5, 5, 1]
    """
    reached, first = np.empty_like(distance), 0
    while first < start.size - 1:  # some whole requests at a time
        last = max(first + 1, int(np.searchsorted(start, start[first] + _PIECE, side="right")) - 1)
        a, b = start[first], start[last]
        key = np.repeat(np.arange(last - first) << 32, np.diff(start[first : last + 1])) + distance[a:b]
        reached[a:b] = np.maximum.accumulate(key) & 0xFFFFFFFF
        first = last
    return reached


@dataclass(frozen=True)
class Curve:
    """Hits of a prefix cache at every capacity. `hits[c]` is their number with room for c blocks."""

    ways = ("measured",)  # how it is known: counted in recorded requests
    hits: np.ndarray
    num_blocks: int

    @property
    def bound_frac(self) -> float:
        """Share of the blocks that a cache without limit hits; NaN for a trace without blocks."""
        return float(self.hits[-1] / self.num_blocks) if self.num_blocks else float("nan")

    def hit_frac(self, capacity_blocks):
        """Share of the blocks that are hit with room for so many; capacities may be an array."""
        at = np.clip(capacity_blocks, 0, self.hits.size - 1).astype(np.int64)
        return self.hits[at] / self.num_blocks

    def capacity_for(self, frac_of_bound: float) -> int:
        """The smallest capacity with so large a share of all hits that are possible [blocks]."""
        return int(np.searchsorted(self.hits, frac_of_bound * self.hits[-1]))


def curve(reached: np.ndarray, num_blocks: int | None = None) -> Curve:
    """The hits at every capacity, from what `prefix_distances` returns; by default of all blocks that were asked for.

    >>> curve(np.array([2, 5, 5, NEVER])).hit_frac([1, 2, 4, 5]).tolist()
    [0.0, 0.25, 0.25, 0.75]
    """
    hits = np.bincount(reached[reached < NEVER], minlength=1)
    return Curve(np.cumsum(hits, out=hits), reached.size if num_blocks is None else num_blocks)


def of_trace(trace: Trace) -> np.ndarray:
    """`prefix_distances` of a trace: the capacity from which on each of its blocks is hit [blocks]."""
    return prefix_distances(stack_distances(previous(trace.block)), trace.start)


@dataclass(frozen=True)
class Sampled:
    """Hit shares from a sample of the blocks, with their standard error."""

    parts: Sequence[Curve]  # of the distances of all sampled blocks, parted by hash
    num_blocks: int
    frac: float

    def _misses(self, capacity_blocks):
        """Misses of each part, where the distance of a block shrinks with the share of blocks that are sampled."""
        at = np.asarray(capacity_blocks) * self.frac
        return np.array([part.num_blocks - part.hits[np.clip(at, 0, part.hits.size - 1).astype(int)]
                         for part in self.parts])  # fmt: skip

    def hit_frac(self, capacity_blocks):
        """Estimated share of the blocks that are hit with room for so many."""
        return 1 - self._misses(capacity_blocks).sum(axis=0) / (self.num_blocks * self.frac)

    def error_frac(self, capacity_blocks):
        """Standard error of `hit_frac`; none where all is sampled.

        Of how many misses fell into the sample, from how much its parts differ; and of how many of the blocks between
        two uses did, which moves the capacity that the sample stands for by its own standard error.
        """
        room = np.asarray(capacity_blocks, float)
        spread = len(self.parts) * self._misses(room).var(axis=0, ddof=1) * (1 - self.frac)
        off = np.sqrt(room * (1 - self.frac) / self.frac)
        moved = (self.hit_frac(room + off) - self.hit_frac(room - off)) / 2
        return np.sqrt(spread / (self.num_blocks * self.frac) ** 2 + moved**2)


def is_sampled(block: np.ndarray, frac: float) -> np.ndarray:
    """Whether a block belongs to the sample: by its number alone, so that all its requests do or none."""
    return _hash(block) < np.uint64(min(frac * 2**64, 2**64 - 1))


def sample(block: np.ndarray, start: np.ndarray, *, frac: float, num_blocks: int | None = None) -> Sampled:
    """Hit shares of a trace of which only a share `frac` of the distinct blocks is looked at.

    Blocks outside the sample may already have been left out of `block` and `start`; `num_blocks` counts all.

    Notes
    -----
    Spatial sampling by hash, after Waldspurger et al., "Efficient MRC construction with SHARDS", USENIX FAST 2015.
    Misses are scaled up, not hits: one block that everybody asks for has nearly no misses, and so cannot tilt the
    estimate by being in the sample or not, which is what their adjustment repairs. The error is that of sixteen parts.
    """
    if not 0 < frac <= 1:
        raise ParameterError(f"a sample of {frac:g} is not a share above 0 and at most 1")
    keeps = is_sampled(block, frac)
    kept = block[keeps]
    begins = np.concatenate([[0], np.cumsum(keeps)])[start]
    reached = prefix_distances(stack_distances(previous(kept)), begins)
    part = (_hash(kept ^ np.int64(0x5BD1E995)) >> np.uint64(60)).astype(int)
    parts = [curve(reached[part == i]) for i in range(16)]
    return Sampled(parts, block.size if num_blocks is None else num_blocks, frac)


def _hash(block: np.ndarray) -> np.ndarray:
    """The mixer of SplitMix64: every bit of the number decides over every bit of the result."""
    x = np.asarray(block).astype(np.uint64) + np.uint64(0x9E3779B97F4A7C15)
    x = (x ^ (x >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    x = (x ^ (x >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return x ^ (x >> np.uint64(31))


def hit_frac_by(group: np.ndarray, reached: np.ndarray, capacity_blocks: int) -> np.ndarray:
    """Share of the blocks of each group, such as an hour or a session, that are hit; NaN for a group without blocks.

    >>> hit_frac_by(np.array([0, 0, 2]), np.array([1, 9, 1]), capacity_blocks=3).tolist()
    [0.5, nan, 1.0]
    """
    asked = np.bincount(group)
    hits = np.bincount(group, weights=reached <= min(capacity_blocks, NEVER - 1), minlength=asked.size)
    return np.divide(hits, asked, out=np.full(asked.size, np.nan), where=asked > 0)


def is_of_own_session(trace: Trace) -> np.ndarray:
    """Whether each block was last asked for by its own session; False for the first time."""
    before, session = previous(trace.block), trace.session[trace.request]
    return (before >= 0) & (session[before] == session)


def _pieces(begin: int, end: int) -> Iterable[tuple[int, int]]:
    return ((a, min(a + _PIECE, end)) for a in range(begin, end, _PIECE))


def sessions(start: np.ndarray, block: np.ndarray) -> np.ndarray:
    """Conversations of a trace that does not name them: by the first block that not every request begins with.

    They are numbered in the order in which they begin; `start` and `block` are as in `Trace`.

    >>> sessions(np.array([0, 2, 4, 7]), np.array([0, 1, 0, 2, 0, 1, 3])).tolist()
    [0, 1, 0]
    """
    lengths = np.diff(start)
    depth, shortest = 0, int(lengths.min()) if lengths.size else 0
    while depth < shortest and np.unique(block[start[:-1] + depth]).size == 1:
        depth += 1
    named = np.minimum(start[:-1] + depth, start[1:] - 1)  # one without such a block is known by its last one
    _, first, number = np.unique(block[named], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number]


def expand(
    *, time_s: np.ndarray, input_tok: np.ndarray, output_tok: np.ndarray, prefix_of: np.ndarray,
    prefix_blocks: np.ndarray, block_tok: int,
) -> Trace:  # fmt: skip
    """A trace from which earlier request each one continues, and for how many blocks; all further blocks are new.

    Parameters
    ----------
    prefix_of : number of an earlier request with the same first blocks; -1 for none
    prefix_blocks : how many blocks are the same

    >>> one = np.array([40, 60, 60])
    >>> trace = expand(time_s=one, input_tok=one, output_tok=one, prefix_of=np.array([-1, 0, 0]),
    ...                prefix_blocks=np.array([0, 1, 2]), block_tok=20)
    >>> trace.block.tolist(), trace.session.tolist()
    ([0, 1, 0, 2, 3, 0, 1, 4], [0, 1, 0])
    """
    lengths = -(-input_tok // block_tok)
    start = np.concatenate([[0], np.cumsum(lengths)])
    block, fresh = np.empty(start[-1], np.int64), 0
    for i, (a, b, earlier, same) in enumerate(zip(start[:-1], start[1:], prefix_of, prefix_blocks, strict=True)):
        if not 0 <= same <= min(lengths[i], lengths[earlier] if 0 <= earlier < i else 0):
            raise ParameterError(f"request {i} cannot share {same} blocks with request {earlier}")
        block[a : a + same] = block[start[earlier] : start[earlier] + same]
        block[a + same : b] = np.arange(fresh, fresh + lengths[i] - same)
        fresh += lengths[i] - same
    return Trace(time_s, sessions(start, block), start, block, block_tok, input_tok, output_tok)


def compact(trace: Trace) -> tuple[np.ndarray, np.ndarray]:
    """`prefix_of` and `prefix_blocks` of a trace, from which `expand` makes it again but for the numbers of blocks.

    >>> one = np.array([40, 60, 60])
    >>> trace = Trace(one, one, np.array([0, 2, 5, 8]), np.array([5, 8, 5, 9, 3, 5, 8, 4]), 20, one, one)
    >>> [part.tolist() for part in compact(trace)]
    [[-1, 0, 0], [0, 1, 2]]
    """
    before = previous(trace.block)
    is_new = np.concatenate([before < 0, [True]])
    # Blocks up to the first new one; a request without a new one is known by its whole length.
    new = np.flatnonzero(is_new)
    same = np.minimum(new[np.searchsorted(new, trace.start[:-1])], trace.start[1:]) - trace.start[:-1]
    earlier = np.full(same.size, -1)
    earlier[same > 0] = trace.request[before[(trace.start[:-1] + same - 1)[same > 0]]]
    return earlier, same
