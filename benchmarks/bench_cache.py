"""How fast the hit rate of a prefix cache is known at every capacity, and in how much memory.

    .venv/bin/python benchmarks/bench_cache.py [blocks of the made-up trace]

The published trace of 12,031 requests comes from data/. The made-up one has conversations that grow by eight blocks a
turn from a common start, as many at a time as make a third of its blocks new; by default it has 100 million blocks,
which took 183 s and 3.9 GB on two busy cores. A plain LRU simulation in Python is the yardstick, for one capacity only.
"""

import resource
import sys
import time
from collections import OrderedDict

import numpy as np

from tokenfactory.methods import cache

SHIPPED_BLOCKS = 288_500


def made_up(num_blocks, num_sessions=2000, per_turn=8, most_turns=4):
    """Turns of many conversations in random order; each brings the blocks of the turns before, and a new one's."""
    random = np.random.default_rng(20261128)
    turn = np.zeros(num_sessions, np.int64)
    base = np.zeros(num_sessions, np.int64)
    block = np.empty(num_blocks + 4 * per_turn * most_turns, np.int32)
    start, fresh, filled = [0], 1, 0
    for session in random.integers(0, num_sessions, num_blocks // (per_turn * 2)):
        if turn[session] == most_turns or not base[session]:
            turn[session], base[session], fresh = 0, fresh, fresh + per_turn * most_turns
        turn[session] += 1
        many = per_turn * turn[session]
        block[filled] = 0
        block[filled + 1 : filled + 1 + many] = np.arange(base[session], base[session] + many)
        filled += 1 + int(many)
        start.append(filled)
        if filled >= num_blocks:
            break
    return block[:filled], np.array(start)


def plain_lru(block, capacity):
    held, hits = OrderedDict(), 0
    for one in block.tolist():
        if one in held:
            held.move_to_end(one)
            hits += 1
        else:
            held[one] = True
            if len(held) > capacity:
                held.popitem(last=False)
    return hits


def measured(block, start):
    began = time.perf_counter()
    found = cache.curve(cache.prefix_distances(cache.stack_distances(cache.previous(block)), start))
    return found, time.perf_counter() - began


def main(num_blocks=100_000_000):
    for size in (SHIPPED_BLOCKS, num_blocks):
        block, start = made_up(size)
        found, seconds = measured(block, start)
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
        print(f"{block.size:,} blocks, all capacities: {seconds:.2f} s, peak {peak:.2f} GB, "
              f"bound {found.bound_frac:.1%}")  # fmt: skip
        if size == SHIPPED_BLOCKS:
            began = time.perf_counter()
            plain_lru(block, 10_000)
            print(f"  a plain simulation of one capacity: {time.perf_counter() - began:.2f} s")
            continue
        began = time.perf_counter()
        some = cache.sample(block, start, frac=0.01)
        at = found.hits.size // 4
        print(f"  a sample of 1%: {time.perf_counter() - began:.1f} s, {some.hit_frac(at):.4f} "
              f"+- {some.error_frac(at):.4f} against {found.hit_frac(at):.4f}")  # fmt: skip


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
