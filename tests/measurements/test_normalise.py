"""Names, flags and GPU counts, by the rules and examples that InferenceX rows of all ages need."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenfactory.measurements import normalise
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
    return normalise.configuration(SINGLE | more)


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("cluster:b300-nv", "b300"),
        ("mi355x-amds", "mi355x"),
        ("mi355x-amd_0", "mi355x"),
        ("mi355x_3", "mi355x"),
        ("h200-cw", "h200"),
        ("rtx6000pro-lat", "rtx6000pro"),
        ("b200-trt", "b200"),
        ("GB200", "gb200"),
        ("jalapeno_teacup", "jalapeno"),
        ("h1000", None),
        ("", None),
        ("'; DROP TABLE points; --", None),
    ],
)
def test_hardware(name, key):
    assert normalise.hardware(name) == key


@pytest.mark.parametrize(
    ("name", "key"),
    [
        ("NVIDIA H100 80GB HBM3", "h100"),
        ("AMD Instinct MI355X OAM", "mi355x"),
        ("NVIDIA B200-SXM-180GB", "b200"),
        ("NVIDIA GB300", "gb300"),
        ("NVIDIA RTX PRO 6000 Blackwell Server Edition", "rtx6000pro"),
        ("NVIDIA H1000", None),
        ("NVIDIA GH200 Grace Hopper Superchip 144GB", None),
        ("NVIDIA H200-NVL-141GB", None),  # a PCIe card
        ("AMD Instinct MI300X (x32), AMD Instinct MI325X (x16)", None),  # two kinds in one cluster
    ],
)
def test_device(name, key):
    assert normalise.device(name) == key


@pytest.mark.parametrize(
    ("prefix", "path", "expected"),
    [
        ("gptoss", "openai/gpt-oss-120b", ("gpt-oss-120b", True)),
        ("dsr1-fp4", None, ("deepseek-r1-0528", True)),
        ("dsv4pro", None, ("deepseek-v4-pro", True)),
        ("kimik2.7", None, ("kimi-k2.7-code", True)),
        (None, "amd/DeepSeek-R1-0528-MXFP4-Preview", ("deepseek-r1-0528", True)),
        (None, "/mnt/models/gpt-oss-120b/", ("gpt-oss-120b", True)),
        ("not-a-key", "deepseek-ai/DeepSeek-R1-0528", ("deepseek-r1-0528", True)),
        (None, "acme/Demo_7B", ("acme-demo-7b", False)),
        (None, None, ("", False)),
    ],
)
def test_model(prefix, path, expected):
    assert normalise.model(prefix, path) == expected


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("sglang-disagg", ("mori-sglang", True)),
        ("atom-disagg", ("mooncake-atom", True)),
        ("trtllm", ("trt", False)),
        ("dynamo-trtllm", ("dynamo-trt", False)),
        ("mori-sglang", ("mori-sglang", True)),
        ("VLLM", ("vllm", False)),
        (None, (None, False)),
    ],
)
def test_framework(name, expected):
    assert normalise.framework(name) == expected


@pytest.mark.parametrize(("name", "key"), [("NVFP4", "fp4"), ("mxfp4", "fp4"), ("fp8block", "fp8"), ("BF16", "bf16")])
def test_precision(name, key):
    assert normalise.precision(name) == key


def test_an_unknown_precision_is_refused_with_its_field():
    with pytest.raises(RowProblem, match="unknown precision 'fp3'") as problem:
        normalise.precision("fp3")
    assert problem.value.field == "precision"


@pytest.mark.parametrize(
    ("method", "mtp", "expected"),
    [
        ("MTP", None, "mtp"),
        (None, "on", "mtp"),
        (None, "off", "none"),
        (None, None, None),
        ("none", "on", "none"),
        ("eagle", None, "eagle"),
    ],
)
def test_spec_decoding(method, mtp, expected):
    assert normalise.spec_decoding(method, mtp) == expected


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("true", True),
        ("on", True),
        ("1", True),
        ("False", False),
        ("off", False),
        (0, False),
        (True, True),
        (None, None),
    ],
)
def test_flag(value, expected):
    assert normalise.flag(value, "disagg") is expected


def test_a_flag_that_is_none_is_refused():
    with pytest.raises(RowProblem, match="'perhaps' is not a flag"):
        normalise.flag("perhaps", "disagg")


@pytest.mark.parametrize("value", ["2026-13-40", "20260520", "yesterday", "", 5, "2026-5-1"])
def test_a_day_that_is_none_is_refused(value):
    with pytest.raises(RowProblem, match="is not a date"):
        normalise.day(value)


def test_the_day_of_a_time_stamp():
    assert str(normalise.day("2026-05-20T09:00:00Z")) == "2026-05-20"


@pytest.mark.parametrize(
    ("file", "expected"),
    [("bmk_dsr1_8k1k_fp8.json", (8192, 1024)), ("a/1k1k/agg.json", (1024, 1024)), ("agg_128k.json", None)],
)
def test_lengths_in_a_file_name(file, expected):
    assert normalise.lengths_in(file) == expected


@pytest.mark.parametrize(
    ("file", "expected"),
    [("run_20218553330/agg_bmk.json", "20218553330"), ("runs/20218553330.json", "20218553330"), ("run_1/a.json", None)],
)
def test_the_run_in_a_path(file, expected):
    assert normalise.run_in(file) == expected


def test_run_and_attempt_of_a_page():
    page = "https://github.com/SemiAnalysisAI/InferenceX/actions/runs/20200037154"
    assert normalise.run_of(page + "/attempts/2") == ("20200037154", 2)
    assert normalise.run_of(page) == ("20200037154", None)
    assert normalise.run_of(None) == (None, None)


# ---- is a row disaggregated? ----


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


# ---- how many GPUs? ----


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
    got, _ = normalise.configuration(DISAGG)
    assert (got.num_gpu, got.num_prefill_gpu, got.num_decode_gpu) == (48, 16, 32)


def test_pools_without_a_count_are_workers_times_their_size():
    raw = {k: v for k, v in DISAGG.items() if not k.startswith("num_")}
    got, repairs = normalise.configuration(raw)
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
    ],
)
def test_what_cannot_be_normalised_is_refused_with_its_field(raw, field, words):
    with pytest.raises(RowProblem, match=words) as problem:
        normalise.configuration(raw)
    assert problem.value.field == field


def test_own_measurements_may_use_any_gpu():
    assert config(hardware="NVIDIA L40S", is_own="true")[0].gpu == "l40s"


@pytest.mark.parametrize(
    ("more", "expected"),
    [({}, False), ({"num_prefill_gpu": 36, "num_decode_gpu": 36, "prefill_tp": 36, "decode_tp": 36}, True)],
)
def test_the_total_in_both_pools_is_noticed(more, expected):
    raw = DISAGG | {"prefill_num_workers": 0, "decode_num_workers": 0} | more
    got, _ = normalise.configuration(raw)
    assert normalise.has_total_in_both_pools(raw, got) is expected
    assert not normalise.has_total_in_both_pools(raw | {"decode_num_workers": 1}, got)


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
        got, _ = normalise.configuration(raw)
    except RowProblem as problem:
        assert problem.reason
    else:
        assert got.num_gpu >= 1
        assert got.gpu and got.model
        if got.num_prefill_gpu is not None:
            assert got.num_gpu == got.num_prefill_gpu + got.num_decode_gpu
