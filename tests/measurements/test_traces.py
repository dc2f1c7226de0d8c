import json

import numpy as np
import pytest

from tokenfactory.errors import DataError
from tokenfactory.measurements import traces
from tokenfactory.methods import cache, cache_shards

MOONCAKE = [
    {"timestamp": 0, "input_length": 1100, "output_length": 5, "hash_ids": [0, 1, 2]},
    {"timestamp": 0, "input_length": 700, "output_length": 6, "hash_ids": [0, 3]},
    {"timestamp": 2500, "input_length": 1500, "output_length": 7, "hash_ids": [0, 1, 4]},
]
AGENTS = [
    {"id": "a", "block_size": 64, "hash_id_scope": "local", "requests": [
        {"t": 0.0, "type": "n", "in": 128, "out": 9, "hash_ids": [1, 2]},
        {"t": 5.0, "type": "subagent", "requests": [{"t": 6.0, "in": 64, "out": 1, "hash_ids": [1]}]},
        {"t": 9.0, "type": "n", "in": 190, "out": 9, "hash_ids": [1, 2, 3]},
    ]},
    {"id": "b", "block_size": 64, "hash_id_scope": "local", "requests": [
        {"t": 1.0, "type": "n", "in": 128, "out": 9, "hash_ids": [1, 2]},
    ]},
]  # fmt: skip
TABLE = "time_s,session,blocks,input_tok,output_tok\n0,x,a b,30,4\n1.5,y,a c,32,5\n2,x,a b d,40,6\n"


@pytest.fixture
def written(tmp_path):
    def write(content):
        path = tmp_path / "trace"
        path.write_text(content if isinstance(content, str) else "".join(json.dumps(c) + "\n" for c in content))
        return path

    return write


def with_change(records, number, **change):
    return [one | change if i == number else one for i, one in enumerate(records)]


def test_mooncake(written):
    found = traces.read(written(MOONCAKE))
    trace = found.trace
    assert (found.format, found.num_blocks, trace.block_tok) == ("Mooncake", 8, 512)
    assert trace.time_s.tolist() == [0, 0, 2.5]
    assert trace.block.tolist() == [0, 1, 2, 0, 3, 0, 1, 4]
    assert trace.session.tolist() == [0, 1, 0]  # all begin with block 0; the next one tells them apart
    assert trace.input_tok.tolist() == [1100, 700, 1500] and trace.output_tok.tolist() == [5, 6, 7]


def test_agent_traces_keep_blocks_to_their_conversation(written):
    trace = traces.read(written(AGENTS)).trace
    assert trace.block_tok == 64
    assert trace.time_s.tolist() == [0, 1, 6, 9]
    assert trace.session.tolist() == [0, 1, 0, 0]
    # Conversation b's blocks 1 and 2 are others than a's; the sub-agent shares those of its conversation.
    assert trace.block.tolist() == [0, 1, 2, 3, 0, 0, 1, 4]
    shared = traces.read(written([one | {"hash_id_scope": "global"} for one in AGENTS])).trace
    assert shared.block.tolist() == [0, 1, 0, 1, 0, 0, 1, 2]


def test_table(written):
    trace = traces.read(written(TABLE), block_tok=16).trace
    assert trace.block.tolist() == [0, 1, 0, 2, 0, 1, 3]
    assert trace.session.tolist() == [0, 1, 0]
    bare = traces.read(written("time_s,session,blocks\n0,x,a b\n"), block_tok=16).trace
    assert (bare.input_tok.tolist(), bare.output_tok.tolist()) == ([32], [0])


BAD = {
    "empty": ("", "is empty: a trace needs at least one request"),
    "no block": ("time_s,session,blocks\n", "holds no block"),
    "not JSON": ("{]\n", "row 1: is not JSON"),
    "no list": ([{"timestamp": 0, "input_length": 1, "output_length": 1, "hash_ids": "1"}], "row 1, field 'hash_ids'"),
    "time back": (with_change(MOONCAKE, 1, timestamp=3000), "row 3: time goes back from 3 to 2.5 s"),
    "negative length": (with_change(MOONCAKE, 1, input_length=-5), "row 2, field 'input_length': '-5' is not"),
    "a part of a token": (with_change(MOONCAKE, 0, output_length=0.5), "row 1, field 'output_length': '0.5' is not"),
    "not finite": (with_change(MOONCAKE, 0, timestamp=float("nan")), "row 1, field 'timestamp': 'nan' is not"),
    "true": (with_change(MOONCAKE, 0, input_length=True), "row 1, field 'input_length': 'True' is not"),
    "too many blocks": (with_change(MOONCAKE, 0, input_length=1024), "row 1: 3 blocks of 512 tokens are more than"),
    "out of order": (
        with_change(MOONCAKE, 2, hash_ids=[1, 0, 4]),
        "row 3: a block is block 1 of its request here and was block 2 in row 1: blocks are out of order",
    ),
    "no prefix": (
        [*MOONCAKE, {"timestamp": 2500, "input_length": 1100, "output_length": 5, "hash_ids": [0, 3, 2]}],
        "row 4: a block stands after other blocks than in row 1",
    ),
    "no scope": (with_change(AGENTS, 1, hash_id_scope="worldwide"), "row 2, field 'hash_id_scope': 'worldwide'"),
    "two sizes": (with_change(AGENTS, 1, block_size=16), "row 2, field 'block_size': 16 follows 64"),
    "no size": (with_change(AGENTS, 0, block_size=0), "row 1, field 'block_size': '0' is not a whole number from 1"),
    "no requests": (with_change(AGENTS, 1, requests=[7]), "row 2, field 'requests': is not a list of requests"),
    "no column": ("time_s,blocks\n0,a\n", "row 1: column 'session' is missing"),
    "short row": (TABLE + "3,x\n", "row 5: has more or fewer cells"),
    "no number": (TABLE + "soon,x,a,1,1\n", "row 5, field 'time_s': 'soon' is not a number from 0 on"),
}


