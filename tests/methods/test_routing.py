from dataclasses import replace

import numpy as np
import pytest

from tokenfactory.errors import ParameterError
from tokenfactory.methods import cache, routing

PACE = {"s_per_fresh_tok": 1e-4, "s_per_output_tok": 1e-3}


@pytest.fixture(scope="module")
def trace():
    """Ninety conversations that share their first block and grow by two blocks a turn, one request after the other."""
    random = np.random.default_rng(0)
    context, requests, sessions, fresh = {}, [], [], 1
    for _ in range(900):
        session = int(random.integers(90))
        context[session] = [*context.get(session, [0]), fresh, fresh + 1]
        fresh += 2
        requests.append(context[session])
        sessions.append(session)
    lengths = np.array([len(blocks) for blocks in requests])
    return cache.Trace(
        time_s=np.arange(900) * 0.05, session=np.array(sessions), start=np.concatenate([[0], np.cumsum(lengths)]),
        block=np.concatenate(requests), block_tok=16, input_tok=16 * lengths, output_tok=np.full(900, 20),
    )  # fmt: skip


@pytest.mark.parametrize("policy", routing.POLICIES)
@pytest.mark.parametrize("capacity", [20, 200, float("inf")])
def test_one_replica_is_no_routing(trace, policy, capacity):
    found = routing.route(trace, policy=policy, num_replicas=1, capacity_blocks=capacity, **PACE)
    alone = cache.curve(cache.of_trace(trace))
    assert found.hit_blocks.sum() == alone.hits[int(min(capacity, alone.hits.size - 1))]
    assert found.imbalance == 1


@pytest.mark.parametrize("num_replicas", [2, 5, 16])
def test_prefix_aware_without_limit_reaches_the_bound(trace, num_replicas):
    bound = cache.curve(cache.of_trace(trace)).bound_frac
    shares = {
        policy: routing.route(trace, policy=policy, num_replicas=num_replicas, **PACE).hit_frac
        for policy in routing.POLICIES
    }
    assert shares.pop("prefix_aware") == bound
    assert max(shares.values()) <= bound
    assert shares["session_sticky"] > shares["round_robin"]


def test_what_all_share_draws_all_to_one_replica(trace):
    """The known trap: with a system prompt in every request the longest prefix alone is no balance."""
    busy = replace(trace, time_s=trace.time_s / 5)
    piled, weighed = (
        routing.route(busy, policy=policy, num_replicas=4, **PACE) for policy in ("prefix_aware", "prefix_and_load")
    )
    assert piled.imbalance == 4
    assert weighed.imbalance < 1.5


def test_requests_go_where_the_policy_says(trace):
    def chosen(policy):
        return routing.route(trace, policy=policy, num_replicas=3, **PACE).replica

    assert chosen("round_robin").tolist() == [i % 3 for i in range(900)]
    sticky = chosen("session_sticky")
    assert all(len(set(sticky[trace.session == s])) == 1 for s in np.unique(trace.session))
    assert len(set(sticky)) == 3
    assert chosen("least_loaded")[:3].tolist() == [0, 1, 2]


def test_work_is_what_was_not_hit(trace):
    found = routing.route(trace, policy="session_sticky", num_replicas=3, **PACE)
    fresh = trace.input_tok - 16 * found.hit_blocks
    assert found.fresh_tok.tolist() == fresh.tolist()
    assert found.work_s.sum() == pytest.approx(1e-4 * fresh.sum() + 1e-3 * trace.output_tok.sum())


def by_hand(*requests, gap_s=0.6):
    """A trace of requests, each a session of its own, by their blocks of 10 tokens."""
    sizes = np.array([len(blocks) for blocks in requests])
    return cache.Trace(
        time_s=np.arange(len(requests)) * gap_s, session=np.arange(len(requests)), block=np.concatenate(requests),
        start=np.concatenate([[0], np.cumsum(sizes)]), block_tok=10, input_tok=10 * sizes,
        output_tok=np.zeros(len(sizes)),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("policy", "requests", "replicas", "hits"),
    [
        # what is hit is hit from the first block on, and a whole request may be
        ("round_robin", [[1, 2, 3], [1], [9, 2, 3], [1], [1, 2, 3]], [0, 1, 0, 1, 0], [0, 0, 0, 1, 3]),
        ("prefix_aware", [[1, 2], [3, 4], [3, 4], [1, 2], [3, 4]], [0, 1, 1, 0, 1], [0, 0, 2, 2, 2]),
        # 0.1 s a block: after 0.3 s of work for the first both are idle; a hit spares more than a later start costs
        ("prefix_and_load", [[1, 2, 3], [1, 2, 3], [5], [1, 2, 3]], [0, 0, 1, 0], [0, 3, 0, 3]),
    ],
)
def test_by_hand_every_request_goes_where_the_policy_says_and_hits_its_prefix(policy, requests, replicas, hits):
    trace = by_hand(*requests)
    found = routing.route(trace, policy=policy, num_replicas=2, s_per_fresh_tok=0.01, s_per_output_tok=1.0)
    assert (found.replica.tolist(), found.hit_blocks.tolist()) == (replicas, hits)
    assert found.fresh_tok.tolist() == [10 * (len(r) - h) for r, h in zip(requests, hits, strict=True)]


def test_a_cache_holds_as_many_blocks_as_it_has_room_for():
    trace = by_hand([1, 2], [1, 2], [3], [1, 2])
    found = routing.route(trace, policy="round_robin", num_replicas=1, capacity_blocks=2, **PACE)
    assert found.hit_blocks.tolist() == [0, 2, 0, 0], "3 drives out 1, which drives out 2"


def test_bad_input(trace):
    for policy, num_replicas in (("random", 2), ("round_robin", 0)):
        with pytest.raises(
            ParameterError, match="one of round_robin, least_loaded, session_sticky, prefix_aware, prefix_and_load, not"
        ):
            routing.route(trace, policy=policy, num_replicas=num_replicas, **PACE)
