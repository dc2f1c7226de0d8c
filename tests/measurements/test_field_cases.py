"""Files of strangers, with the faults that real ones showed, through the program as its users call it.

`field-cases/EXPECTED.md` says what is right. Where it says "see what comes" or leaves a choice, this was decided:

* a median speed of 0 beside a time per token is no sample, and the speed is then that of the time; without one, NULL
* prompts are counted as the server saw them: 1,008 tokens where a chat template adds 8, filed under the 1,000 asked
* H20, GH200, A100 and cards (PCIe, NVL) are GPUs of their own name, told as `gpu_not_in_table`; GB300 NVL72 is gb300
* fp8_e4m3, mxfp8, awq and the like keep their names; mxfp4 is fp4, as everywhere
* a number of GPUs in the name ("8xH100") is read, and must fit num_gpu
* without a time per output token a closed loop is no point, and one sentence says so
* tokens counted as asked where answers ended early: the tokens made are counted, and the point says so
"""

import csv
import json
import shutil

import duckdb
import layouts
import pytest

from tokenfactory import cli
from tokenfactory.measurements.ingest import newest
from tokenfactory.warehouse.attach import attach

POINT = {
    **{"gpu": "h200", "num_gpu": 4, "workload": "fixed_length", "isl_tok": 1000, "osl_tok": 200, "conc": 8},
    **{"total_tok_per_s_per_gpu": 1200.0, "output_tok_per_s_per_gpu": 200.0},
    **{"interactivity_tok_per_s_per_user": 100.0, "median_ttft_s": 0.01},
}
DAY = {"date": "2026-01-02"}
OTHER = POINT | {"workload": "other"}
AT_A_RATE = OTHER | {"scenario": "requests at a set rate"}
AT_ONCE = OTHER | {"scenario": "all requests at once"}
TWO = [POINT, POINT | {"conc": 16, "total_tok_per_s_per_gpu": 1500.0, "output_tok_per_s_per_gpu": 250.0,
                       "interactivity_tok_per_s_per_user": 1000 / 15}]  # fmt: skip
IX = {"gpu": "h200", "num_gpu": 8, "total_tok_per_s_per_gpu": 600.0}
PLAIN = {"num_gpu": 8, "isl_tok": 1000, "osl_tok": 200, "conc": 64, "total_tok_per_s_per_gpu": 600.0}
RATE = {"isl_tok": 1000, "osl_tok": 200, "workload": "other"}

