"""Which replica a request goes to, and what its prefix cache then hits: a trace played over N caches.

Each replica has an LRU cache of its own, as in `methods.cache`, and works off its requests one after the other. That
is far simpler than an engine that batches; it is enough to tell who has less to do, which is all a router asks.
"""

from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from tokenfactory.errors import ParameterError
from tokenfactory.methods.cache import Trace


@dataclass(frozen=True)
class Routed:
    """Where each request went and what it hit, and the work that each replica was left with."""

    replica: np.ndarray
    hit_blocks: np.ndarray
    fresh_tok: np.ndarray  # input tokens of each request that had to be computed
    work_s: np.ndarray  # of each replica
    num_blocks: int

    @property
    def hit_frac(self) -> float:
        """Share of the blocks that were hit."""
        return float(self.hit_blocks.sum() / self.num_blocks)

    @property
    def imbalance(self) -> float:
        """Work of the busiest replica over the mean: a fleet is as large as its busiest part needs it."""
        return float(self.work_s.max() / self.work_s.mean())


class _Replica:
    def __init__(self, capacity_blocks: float):
        self.capacity_blocks, self.cache, self.free_at_s, self.work_s = capacity_blocks, OrderedDict(), 0.0, 0.0

    def matched(self, blocks: Sequence[int]) -> int:
        """Blocks from the first on that are in the cache."""
        return next((i for i, block in enumerate(blocks) if block not in self.cache), len(blocks))

    def serve(self, blocks: Sequence[int]) -> int:
        """Touch the blocks one after the other; returns how many were hit from the first on."""
        cache, hits, is_prefix = self.cache, 0, True
        for block in blocks:
            if block in cache:
                cache.move_to_end(block)
                hits += is_prefix
            else:
                is_prefix = False
                cache[block] = True
                if len(cache) > self.capacity_blocks:
                    cache.popitem(last=False)
        return hits


def _least_loaded(replicas: list[_Replica], **request) -> int:
    return min(range(len(replicas)), key=lambda i: replicas[i].free_at_s)


def _longest_prefix(replicas: list[_Replica], *, blocks, **request) -> int:
    return min(range(len(replicas)), key=lambda i: (-replicas[i].matched(blocks), replicas[i].free_at_s))


def _first_to_answer(replicas: list[_Replica], *, blocks, time_s, s_per_block, **request) -> int:
    def answered_s(i: int) -> float:
        fresh = len(blocks) - replicas[i].matched(blocks)
        return max(replicas[i].free_at_s, time_s) + fresh * s_per_block

    return min(range(len(replicas)), key=lambda i: (answered_s(i), replicas[i].free_at_s))


# What a router can go by: the number of a request, that of its session (`turn`), its blocks and its time. Ties go to
# the replica that is free first, then to the first one.
POLICIES: dict[str, Callable[..., int]] = {
    "round_robin": lambda replicas, *, number, **request: number % len(replicas),
    "least_loaded": _least_loaded,
    "session_sticky": lambda replicas, *, turn, **request: turn % len(replicas),
    "prefix_aware": _longest_prefix,
    "prefix_and_load": _first_to_answer,
}


def route(
    trace: Trace,
    *,
    policy: str,
    num_replicas: int,
    capacity_blocks: float = float("inf"),
    s_per_fresh_tok: float,
    s_per_output_tok: float,
) -> Routed:
    """Play a trace over replicas.

    Parameters
    ----------
    policy : one of `POLICIES`: by turns; to the least work waiting; each session to one replica, sessions by turns; to
        the longest prefix in a cache; or to where prefill of the rest would be done first
    capacity_blocks : room of the cache that each replica has for itself; by default without limit [blocks]
    s_per_fresh_tok, s_per_output_tok : time of a replica for an input token that misses the cache, and for an output
        token [s]

    Raises
    ------
    ParameterError : an unknown policy, or no replica

    >>> sessions, starts = np.array([0, 1, 0]), np.array([0, 2, 4, 7])
    >>> trace = Trace(np.arange(3.0), sessions, starts, np.array([1, 2, 3, 4, 1, 2, 5]), 16, np.full(3, 32), np.ones(3))
    >>> at = dict(num_replicas=2, s_per_fresh_tok=1e-3, s_per_output_tok=1e-2)
    >>> [route(trace, policy=p, **at).hit_blocks.tolist() for p in ("session_sticky", "least_loaded")]
    [[0, 0, 2], [0, 0, 2]]
    """
    if policy not in POLICIES or num_replicas < 1:
        known = ", ".join(POLICIES)
        raise ParameterError(
            f"routing takes at least one replica and one of {known}, not {num_replicas} and {policy!r}"
        )
    choose, replicas = POLICIES[policy], [_Replica(capacity_blocks) for _ in range(num_replicas)]
    turns: dict[int, int] = {}
    blocks, bounds, where, hits, fresh = trace.block.tolist(), trace.start.tolist(), [], [], []
    arrivals = zip(*(column.tolist() for column in (trace.time_s, trace.session, trace.input_tok, trace.output_tok)),
                   strict=True)  # fmt: skip
    for number, (time_s, session, input_tok, output_tok) in enumerate(arrivals):
        asked = blocks[bounds[number] : bounds[number + 1]]
        turn = turns.setdefault(session, len(turns))
        request = {"number": number, "turn": turn, "blocks": asked, "time_s": time_s}
        chosen = choose(replicas, **request, s_per_block=trace.block_tok * s_per_fresh_tok)
        replica = replicas[chosen]
        hit = replica.serve(asked)
        left = max(0, input_tok - hit * trace.block_tok)
        work_s = left * s_per_fresh_tok + output_tok * s_per_output_tok
        replica.work_s += work_s
        replica.free_at_s = max(replica.free_at_s, time_s) + work_s
        where.append(chosen), hits.append(hit), fresh.append(left)
    work = np.array([replica.work_s for replica in replicas])
    return Routed(np.array(where), np.array(hits), np.array(fresh), work, trace.block.size)
