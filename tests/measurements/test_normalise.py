"""Names, flags and days, by the rules and examples that InferenceX rows of all ages need."""

import pytest

from tokenfactory.measurements import normalise
from tokenfactory.measurements.adapters import RowProblem


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