@pytest.mark.parametrize(("content", "sentence"), BAD.values(), ids=BAD)
def test_bad_input_is_one_sentence(written, content, sentence):
    with pytest.raises(DataError) as refused:
        traces.read(written(content), block_tok=None if isinstance(content, list) else 16)
    assert sentence in str(refused.value)
    assert str(refused.value).startswith("trace")
    assert "\n" not in str(refused.value)


def test_what_is_no_text_or_not_there(tmp_path):
    (tmp_path / "bytes").write_bytes(b"\xff\xfe{}")
    for name, sentence in (("bytes", "is not UTF-8 text"), ("nothing", "cannot be read")):
        with pytest.raises(DataError, match=sentence):
            traces.read(tmp_path / name)


def test_a_table_needs_the_size_of_its_blocks(written):
    with pytest.raises(DataError, match="how many tokens a block has"):
        traces.read(written(TABLE))


def test_more_blocks_than_memory_holds_are_refused_with_the_way_out(written, monkeypatch):
    monkeypatch.setattr(traces, "MOST_BLOCKS", 4)
    with pytest.raises(DataError, match=r"more than 4 blocks.*take a sample of it, such as a share of 0\.01"):
        traces.read(written(MOONCAKE))
    assert traces.read(written(MOONCAKE), sample_frac=0.5).num_blocks == 8


def test_a_sample_is_the_same_whenever_it_is_taken(written):
    def own(i):
        return range(100 * i, 100 * i + 20)

    requests = [
        {"timestamp": i, "input_length": 512 * 40, "output_length": 1, "hash_ids": [*range(20), *own(i)]}
        for i in range(1, 60)
    ]
    whole = traces.read(written(requests)).trace
    part = traces.read(written(requests), sample_frac=0.3)
    late = cache.sample(np.concatenate([r["hash_ids"] for r in requests]), whole.start, frac=0.3)
    early = cache.sample(part.trace.block, part.trace.start, frac=0.3, num_blocks=part.num_blocks)
    assert (early.hit_frac([20, 40, 80]) == late.hit_frac([20, 40, 80])).all()


@pytest.mark.parametrize("kind", ["Mooncake", "CSV", "InferenceX agent traces"])
@pytest.mark.parametrize("num", [1, 2, 3])
def test_shards_are_the_whole_and_share_no_block(written, kind, num):
    one = {"input_length": 5120, "output_length": 1}
    begun = [one | {"timestamp": i // 2, "hash_ids": [i % 5, 10 * (i % 5) + 7, 90 + i]} for i in range(40)]
    table = "time_s,session,blocks\n" + "".join(f"{i // 2},s{i % 7},a{i % 5} b{i % 5} c{i}\n" for i in range(40))
    content = {"Mooncake": begun, "CSV": table, "InferenceX agent traces": [*AGENTS, AGENTS[0] | {"id": "c"}]}[kind]
    path, block_tok = written(content), 512 if kind == "CSV" else None
    whole = traces.read(path, block_tok=block_tok)
    shards = [traces.read(path, block_tok=block_tok, shard=(i, num)) for i in range(num)]
    assert {one.format for one in shards} == {kind}
    found, places = traces.joined(path, [traces.without_blocks(one) for one in shards])
    assert np.sort(np.concatenate(places)).tolist() == list(range(whole.row.size))
    assert (found.row.tolist(), found.num_blocks) == (whole.row.tolist(), whole.num_blocks)
    for name in ("time_s", "input_tok", "output_tok"):
        assert getattr(found.trace, name).tolist() == getattr(whole.trace, name).tolist()
    if kind != "Mooncake":  # which names no sessions
        assert np.unique(found.trace.session).size == np.unique(whole.trace.session).size
    if num > 1:
        assert sum(one.num_blocks > 0 for one in shards) > 1
    hits = cache_shards.curve([one.trace for one in shards], places, run=lambda f, *c: list(map(f, *c))).hits
    assert hits.tolist() == cache.curve(cache.of_trace(whole.trace)).hits.tolist()


def test_what_cannot_be_read_in_shards_is_refused(written):
    shared = written([one | {"hash_id_scope": "global"} for one in AGENTS])
    with pytest.raises(DataError, match=r"row 1, field 'hash_id_scope': 'global' lets conversations share blocks"):
        traces.read(shared, shard=(1, 2))
    late = written(TABLE + "1,z,q,5,5\n")
    for i in range(2):  # whichever holds the row, both see that time goes back
        with pytest.raises(DataError, match="row 5: time goes back from 2 to 1 s"):
            traces.read(late, block_tok=16, shard=(i, 2))
    nothing = written("time_s,session,blocks\n")
    with pytest.raises(DataError, match="holds no block"):
        traces.joined(nothing, [traces.read(nothing, block_tok=16, shard=(i, 2)) for i in range(2)])


def test_the_published_trace(shared):
    found = traces.read(shared / "traces/mooncake-fast25/conversation_trace.jsonl")
    trace = found.trace
    assert (trace.time_s.size, found.num_blocks, np.unique(trace.block).size) == (12_031, 288_500, 182_790)
    assert (trace.input_tok.sum(), trace.output_tok.sum()) == (144_793_823, 4_122_048)
    earlier, same = cache.compact(trace)
    again = cache.expand(
        time_s=trace.time_s, input_tok=trace.input_tok, output_tok=trace.output_tok, prefix_of=earlier,
        prefix_blocks=same, block_tok=512,
    )  # fmt: skip
    assert (again.block == trace.block).all() and (again.session == trace.session).all()