POINTS = {
    "sglang_inf": [POINT],
    "vllm_nan": [POINT | DAY],
    "sglang_retokenized": [
        {"output_tok_per_s_per_gpu": 200.0, "total_tok_per_s_per_gpu": 1200.0, "workload": "other", "conc": 8}
    ],
    "vllm_2024": [AT_ONCE],
    "vllm_early": [{"isl_tok": 2046, "osl_tok": 65, "conc": 8}, {"isl_tok": 2046, "osl_tok": 65, "conc": 16}],
    "vllm_rate": [AT_A_RATE | {"requests_per_s": 4.0}],
    "vllm_all_at_once": [AT_ONCE],
    "vllm_few_prompts": [AT_ONCE],
    "vllm_few_prompts_noe2e": [AT_ONCE],
    "vllm_throughput": [{"total_tok_per_s_per_gpu": 1200.0, "workload": "other", "conc": 80}],
    "vllm_csv": TWO,
    "vllm_gz": TWO,
    "vllm_append": TWO,
    "sidecar_above": [POINT | DAY],
    "aiperf_ok": [POINT | DAY],
    "aiperf_010_rate": [AT_A_RATE | {"scenario": "requests at a set rate, poisson"}],
    "aiperf_011": [POINT],
    "aiperf_011_total": [POINT],
    "aiperf_02": [POINT],
    "genai_perf": [POINT],
    "guidellm_02": [POINT],
    "guidellm_05": [POINT | DAY | {"total_tok_per_s_per_gpu": 1208.0}],
    "iperf_old": [AT_A_RATE],
    "iperf_rates": [RATE | {"requests_per_s": rate} for rate in (0.25, 0.5)],
    "iperf_rates_same_day": [RATE | {"requests_per_s": rate} for rate in (0.55, 0.7)],
    "llmd_br": [POINT],
    "ix_seconds": [POINT],
    "ix_p90_zero": [
        IX | {"interactivity_tok_per_s_per_user": 100.0, "p90_interactivity_tok_per_s_per_user": None,
              "p75_interactivity_tok_per_s_per_user": None, "p90_ttft_s": None}
    ],
    "ix_median_zero": [
        IX | {"conc": 8, "interactivity_tok_per_s_per_user": 100.0},
        IX | {"conc": 16, "interactivity_tok_per_s_per_user": None, "p99_interactivity_tok_per_s_per_user": 50.0},
    ],
    "ix_agentic_full_response": [{"workload": "agentic", "interactivity_tok_per_s_per_user": 400.0, "num_gpu": 4}],
    "ix_agentic_tp_ep": [
        # The stated 75th percentile of the speeds, 70, is of fast users: of the slow ones it is 1 / 0.04 s.
        {"num_gpu": 4, "interactivity_tok_per_s_per_user": 50.0, "p75_interactivity_tok_per_s_per_user": 25.0}
    ],
    **{
        f"plain_hw_{name}": [PLAIN | {"gpu": gpu}]
        for name, gpu in (
            ("H100-PCIe", "h100pcie"), ("H100-NVL", "h100nvl"), ("H200-NVL", "h200nvl"), ("B200-PCIe", "b200pcie"),
            ("H100~PCIe", "h100pcie"), ("GB300~NVL72", "gb300"), ("gb200-nvl72", "gb200"), ("H20", "h20"),
            ("GH200", "gh200"), ("8xH100", "h100"), ("H100x8", "h100"), ("NVIDIA~A100-SXM4-80GB", "a100"),
        )
    },
    **{
        f"plain_prec_{name}": [PLAIN | {"gpu": "h200", "precision": kept}]
        for name, kept in (
            ("FP8", "fp8"), ("awq", "awq"), ("fp8_e4m3", "fp8_e4m3"), ("mxfp4", "fp4"), ("mxfp8", "mxfp8"),
            ("nf4", "nf4"), ("q4_k_m", "q4_k_m"), ("w4a16", "w4a16"), ("w8a8", "w8a8"),
        )
    },
    "plain_bom_crlf": [PLAIN | DAY],
}  # fmt: skip
# Cases that make no point: exit code and words of the refusal.
REFUSED = {
    "sglang_2024": (3, "no time per output token was measured"),
    "sglang_text": (2, "--output-file"),
    "mlperf_txt": (2, "summary_results.json"),
    "vllm_latency": (2, "vllm bench latency"),
    "llama_bench": (2, "llama-bench"),
    "llmperf": (2, "llmperf"),
    "iperf_prom": (2, "server metrics of inference-perf, which are not read"),
    "llmd_br_yaml": (3, "metrics.requests.total"),
    "plain_semicolon": (2, "separated by semicolons"),
    "plain_tab": (2, "separated by tabs"),
}
FLAGS = {
    "sglang_retokenized": "tokens_were_as_asked",
    "plain_hw_H20": "gpu_not_in_table",
    "plain_hw_8xH100": "num_gpu_from_name",
    "ix_agentic_tp_ep": "speed_percentile_replaced",
}


@pytest.fixture
def program(tmp_path, monkeypatch, capsys):
    """Call the program; its data are in a folder of the test's own."""
    monkeypatch.setenv("TOKENFACTORY_DATA", str(tmp_path / "data"))

    def call(*words):
        code = cli.run([str(word) for word in words])
        told = capsys.readouterr()
        return code, told.out + told.err

    return call


def points_in(snapshot) -> list[dict]:
    with duckdb.connect() as connection:
        attach(connection, snapshot)
        result = connection.execute("SELECT * FROM measured_points ORDER BY conc, requests_per_s")
        names = [column[0] for column in result.description]
        return [dict(zip(names, row, strict=True)) for row in result.fetchall()]


def assert_are(found: list[dict], expected: list[dict]) -> None:
    assert len(found) == len(expected)
    for point, right in zip(found, expected, strict=True):
        for name, value in right.items():
            is_day = name == "date"
            near = pytest.approx(value, rel=5e-3) if isinstance(value, float) else value
            assert (str(point[name]) if is_day else point[name]) == near, name


