import json
from collections import OrderedDict

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenfactory.errors import ParameterError
from tokenfactory.methods import cache


def plain_lru(requests, capacity):
    """Hits of a plain simulation: touch block by block, count from the first block of a request on."""
    held, hits = OrderedDict(), 0
    for blocks in requests:
        is_prefix = True
        for block in blocks:
            if block in held:
                held.move_to_end(block)
                hits += is_prefix
            else:
                is_prefix = False
                held[block] = True
                if len(held) > capacity:
                    held.popitem(last=False)
    return hits


def trace_of(requests):
    lengths = [len(blocks) for blocks in requests]
    block = np.array([b for blocks in requests for b in blocks], np.int64)
    nothing = np.zeros(len(requests))
    start = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    return cache.Trace(nothing, nothing.astype(int), start, block, 512, nothing, nothing)


def random_requests(seed, num_requests=40):
    """Growing conversations and unrelated prompts, some of which fork from a common start."""
    random = np.random.default_rng(seed)
    sessions, fresh, requests = [[]], 0, []
    for _ in range(num_requests):
        base = sessions[random.integers(len(sessions))]
        kept = base[: random.integers(len(base) + 1)] if random.random() < 0.3 else base
        new = random.integers(1, 6)
        requests.append([*kept, *range(fresh, fresh + new)])
        fresh += new
        sessions.append(requests[-1])
    return requests


@pytest.mark.parametrize("seed", range(200))
def test_equal_to_a_plain_simulation(seed):
    requests = random_requests(seed)
    trace = trace_of(requests)
    found = cache.curve(cache.of_trace(trace))
    for capacity in (0, 1, 2, 3, 5, 8, 13, 21, 34, 55, 1000):
        assert found.hits[min(capacity, found.hits.size - 1)] == plain_lru(requests, capacity), capacity


def test_blocks_need_not_be_a_chain():
    """A block may stand after different ones, or twice in a request; then a hit behind a miss is none."""
    random = np.random.default_rng(1)
    for _ in range(50):
        requests = [random.integers(0, 9, random.integers(1, 6)).tolist() for _ in range(30)]
        found = cache.curve(cache.of_trace(trace_of(requests)))
        for capacity in range(1, 12):
            assert found.hits[min(capacity, found.hits.size - 1)] == plain_lru(requests, capacity)


@pytest.fixture(scope="module")
def mooncake(shared):
    lines = (shared / "traces/mooncake-fast25/conversation_trace.jsonl").read_text().splitlines()
    return [json.loads(line)["hash_ids"] for line in lines]


def test_the_published_trace_at_fifty_capacities(mooncake):
    found = cache.curve(cache.of_trace(trace_of(mooncake)))
    for capacity in np.random.default_rng(0).integers(1, 190_000, 50).tolist():
        assert found.hits[min(capacity, found.hits.size - 1)] == plain_lru(mooncake, capacity), capacity


def test_the_known_points_of_the_published_trace(mooncake):
    found = cache.curve(cache.of_trace(trace_of(mooncake)))
    shares = 100 * found.hit_frac(np.array([0.512, 1.536, 5.12, 15.36, 51.2]) * 1e6 / 512)
    assert shares == pytest.approx([4.45, 6.5, 21.1, 32.6, 36.4], abs=0.05)
    assert 100 * found.bound_frac == pytest.approx(36.64, abs=0.005)
    assert 15e6 < 512 * found.capacity_for(0.9) < 17e6


def test_distances_count_what_was_asked_for_in_between():
    block = np.random.default_rng(2).integers(0, 60, 3000)
    distance = cache.stack_distances(cache.previous(block))
    for i in range(0, 3000, 7):
        earlier = np.flatnonzero(block[:i] == block[i])
        assert distance[i] == (len(set(block[earlier[-1] : i])) if earlier.size else cache.NEVER)


def test_numbers_of_blocks_may_be_hashes():
    small = np.random.default_rng(3).integers(0, 50, 500)
    large = small.astype(np.int64) * 2**40 + 17
    assert (cache.previous(small) == cache.previous(large)).all()


@pytest.mark.parametrize("piece", [64, 2])
def test_pieces_do_not_matter(monkeypatch, piece):
    trace = trace_of(random_requests(5, num_requests=300))
    whole = cache.of_trace(trace)
    monkeypatch.setattr(cache, "_PIECE", piece)  # a request may be longer
    assert (cache.of_trace(trace) == whole).all()


def test_positions_and_distances_take_four_bytes_each():
    before = cache.previous(np.array([7, 8, 7]))
    counts = before, cache.stack_distances(before), cache._smaller_before(np.array([1, 0], np.int32))
    assert [count.dtype for count in counts] == [np.int32] * 3


def test_nothing_and_nothing_again():
    empty = cache.curve(cache.of_trace(trace_of([])))
    assert empty.num_blocks == 0 and np.isnan(empty.bound_frac)
    once = cache.curve(cache.of_trace(trace_of([[1, 2], [3]])))
    assert once.bound_frac == 0 and once.hit_frac(10) == 0


