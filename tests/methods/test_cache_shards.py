"""Shards of a trace give the hits of the whole trace, to the block."""

import numpy as np
import pytest

from tokenfactory.errors import ParameterError
from tokenfactory.methods import cache, cache_shards


def run(function, *columns):
    return [function(*one) for one in zip(*columns, strict=True)]


def trace_of(requests):
    start = np.concatenate([[0], np.cumsum([len(blocks) for blocks in requests])]).astype(np.int64)
    block = np.array([b for blocks in requests for b in blocks], np.int64)
    nothing = np.zeros(len(requests))
    return cache.Trace(nothing, nothing.astype(int), start, block, 16, nothing, nothing)


def interleaved(random, num_shards):
    """Requests of several shards in one order: growing prompts, forks, blocks twice in a request, empty requests."""
    owners, requests = [], []
    for _ in range(random.integers(2, 80)):
        owner = int(random.integers(num_shards))
        mine = [r for o, r in zip(owners, requests, strict=True) if o == owner] or [[]]
        base = mine[random.integers(len(mine))]
        new = 1000 * owner + random.integers(0, 60, random.integers(0, 6))
        owners.append(owner)
        requests.append([*base[: random.integers(len(base) + 1)], *new.tolist()])
    return np.array(owners), requests


@pytest.mark.parametrize("seed", range(100))
def test_equal_to_one_pass_over_the_whole_trace(seed):
    random = np.random.default_rng(seed)
    num_shards = int(random.integers(1, 6))
    owners, requests = interleaved(random, num_shards)
    orders = [np.flatnonzero(owners == i) for i in range(num_shards)]  # some are empty
    shards = [trace_of([requests[i] for i in order]) for order in orders]
    whole = cache.curve(cache.of_trace(trace_of(requests)))
    found = cache_shards.curve(shards, orders, run=run)
    assert found.num_blocks == whole.num_blocks
    assert found.hits.tolist() == whole.hits.tolist()


def test_blocks_between_are_those_of_a_count_by_hand():
    random = np.random.default_rng(1)
    requests = [random.integers(0, 9, random.integers(0, 5)).tolist() for _ in range(40)]
    used = cache_shards.uses(trace_of(requests), np.arange(40))
    asked = np.array([(b, a) for b in range(40) for a in range(b)]).T
    by_hand = [len({x for blocks in requests[a + 1 : b] for x in blocks}) for b, a in asked.T]
    assert cache_shards.between(used, asked).tolist() == by_hand


def test_a_shard_with_too_many_blocks_is_refused(monkeypatch):
    monkeypatch.setattr(cache, "MOST_BLOCKS", 3)
    with pytest.raises(ParameterError, match="sample"):
        cache_shards.curve([trace_of([[1, 2, 3, 4]])], [np.arange(1)], run=run)


def test_after_the_last_use_nothing_is_asked_for():
    # two blocks in request 0, one of them again in request 3
    used = np.array([[0, 3], [-1, 0], [2, 1]])
    assert cache_shards.between(used, np.array([[5, 5, 5, 3], [4, 3, 0, -1]])).tolist() == [0, 0, 1, 0]