def test_every_case_is_decided(shared):
    cases = {path.name for path in (shared / "field-cases").iterdir() if path.is_dir()}
    assert cases == POINTS.keys() | REFUSED.keys()


@pytest.mark.parametrize("case", POINTS)
def test_a_case_gives_the_right_points(shared, tmp_path, program, case):
    folder = shared / "field-cases" / case
    if case in FLAGS:
        code, told = program("doctor", folder)
        assert code == 0 and FLAGS[case] in told, told
    assert program("ingest", folder)[0] == 0
    found = points_in(newest(tmp_path / "data" / "snapshots"))
    assert_are(found, POINTS[case])
    if FLAGS.get(case):
        assert FLAGS[case] in found[0]["repairs"]


@pytest.mark.parametrize("case", REFUSED)
def test_a_case_is_refused_in_a_sentence_and_changes_nothing(shared, tmp_path, program, case):
    good = shared / "field-cases" / "aiperf_ok"
    assert program("ingest", good)[0] == 0
    before = newest(tmp_path / "data" / "snapshots")
    exit_code, words = REFUSED[case]
    for command in ("doctor", "ingest"):
        code, told = program(command, shared / "field-cases" / case)
        assert code == exit_code and words in told.replace("\n", " "), told
    assert newest(tmp_path / "data" / "snapshots") == before


def test_all_cases_at_once_lose_none(shared, tmp_path, program):
    code, told = program("ingest", shared / "field-cases", "--json")
    assert code == 3  # some are not read
    for file in json.loads(told)["files"]:
        counts = (file[f"num_{kind}"] for kind in ("points", "merged", "other", "excluded"))
        assert file["num_rows"] == sum(counts)
    code, told = program("doctor", shared / "field-cases", "--json")
    assert code == 3
    files = json.loads(told)["files"]
    assert {f["file"].split("/")[1] for f in files if f["num_points"] or f["num_merged"]} == POINTS.keys()


@pytest.mark.parametrize("added", ["workload: fixed_length", "conc: 8", "scenario: mine"])
@pytest.mark.parametrize("case", ["vllm_rate", "aiperf_010_rate", "vllm_few_prompts", "iperf_old"])
def test_whatever_is_added_an_open_loop_is_on_no_closed_curve(shared, tmp_path, program, case, added):
    folder = shutil.copytree(shared / "field-cases" / case, tmp_path / "case")
    sidecar = folder / "token-factory.yaml"
    lines = [line for line in sidecar.read_text().splitlines() if line.split(":")[0] != added.split(":")[0]]
    sidecar.write_text("\n".join([*lines, added]))
    assert program("ingest", folder)[0] == 0
    (point,) = points_in(newest(tmp_path / "data" / "snapshots"))
    assert (point["workload"], point["conc"]) == ("other", 8)


# Other files of the same kinds of fault, made by somebody who had not read the adapters

ROW = {
    **{"model": "dsr1", "gpu": "h200", "num_gpu": 8, "framework": "vllm", "precision": "fp8", "isl_tok": 1000},
    **{"osl_tok": 200, "conc": 64, "total_tok_per_s_per_gpu": 600, "interactivity_tok_per_s_per_user": 12.5},
}
# 320 requests of 1024+512 tokens in 100 s on 4 GPUs: 163,840 / 100 = 1,638.4 output and 4,915.2 total tok/s.
SERVED = {
    **{"date": "20260314-091500", "model_id": "acme/demo", "num_prompts": 320, "request_rate": "inf"},
    **{"max_concurrency": 32, "duration": 100.0, "completed": 320, "failed": 0, "total_input_tokens": 327680},
    **{"total_output_tokens": 163840, "request_throughput": 3.2, "output_throughput": 1638.4},
    **{"total_token_throughput": 4915.2, "mean_ttft_ms": 300.0, "median_ttft_ms": 250.0, "mean_tpot_ms": 20.0},
    **{"median_tpot_ms": 19.0, "mean_e2el_ms": 10520.0, "median_e2el_ms": 9959.0},
}


