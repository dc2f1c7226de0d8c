"""inference-perf's reports, made by running it (see tests/tools/load_tools.py)."""

import pytest
from hypothesis import given
from load_test_cases import (
    assert_is_the_servers_pace,
    assert_rows_or_problems,
    changed,
    fixture,
    problem_of,
    row_of,
    spoilt,
)

from tokenfactory.measurements import adapters

inference_perf = adapters.named("inference_perf")

TWO, FOUR, SUMMARY, RATE = (fixture(f"inference_perf_{n}.json") for n in ("stage_0", "stage_1", "summary", "rate"))


@pytest.mark.parametrize(("record", "conc"), [(TWO, 2), (FOUR, 4)])
def test_the_tools_output_says_what_the_server_did(record, conc):
    row = row_of(inference_perf, record)
    assert_is_the_servers_pace(row, conc=conc)
    assert "workload" not in row
    assert row["p90_itl_s"] == record["successes"]["latency"]["inter_token_latency"]["p90"]
    assert not row.keys() & {"model", "hardware", "num_gpu", "framework", "date"}


def test_the_summary_of_several_loads_is_no_point():
    problem = problem_of(inference_perf, SUMMARY)
    assert problem.field == "load_summary"
    assert "stage_N_lifecycle_metrics.json" in problem.reason


def test_a_rate_of_requests_is_an_open_loop():
    row = row_of(inference_perf, RATE)
    assert (row["workload"], row["scenario"]) == ("other", "requests at a set rate")
    assert row["conc"] == 2  # 7.4 a second of 0.2 s each: 1.5 in flight
    assert (row["isl_tok"], row["osl_tok"]) == (64, 16)


def test_a_fixed_number_in_flight_goes_before_the_rate_the_tool_makes_of_it():
    assert TWO["load_summary"]["requested_rate"] == 16
    assert row_of(inference_perf, TWO)["conc"] == 2


def test_failed_requests_and_answers_in_one_piece_are_no_measurement():
    problem = problem_of(inference_perf, changed(TWO, "failures", "count", to=4))
    assert "4 of 20 requests failed" in problem.reason
    whole = changed(TWO, "successes", "latency", "time_per_output_token", to=None)
    assert problem_of(inference_perf, whole).field == "median_tpot_s"


def test_requests_of_different_lengths_have_no_length():
    row = row_of(inference_perf, changed(TWO, "successes", "prompt_tokens", "max", to=900.0))
    assert (row["workload"], row["scenario"]) == ("other", "requests of different lengths")


@given(spoilt(TWO))
def test_anything_in_any_field_gives_a_row_or_words(record):
    assert_rows_or_problems(inference_perf, record)
