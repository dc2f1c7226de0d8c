"""What the load-test adapters share, and the way of their rows through ingest."""

import shutil

import duckdb
import pytest
from load_test_cases import FIXTURES, fixture, lines

from tokenfactory.measurements import adapters, ingest
from tokenfactory.measurements.adapters.load_test import Length
from tokenfactory.warehouse.attach import attach

OURS = ("vllm_serving", "sglang_serving", "aiperf", "guidellm", "inference_perf")


@pytest.mark.parametrize(
    ("adapter", "record"),
    [
        ("sglang_serving", lines("sglang_serving.jsonl")[0]),
        ("aiperf", fixture("aiperf_rate.json")),
        ("guidellm", fixture("guidellm_rate.json")),
        ("inference_perf", fixture("inference_perf_rate.json")),
        ("inference_perf", fixture("inference_perf_summary.json")),
    ],
)
def test_an_output_is_recognised_by_one_adapter_alone(adapter, record):
    assert [module.NAME for module in adapters.modules() if module.recognise(record)] == [adapter]


@pytest.mark.parametrize("record", [{}, {"benchmarks": []}, {"metadata": []}, {"completed": 1}])
def test_something_else_is_recognised_by_none_of_ours(record):
    ours = [module for module in adapters.modules() if module.NAME in OURS]
    assert len(ours) == len(OURS)
    assert not [module.NAME for module in ours if module.recognise(record)]


@pytest.fixture
def measured(tmp_path):
    """The tools' outputs in a folder with the facts beside them, ingested."""
    folder = tmp_path / "mine"
    folder.mkdir()
    for name in ("aiperf_concurrency_2", "aiperf_concurrency_4", "guidellm_concurrent", "inference_perf_stage_0"):
        shutil.copy(FIXTURES / f"{name}.json", folder)
    (folder / "token-factory.yaml").write_text("hardware: NVIDIA H200\nnum_gpu: 8\nmodel: acme/other\nprecision: fp8\n")
    return ingest.ingest([folder], tmp_path / "snapshots")


def test_facts_beside_the_files_make_points_of_them(measured):
    assert measured.exit_code == 0
    with duckdb.connect() as connection:
        attach(connection, measured.snapshot)
        found = connection.execute(
            "SELECT adapter, gpu, num_gpu, model, precision, workload, isl_tok, osl_tok, conc FROM measured_points"
            " ORDER BY ALL"
        ).fetchall()
        (rates,) = connection.execute(
            "SELECT total_tok_per_s_per_gpu FROM measured_points WHERE adapter = 'aiperf' AND conc = 2"
        ).fetchall()
    same = ("fixed_length", 64, 16)
    # The tool's own word on the model goes before the fact, which fills in where there is none.
    assert found == [
        ("aiperf", "h200", 8, "acme-demo-model", "fp8", *same, 2),
        ("aiperf", "h200", 8, "acme-demo-model", "fp8", *same, 4),
        ("guidellm", "h200", 8, "acme-demo-model", "fp8", *same, 2),
        ("guidellm", "h200", 8, "acme-demo-model", "fp8", *same, 4),
        ("inference_perf", "h200", 8, "acme-other", "fp8", *same, 2),
    ]
    of_all = fixture("aiperf_concurrency_2.json")["total_token_throughput"]["avg"]
    assert rates == (pytest.approx(of_all / 8),)


def test_without_facts_the_row_is_excluded_and_the_missing_field_is_named(tmp_path):
    shutil.copy(FIXTURES / "aiperf_rate.json", tmp_path)
    report = ingest.ingest([tmp_path / "aiperf_rate.json"], tmp_path / "snapshots", needs_points=False)
    with duckdb.connect() as connection:
        attach(connection, report.snapshot)
        found = connection.execute("SELECT field, reason FROM excluded_rows").fetchall()
    assert found == [("hardware", "the row names no hardware; give hardware in token-factory.yaml")]


# ---- lengths ----


@pytest.mark.parametrize(
    ("length", "tok"),
    [
        (Length(asked=8192, mean=7373.1), 8192),  # what was asked for
        (Length(mean=1024.0), 1024),  # a whole mean without a range: all alike
        (Length(mean=7373.1), 7400),  # two digits
        (Length(mean=7373.0, shortest=6554, longest=8192), 7400),
        (Length(mean=63.999, shortest=64, longest=64), 64),
        (Length(mean=0.0), None),
        (Length(), None),
    ],
)
def test_a_length_is_the_one_asked_for_or_a_mean_in_two_digits(length, tok):
    assert length.tok == tok


@pytest.mark.parametrize(("shortest", "is_fixed"), [(100, True), (80, True), (79, True), (78, False), (None, True)])
def test_lengths_of_80_to_100_percent_are_fixed(shortest, is_fixed):
    assert Length(mean=90, shortest=shortest, longest=100).is_fixed is is_fixed