def strangers_file(folder, content, name="result.json", facts="hardware: h200\nnum_gpu: 4\n"):
    folder.mkdir()
    (folder / "token-factory.yaml").write_text(f"{facts}framework: vllm\nprecision: fp8\n")
    if isinstance(content, list):
        with (folder / name).open("w", newline="") as file:
            writer = csv.DictWriter(file, content[0])
            writer.writeheader()
            writer.writerows(content)
    else:
        (folder / name).write_text(content if isinstance(content, str) else json.dumps(content))
    return folder


@pytest.mark.parametrize("name", ["GPU Count", "numGPUs", "num-gpus", "N GPUs", "World Size", "tensor-parallel-size"])
def test_a_number_of_gpus_is_read_by_any_usual_spelling(tmp_path, program, name):
    row = {name if key == "num_gpu" else key: value for key, value in ROW.items()}
    assert program("ingest", strangers_file(tmp_path / "in", [row], "a.csv", facts=""))[0] == 0
    assert_are(points_in(newest(tmp_path / "data" / "snapshots")), [{"num_gpu": 8, "total_tok_per_s_per_gpu": 600.0}])


@pytest.mark.parametrize("cell", ["NaN", "nan", "n/a", "null", "", "0"])
def test_a_cell_without_a_sample_is_no_speed_and_costs_no_row(tmp_path, program, cell):
    rows = [ROW, ROW | {"conc": 128, "interactivity_tok_per_s_per_user": cell}]
    assert program("ingest", strangers_file(tmp_path / "in", rows, "a.csv", facts=""))[0] == 0
    found = points_in(newest(tmp_path / "data" / "snapshots"))
    assert [point["interactivity_tok_per_s_per_user"] for point in found] == [12.5, None]


@pytest.mark.parametrize("cell", ["\u0661\u0662\u0660", "\uff16\uff10\uff10", "1,200", "1 200", "1_200", "1e400"])
def test_a_number_in_other_digits_or_with_separators_is_refused_by_name(tmp_path, program, cell):
    rows = [ROW, ROW | {"conc": 128, "total_tok_per_s_per_gpu": cell}]
    code, told = program("doctor", strangers_file(tmp_path / "in", rows, "a.csv", facts=""))
    assert code == 0 and "left out: 1 total_tok_per_s_per_gpu" in told and "(first: row 1)" in told


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"total_token_throughput": 9830.4}, "is 9830.4, but the tokens and the time of the run make 4915.2"),
        ({"output_throughput": 819.2}, "is 819.2, but the tokens and the time of the run make 1638.4"),
        ({"median_tpot_ms": None}, "only the mean time per output token is there"),
        ({"tensor_parallel_size": 8}, "num_gpu is 4, but the parallel sizes make 8"),
    ],
)
def test_a_record_that_contradicts_itself_is_refused(tmp_path, program, changed, words):
    code, told = program("ingest", strangers_file(tmp_path / "in", SERVED | changed))
    assert code == 3 and words in told.replace("\n", " "), told


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"median_tpot_s": 80, "interactivity_tok_per_s_per_user": ""}, "64 requests in flight draw 0.80402 output"),
        ({"median_ttft_s": 250}, "64 requests in flight draw 48.1"),
        ({"total_tok_per_s_per_gpu": 4800}, "the rates say 6400 on 8 GPUs"),
        ({"output_tok_per_s_per_gpu": 800}, "800 is more than the total, 600"),
    ],
)
def test_a_number_in_another_unit_or_of_another_scope_costs_its_row(tmp_path, program, changed, words):
    good = dict.fromkeys(changed, "") | ROW
    code, told = program("doctor", strangers_file(tmp_path / "in", [good, good | changed], "a.csv", facts=""))
    assert code == 0 and words in told and "+ 1 excluded" in told and "(first: row 1)" in told


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        (
            {"total_tokens_per_s": 4800},
            "total_tokens_per_s: is not a field of the plain CSV template; total_tok_per_s is",
        ),
        ({"": 7}, "a column without a name: holds values; name it, or delete it"),
        ({"date": "31.05.2026"}, "'31.05.2026' is not a date; write it as in 2026-05-31"),
        (
            {"disagg": "true", "num_prefill_gpu": 4, "num_decode_gpu": 8},
            "num_gpu: is 8, but its pools have 4 and 8 GPUs",
        ),
        ({"date": "2099-01-01"}, "date: 2099-01-01 lies in the future"),
        ({"total_tok_per_s_per_gpu": "1,200"}, "'1,200' is not a number; write it as in 1234.5"),
        (
            {"model": "nvidia/DeepSeek-R1-0528-NVFP4-v2"},
            "precision: is fp8, but the model is called 'nvidia/DeepSeek-R1",
        ),
    ],
)
def test_a_row_of_no_use_is_left_out_with_what_to_do(tmp_path, program, changed, words):
    code, told = program("doctor", strangers_file(tmp_path / "in", [ROW | changed], "a.csv", facts=""))
    assert code == 3 and words in told, told


