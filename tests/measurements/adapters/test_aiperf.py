"""AIPerf's summaries, made by running it (see tests/tools/load_tools.py)."""

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
    without,
)

from tokenfactory.measurements import adapters

aiperf = adapters.named("aiperf")

TWO, FOUR, RATE = (fixture(f"aiperf_{name}.json") for name in ("concurrency_2", "concurrency_4", "rate"))
SPEED = "output_token_throughput_per_user"


@pytest.mark.parametrize(("record", "conc"), [(TWO, 2), (FOUR, 4)])
def test_the_tools_output_says_what_the_server_did(record, conc):
    row = row_of(aiperf, record)
    assert_is_the_servers_pace(row, conc=conc)
    assert "workload" not in row
    assert (row["model"], row["date"][:10]) == ("acme/demo-model", record["start_time"][:10])
    assert not row.keys() & {"hardware", "num_gpu", "framework", "run_id"}


def test_percentiles_of_speed_are_the_slow_tail_where_the_tools_are_the_fast_one():
    row = row_of(aiperf, TWO)
    assert row["p90_interactivity_tok_per_s_per_user"] == 1000 / TWO["inter_token_latency"]["p90"]
    assert row["p90_interactivity_tok_per_s_per_user"] < row["interactivity_tok_per_s_per_user"] < TWO[SPEED]["p90"]


def test_single_gaps_are_the_times_between_tokens():
    assert row_of(aiperf, TWO)["p99_itl_s"] == TWO["inter_chunk_latency"]["p99"] / 1000


def test_units_are_those_the_metric_names():
    seconds = changed(TWO, "time_to_first_token", "unit", to="sec")
    assert row_of(aiperf, seconds)["median_ttft_s"] == TWO["time_to_first_token"]["p50"]
    problem = problem_of(aiperf, changed(TWO, "time_to_first_token", "unit", to="minutes"))
    assert (problem.field, problem.reason) == ("time_to_first_token.unit", "'minutes' is not a known unit of time")
    problem = problem_of(aiperf, changed(TWO, "total_token_throughput", "unit", to="tokens/min"))
    assert problem.reason == "'tokens/min' is not a known unit of a rate"


def test_a_rate_of_requests_is_an_open_loop():
    row = row_of(aiperf, RATE)
    assert (row["workload"], row["scenario"]) == ("other", "requests at a set rate, poisson")
    assert row["conc"] == max(1, round(RATE["effective_concurrency"]["avg"]))
    assert (row["isl_tok"], row["osl_tok"]) == (64, 16)


def test_requests_of_different_lengths_are_a_data_set():
    row = row_of(aiperf, changed(TWO, "input_sequence_length", "min", to=10.0))
    assert (row["workload"], row["scenario"]) == ("other", "synthetic")
    assert "isl_tok" not in row


def test_failed_requests_are_those_that_completed_without_success():
    record = changed(TWO, "completed_request_count", "avg", to=17.0)
    assert problem_of(aiperf, record).reason == "1 of 17 requests failed; more than 5% is no measurement"


@pytest.mark.parametrize(("key", "value"), [("was_cancelled", True), ("is_complete", False)])
def test_a_run_that_was_broken_off_is_no_measurement(key, value):
    assert problem_of(aiperf, TWO | {key: value}).reason == "the run did not come to its end"


def test_phases_of_different_load_are_not_one_point():
    (phase,) = TWO["input_config"]["phases"]
    two_phases = changed(TWO, "input_config", "phases", to=[phase, phase | {"concurrency": 8}])
    assert problem_of(aiperf, two_phases).field == "input_config.phases"
    warm_up = changed(TWO, "input_config", "phases", to=[{"kind": "warmup", "concurrency": 8}, phase])
    assert row_of(aiperf, warm_up)["conc"] == 2


def test_without_the_load_a_person_must_say_it():
    record = without(TWO, "input_config", "phases")
    assert problem_of(aiperf, record).field == "conc"
    assert "conc" not in row_of(aiperf, record, conc=2)


@given(spoilt(TWO))
def test_anything_in_any_field_gives_a_row_or_words(record):
    assert_rows_or_problems(aiperf, record)
