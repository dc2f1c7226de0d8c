"""The hits of one cache from shards of a trace that share no block: exactly those of the whole trace in one pass.

A request is one moment. Between two uses of a block, a request of another shard lies either whole or not at all, so
how many blocks of other shards come in between follows from the two requests alone. Each shard tells of its blocks in
which request they are asked for and in which they were before; a few rows for each request. From those of all shards
follows what stands between any two requests, and with that each shard knows its distances.
"""

from collections.abc import Callable, Sequence

import numpy as np

from tokenfactory.methods import cache
from tokenfactory.methods.cache import NEVER, Curve, Trace


def curve(shards: Sequence, orders: Sequence[np.ndarray], *, run: Callable[..., list]) -> Curve:
    """The hits of the whole trace at every capacity.

    Parameters
    ----------
    shards : each shard, or what stands for it where `run` calls a function
    orders : of each shard the place of its requests among those of all
    run : calls a function on each shard with the further arguments of each, and returns what it returned

    Raises
    ------
    ParameterError : a shard has too many blocks for one pass
    """
    used = run(uses, shards, orders)
    everything = np.concatenate(used, axis=1)
    others = [between(everything, own) - between(own, own) for own in used]
    counted = run(hits, shards, orders, others)
    at, times = np.concatenate(counted, axis=1)
    found = np.bincount(at, weights=times, minlength=1).astype(np.int64)  # exact up to 2^53
    return Curve(np.cumsum(found), sum(int(own[2].sum()) for own in used))


def uses(trace: Trace, order: np.ndarray) -> np.ndarray:
    """In which request the blocks of a shard are asked for, in which they were before, and how many are.

    `order` is the place of each of its requests among those of all shards. Three rows are returned: a request, the
    request of the last use or -1, and the number of such blocks.

    >>> one = np.zeros(2)
    >>> trace = Trace(one, one, np.array([0, 2, 5]), np.array([7, 8, 7, 8, 9]), 16, one, one)
    >>> uses(trace, np.array([0, 4])).tolist()
    [[0, 4, 4], [-1, -1, 0], [2, 1, 2]]
    """
    key, times = np.unique(_pairs(trace, order), return_counts=True)
    return np.array([key >> 32, (key & 0xFFFFFFFF) - 1, times])


def _pairs(trace: Trace, order: np.ndarray) -> np.ndarray:
    """The request of each block and that of its last use, plus one, in one number."""
    before, now = cache.previous(trace.block), order.astype(np.int64)[trace.request]
    return now << 32 | np.where(before >= 0, now[before] + 1, 0)


def between(used: np.ndarray, asked: np.ndarray) -> np.ndarray:
    """How many distinct blocks of `used` are asked for after one request and before another; 0 where there is none.

    Parameters
    ----------
    used : what `uses` returns, of some shards
    asked : the later and the earlier request, in two rows; further rows are not read

    Notes
    -----
    A block counts by its first use after the earlier request, whose own last use lies no later than that. Of those
    before the later request, the ones up to the earlier one are left out again. A request is a sum of powers of two,
    and for each power the uses are sorted within groups of so many requests.

    >>> between(np.array([[0, 1, 2], [-1, 0, -1], [5, 3, 2]]), np.array([[3, 2], [0, 0]])).tolist()
    [5, 3]
    """
    (now, then, times), (later, earlier) = used, asked[:2]
    up_to = np.concatenate([[0], np.cumsum(np.bincount(now, weights=times, minlength=1))]).astype(np.int64)
    found = -up_to[np.minimum(np.maximum(earlier + 1, 0), up_to.size - 1)]
    for bit in range(int(later.max(initial=0)).bit_length()):
        has = later >> bit & 1 == 1
        key = (now >> bit) << 32 | then + 1
        to = np.argsort(key)
        key, sums = key[to], np.concatenate([[0], np.cumsum(times[to])])
        group = ((later[has] >> bit) - 1) << 32
        last, first = (np.searchsorted(key, end, "left") for end in (group + earlier[has] + 2, group))
        found[has] += sums[last] - sums[first]
    return np.where(earlier >= 0, found, 0)


def hits(trace: Trace, order: np.ndarray, others: np.ndarray) -> np.ndarray:
    """From which capacity on the blocks of a shard are hit, and how many are from each, in two rows.

    `others` are the distinct blocks of other shards between the requests of each row of `uses`.
    """
    pair = _pairs(trace, order)
    distance = cache.stack_distances(cache.previous(trace.block))
    far = distance + others[np.searchsorted(np.unique(pair), pair)]
    reached = cache.prefix_distances(np.where(distance < NEVER, far, NEVER), trace.start)
    return np.array(np.unique(reached[reached < NEVER], return_counts=True))