@pytest.mark.parametrize(
    ("changed", "right"),
    [
        ({"": ""}, {"conc": 64}),
        ({"requests_per_s": 4}, {"workload": "other", "scenario": "requests at a set rate", "requests_per_s": 4.0}),
        ({"requests_per_s": 4, "workload": "fixed_length"}, {"workload": "other"}),
        ({"model": "/hf/models--nvidia--DeepSeek-R1-0528-FP4/snapshots/4236a", "precision": "bf16"},
         {"model": "deepseek-r1-0528", "precision": "fp4", "repairs": ["precision_from_name"]}),
        ({"precision": "modelopt_fp4"}, {"precision": "fp4"}),
        ({"gpu": "DGX-H200"}, {"gpu": "h200"}),
        ({"tp": 1, "dp": 8, "dp_attention": "true", "num_gpu": ""}, {"num_gpu": 8}),
    ],
)  # fmt: skip
def test_what_a_row_states_is_used(tmp_path, program, changed, right):
    assert program("ingest", strangers_file(tmp_path / "in", [ROW | changed], "a.csv", facts=""))[0] == 0
    assert_are(points_in(newest(tmp_path / "data" / "snapshots")), [right])


def test_the_activations_format_gives_way_and_models_added_up_are_no_point(tmp_path, program):
    assert program("ingest", strangers_file(tmp_path / "one", SERVED | {"dtype": "bfloat16"}))[0] == 0
    assert_are(points_in(newest(tmp_path / "data" / "snapshots")), [{"precision": "fp8"}])
    two = json.loads(json.dumps(layouts.AIPERF_02))
    two["input_config"]["endpoint"]["model_names"] = ["acme/a", "acme/b"]
    code, told = program("doctor", strangers_file(tmp_path / "two", two))
    assert code == 3 and "input_config.endpoint.model_names.0: is one of several models" in told, told


def test_the_record_itself_is_read(tmp_path, program):
    assert program("ingest", strangers_file(tmp_path / "in", SERVED))[0] == 0
    right = {"total_tok_per_s_per_gpu": 1228.8, "output_tok_per_s_per_gpu": 409.6, "conc": 32, "isl_tok": 1024}
    right |= {"interactivity_tok_per_s_per_user": 1 / 0.019, "workload": "fixed_length", "median_ttft_s": 0.25}
    assert_are(points_in(newest(tmp_path / "data" / "snapshots")), [right])


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ([{"benchmark": {}, "model": {}, "metric": {"benchmark_values": [1]}}], "--save-result"),
        ({"world_info": {}, "request_info": {}, "performance": {}}, "trtllm-bench"),
        ({"eval_count": 1, "eval_duration": 2, "model": "x"}, "Ollama"),
        ("Type,Request Count,Failure Count,Median Response Time\nPOST,80,0,4\n", "Locust"),
        ("version https://git-lfs.github.com/spec/v1\noid sha256:a\nsize 1\n", "git lfs pull"),
        ('# HELP vllm:running x\n# TYPE vllm:running gauge\nvllm:running{a="x"} 3.0\n', "metrics of a server"),
    ],
)
def test_a_known_foreign_file_is_named_with_what_to_do(tmp_path, program, content, words):
    text = content if isinstance(content, str) else json.dumps(content)
    code, told = program("doctor", strangers_file(tmp_path / "in", text))
    assert code == 2 and words in told.replace("\n", " "), told