def test_too_many_blocks_are_refused_with_the_way_out(monkeypatch):
    monkeypatch.setattr(cache, "MOST_BLOCKS", 3)
    with pytest.raises(ParameterError, match=r"^4 blocks are more than one pass can count; take a sample of them$"):
        cache.previous(np.arange(4))
    assert cache.previous(np.arange(3)).tolist() == [-1, -1, -1]


def test_a_sample_lies_within_its_error():
    """Within three standard errors at each of several capacities, of a trace with one block that everybody asks for."""
    requests = [[0, *(1 + b for b in blocks)] for s in range(30) for blocks in
                [[10_000 * s + b for b in blocks] for blocks in random_requests(s, 60)]]  # fmt: skip
    trace = trace_of(requests)
    exact, capacities = cache.curve(cache.of_trace(trace)), np.array([30, 100, 300, 1000])
    for frac in (0.1, 0.3):
        found = cache.sample(trace.block, trace.start, frac=frac)
        off = np.abs(found.hit_frac(capacities) - exact.hit_frac(capacities))
        assert (off <= 3 * found.error_frac(capacities)).all()
    whole = cache.sample(trace.block, trace.start, frac=1)
    assert whole.hit_frac(capacities) == pytest.approx(exact.hit_frac(capacities), abs=1e-12)
    assert (whole.error_frac(capacities) == 0).all()


@pytest.mark.parametrize("frac", [0, -0.1, 1.5, float("nan")])
def test_a_sample_is_a_share(frac):
    with pytest.raises(ParameterError, match="share"):
        cache.sample(np.arange(3), np.array([0, 3]), frac=frac)


def test_the_error_of_a_sample_by_hand():
    # Half of 100 blocks: 20 of which 2 more are hit with each block of room, and 30 of which one more is.
    found = cache.Sampled([cache.Curve(np.arange(0, 22, 2), 20), cache.Curve(np.arange(11), 30)], 100, 0.5)
    # Room for 16 is room for 8 in the sample, where 4 and 22 are missed: 1 - 26 / 50; room for 4 misses 16 and 28.
    assert found.hit_frac(np.array([16, 4])) == pytest.approx([0.48, 0.12])
    assert found.hit_frac(np.array([-4, 0, 1e9])) == pytest.approx([0, 0, 0.6])
    # Variances 162 and 72, for both parts, by half; half the way from 20 to 12, where 20 and 32 are missed, and from 6
    # to 2, where 41 and 47 are.
    spread, moved = (2 * 162 / 2, 2 * 72 / 2), ((32 - 20) / 50 / 2, (47 - 41) / 50 / 2)
    errors = [(s / 50**2 + m**2) ** 0.5 for s, m in zip(spread, moved, strict=True)]
    assert found.error_frac(np.array([16, 4])) == pytest.approx(errors)
    assert found.error_frac(4) == pytest.approx(0.18)


def test_the_hash_is_the_published_one():
    # the first two numbers of SplitMix64 from a seed of 0, which goes on by 0x9E3779B97F4A7C15
    found = cache._hash(np.array([0, 0x9E3779B97F4A7C15], np.uint64))
    assert [hex(x) for x in found.tolist()] == ["0xe220a8397b1dcdaf", "0x6e789e6aa1b965f4"]


def test_the_parts_of_a_sample_are_sixteen_of_about_one_size():
    block = np.arange(16_000)
    found = cache.sample(block, np.array([0, block.size]), frac=1)
    sizes = [part.num_blocks for part in found.parts]
    assert len(sizes) == 16 and sum(sizes) == 16_000
    assert sizes == pytest.approx([1000] * 16, abs=5 * 1000**0.5)


def test_a_sample_may_be_taken_while_reading():
    requests = random_requests(6, 400)
    trace = trace_of(requests)
    kept = [[b for b in blocks if cache.is_sampled(np.array([b]), 0.5)[0]] for blocks in requests]
    few = trace_of(kept)
    whole = cache.sample(trace.block, trace.start, frac=0.5)
    early = cache.sample(few.block, few.start, frac=0.5, num_blocks=trace.block.size)
    assert (whole.hit_frac([10, 50]) == early.hit_frac([10, 50])).all()


def test_a_share_at_any_capacity():
    curve = cache.curve(np.array([1, 2]), num_blocks=10)
    assert curve.hit_frac([-1, 0, 1, 1.9, 2, 9]).tolist() == [0, 0, 0.1, 0.1, 0.2, 0.2]


def test_the_capacity_that_holds_a_share_of_all_hits():
    curve = cache.Curve(np.array([0, 1, 2, 4]), 10)
    assert [curve.capacity_for(share) for share in (0.25, 0.5, 0.51, 1)] == [1, 2, 3, 3]


def test_own_session():
    trace = trace_of([[1, 2], [1, 3], [1, 2, 4]])
    trace = cache.Trace(trace.time_s, np.array([0, 1, 0]), trace.start, trace.block, 512, trace.time_s, trace.time_s)
    assert cache.is_of_own_session(trace).tolist() == [False, False, False, False, False, True, False]


# --- traces by who asks, and by what each request continues


