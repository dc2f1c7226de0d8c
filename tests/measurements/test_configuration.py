"""GPU counts and the rest of a configuration, by the rules and examples that rows of all ages need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenfactory.measurements import configuration
from tokenfactory.measurements.adapters import RowProblem

SINGLE = {"hardware": "h200", "model": "dsr1", "tp": 8, "ep": 1}
DISAGG = {
    "hardware": "gb300-nv",
    "model": "dsr1",
    "framework": "dynamo-trt",
    "disagg": "true",
    "prefill_tp": 4,
    "decode_tp": 32,
    "num_prefill_gpu": 16,
    "num_decode_gpu": 32,
    "prefill_num_workers": 4,
    "decode_num_workers": 1,
}


def config(**more):
    return configuration.configuration(SINGLE | more)


@pytest.mark.parametrize(
    ("more", "expected"),
    [
        ({"framework": "vllm"}, False),
        ({"framework": "mori-sglang", "disagg": "false", "num_prefill_gpu": 8, "num_decode_gpu": 8}, True),
        ({"framework": "sglang-disagg", "num_prefill_gpu": 8, "num_decode_gpu": 8}, True),
        ({"framework": "dynamo-trt", "num_prefill_gpu": 8, "num_decode_gpu": 8}, True),
        ({"framework": "dynamo-trt", "disagg": "false"}, False),  # stated, and no decode worker speaks against it
        ({"disagg": "false", "decode_num_workers": 1, "num_prefill_gpu": 8, "num_decode_gpu": 8}, True),
    ],
)
def test_is_disagg(more, expected):
    assert config(**more)[0].is_disagg is expected


def test_one_engine_of_tp8_ep8_is_8_gpus_although_64_are_stored():
    got, repairs = config(ep=8, prefill_tp=8, prefill_ep=8, decode_tp=8, decode_ep=8, num_decode_gpu=64)
    assert (got.num_gpu, got.num_prefill_gpu, got.num_decode_gpu) == (8, None, None)
    assert "num_gpu_was_tp_times_ep" in repairs


@pytest.mark.parametrize(
    ("more", "num_gpu"),
    [
        ({"tp": 4}, 4),
        ({"tp": 4, "pp": 2}, 8),
        ({"tp": 4, "pp": 2, "pcp": 2}, 16),  # decode context parallelism adds none
        ({"num_gpu": 16}, 16),
        # Data-parallel attention shares the GPUs of tensor parallelism in SGLang, and has GPUs of its own in vLLM.
        ({"tp": 8, "dp": 8, "dp_attention": "true", "framework": "sglang"}, 8),
        ({"tp": 2, "dp": 4, "dp_attention": "true", "framework": "vllm"}, 8),
        ({"tp": 1, "dp": 8, "dp_attention": "true"}, 8),
        ({"tp": 2, "dp": 2, "dp_attention": "true", "num_gpu": 4}, 4),
        # Aggregated over nodes: only the prefill side is filled, 2 workers of TP8.
        ({"is_multinode": "true", "prefill_tp": 8, "prefill_ep": 8, "decode_tp": 0, "decode_ep": 0,
          "num_prefill_gpu": 16, "num_decode_gpu": 0, "prefill_num_workers": 2, "disagg": "false"}, 16),
        ({"is_multinode": "true", "prefill_tp": 8, "decode_tp": 0, "prefill_num_workers": 2, "disagg": "false"}, 16),
    ],
)  # fmt: skip
def test_gpus_of_one_engine(more, num_gpu):
    assert config(**more)[0].num_gpu == num_gpu


def test_the_halves_of_one_engine_mirror_each_other():
    got, _ = config(is_multinode="true", prefill_tp=8, prefill_ep=4, decode_tp=0, num_prefill_gpu=16, disagg="false")
    assert (got.prefill_tp, got.decode_tp, got.prefill_ep, got.decode_ep) == (8, 8, 4, 4)


def test_pools_are_added():
    got, _ = configuration.configuration(DISAGG)
    assert (got.num_gpu, got.num_prefill_gpu, got.num_decode_gpu) == (48, 16, 32)


def test_pools_without_a_count_are_workers_times_their_size():
    raw = {k: v for k, v in DISAGG.items() if not k.startswith("num_")}
    got, repairs = configuration.configuration(raw)
    assert (got.num_prefill_gpu, got.num_decode_gpu) == (16, 32)
    assert "num_gpu_from_parallelism" in repairs


def test_pools_of_a_row_that_only_has_a_total_stay_unknown():
    got, _ = config(framework="dynamo-trt", tp=36)
    assert (got.num_gpu, got.num_prefill_gpu, got.is_disagg) == (36, None, True)


@pytest.mark.parametrize(
    ("raw", "field", "words"),
    [
        ({"model": "dsr1", "tp": 8}, "hardware", "names no hardware"),
        ({"hardware": "abacus", "model": "dsr1", "tp": 8}, "hardware", "unknown hardware 'abacus'"),
        ({"hardware": "h200", "tp": 8}, "model", "names no model"),
        ({"hardware": "h200", "model": "dsr1"}, "num_gpu", "does not say how many GPUs"),
        (DISAGG | {"num_decode_gpu": 0}, "num_decode_gpu", "16 and 0 GPUs"),
        (SINGLE | {"dp": 8, "dp_attention": "true"}, "num_gpu", "8 GPUs in SGLang and 64 in vLLM; give num_gpu"),
    ],
)
def test_what_cannot_be_normalised_is_refused_with_its_field(raw, field, words):
    with pytest.raises(RowProblem, match=words) as problem:
        configuration.configuration(raw)
    assert problem.value.field == field


def test_own_measurements_may_use_any_gpu():
    assert config(hardware="NVIDIA L40S", is_own="true")[0].gpu == "l40s"


@pytest.mark.parametrize(
    ("more", "expected"),
    [({}, False), ({"num_prefill_gpu": 36, "num_decode_gpu": 36, "prefill_tp": 36, "decode_tp": 36}, True)],
)
def test_the_total_in_both_pools_is_noticed(more, expected):
    raw = DISAGG | {"prefill_num_workers": 0, "decode_num_workers": 0} | more
    got, _ = configuration.configuration(raw)
    assert configuration.has_total_in_both_pools(raw, got) is expected
    assert not configuration.has_total_in_both_pools(raw | {"decode_num_workers": 1}, got)


names = st.one_of(st.none(), st.text(max_size=30))
sizes = st.one_of(st.none(), st.integers(0, 10_000))


@given(
    st.fixed_dictionaries(
        {},
        optional={
            **dict.fromkeys(("model", "model_prefix", "framework", "precision", "spec_decoding", "disagg"), names),
            **dict.fromkeys(("is_multinode", "dp_attention", "is_own", "mtp"), names),
            "hardware": st.one_of(names, st.sampled_from(["h200", "gb300-nv"])),
            **dict.fromkeys(("tp", "pp", "pcp", "ep", "prefill_tp", "decode_tp", "num_gpu"), sizes),
            **dict.fromkeys(("num_prefill_gpu", "num_decode_gpu", "decode_num_workers"), sizes),
        },
    )
)
def test_any_configuration_is_normalised_or_refused_in_words(raw):
    raw = {key: value for key, value in raw.items() if value not in (None, "")}
    try:
        got, _ = configuration.configuration(raw)
    except RowProblem as problem:
        assert problem.reason
    else:
        assert got.num_gpu >= 1
        assert got.gpu and got.model
        if got.num_prefill_gpu is not None:
            assert got.num_gpu == got.num_prefill_gpu + got.num_decode_gpu