def test_the_share_of_each_group_that_is_hit():
    group, reached = np.array([0, 0, 2, 2, 2]), np.array([1, 9, 1, 3, cache.NEVER])
    # of the first two blocks one is within three, of the last three two; nobody of group 1 asked
    assert cache.hit_frac_by(group, reached, 3) == pytest.approx([0.5, np.nan, 2 / 3], nan_ok=True)
    assert cache.hit_frac_by(group, reached, 2) == pytest.approx([0.5, np.nan, 1 / 3], nan_ok=True)
    # A cache without an end still misses what was never there.
    assert cache.hit_frac_by(np.array([0]), np.array([cache.NEVER - 1]), cache.NEVER).tolist() == [1]
    assert cache.hit_frac_by(group, reached, cache.NEVER) == pytest.approx([1, np.nan, 2 / 3], nan_ok=True)


def test_shares_by_request_add_up_to_the_curve():
    trace = trace_of(random_requests(4))
    reached = cache.prefix_distances(cache.stack_distances(cache.previous(trace.block)), trace.start)
    for capacity in (1, 5, 20, 10**6):
        by_request = cache.hit_frac_by(trace.request, reached, capacity)
        total = float(by_request @ np.diff(trace.start)) / trace.block.size
        assert total == pytest.approx((reached <= min(capacity, cache.NEVER - 1)).mean(), rel=1e-12)


def test_a_conversation_is_known_by_the_first_block_that_is_its_own():
    # All begin with block 7, a system prompt; then 1 or 2 tells two conversations apart.
    requests = [[7, 2], [7, 1, 5], [7, 2, 8], [7, 1, 5, 6]]
    trace = trace_of(requests)
    assert cache.sessions(trace.start, trace.block).tolist() == [0, 1, 0, 1]
    # Two shared blocks: one conversation, as nothing ever differs; a lone request is one of its own.
    same = trace_of([[7, 9], [7, 9]])
    assert cache.sessions(same.start, same.block).tolist() == [0, 0]
    # Two blocks that all begin with, the first block of all apart, and no request at all.
    for requests, numbers in (([[7, 9, 1], [7, 9, 2], [7, 9, 1]], [0, 1, 0]), ([[1, 5], [2, 5]], [0, 1]), ([], [])):
        trace = trace_of(requests)
        assert cache.sessions(trace.start, trace.block).tolist() == numbers
    lone = trace_of([[3]])
    assert cache.sessions(lone.start, lone.block).tolist() == [0]


def test_whose_block_it_was_last():
    one = trace_of([[1, 2], [1, 2, 3], [1, 4]])
    mine = cache.Trace(one.time_s, np.array([0, 0, 1]), one.start, one.block, 512, one.input_tok, one.output_tok)
    # 1 and 2 return to their own session, 3 is new; the third request finds the 1 of another session
    assert cache.is_of_own_session(mine).tolist() == [False, False, True, True, False, False, False]


@given(st.integers(0, 10**6))
def test_a_trace_told_by_what_each_request_continues_is_the_trace(seed):
    trace = trace_of(random_requests(seed, 25))
    lengths = np.diff(trace.start)
    prefix_of, same = cache.compact(trace)
    again = cache.expand(
        time_s=trace.time_s, input_tok=lengths * 512 - 100, output_tok=trace.output_tok,
        prefix_of=prefix_of, prefix_blocks=same, block_tok=512,
    )  # fmt: skip
    assert again.start.tolist() == trace.start.tolist()
    assert ((prefix_of >= 0) == (same > 0)).all() and (prefix_of < np.arange(prefix_of.size)).all()

    def hits(of):
        return cache.prefix_distances(cache.stack_distances(cache.previous(of.block)), of.start).tolist()

    assert hits(again) == hits(trace), "blocks have other numbers and the same distances"
    assert again.block_tok == 512 and again.session.size == lengths.size
    assert again.time_s is trace.time_s and again.output_tok is trace.output_tok
    assert again.input_tok.tolist() == (lengths * 512 - 100).tolist()


def test_a_request_without_a_new_block_is_known_by_its_length():
    assert [part.tolist() for part in cache.compact(trace_of([[1, 2], [1, 2], [1]]))] == [[-1, 0, 1], [0, 2, 1]]


@pytest.mark.parametrize(
    ("prefix_of", "same"), [([-1, 0], [0, 2]), ([-1, 1], [0, 1]), ([-1, -1], [0, 1]), ([-1, 0], [0, -1])]
)
def test_a_request_continues_an_earlier_one_and_no_further_than_it_goes(prefix_of, same):
    one = np.array([512, 1024])
    with pytest.raises(ParameterError, match=f"request 1 cannot share {same[1]} blocks with request {prefix_of[1]}"):
        cache.expand(time_s=one, input_tok=one, output_tok=one, prefix_of=np.array(prefix_of),
                     prefix_blocks=np.array(same), block_tok=512)  # fmt: skip


def test_a_trace_is_told_by_columns_of_one_length():
    one = np.array([512, 1024])
    with pytest.raises(ValueError, match="shorter"):
        cache.expand(time_s=one, input_tok=one, output_tok=one, prefix_of=np.array([-1]), prefix_blocks=np.array([0]),
                     block_tok=512)  # fmt: skip
