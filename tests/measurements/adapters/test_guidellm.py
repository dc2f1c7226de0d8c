"""GuideLLM's reports, made by running it (see tests/tools/load_tools.py)."""

from hypothesis import given
from load_test_cases import (
    TPOT_S,
    assert_is_the_servers_pace,
    assert_rows_or_problems,
    changed,
    fixture,
    problem_of,
    read,
    row_of,
    spoilt,
)

from tokenfactory.measurements import adapters
from tokenfactory.measurements.adapters import RowProblem

guidellm = adapters.named("guidellm")

SWEEP, RATE = fixture("guidellm_concurrent.json"), fixture("guidellm_rate.json")
ONE = SWEEP | {"benchmarks": SWEEP["benchmarks"][:1]}
METRICS = ("benchmarks", 0, "metrics")


def test_every_load_of_a_report_is_a_row_and_says_what_the_server_did():
    rows = read(guidellm, SWEEP)
    assert len(rows) == 2
    for row, conc in zip(rows, (2, 4), strict=True):
        assert_is_the_servers_pace(row, conc=conc)
        assert "workload" not in row
        assert row["model"] == "acme/demo-model"
        assert not row.keys() & {"hardware", "num_gpu", "framework"}
        assert "run_id" not in row  # the id of a report would keep its repeats apart


def test_the_time_per_token_leaves_out_the_first_one_as_ours_does():
    theirs = SWEEP["benchmarks"][0]["metrics"]["time_per_output_token_ms"]["successful"]["median"] / 1000
    assert theirs > 1.2 * TPOT_S  # (0.05 + 15 x 0.01) / 16 = 0.0125
    assert read(guidellm, SWEEP)[0]["median_tpot_s"] < 1.1 * TPOT_S


def test_the_rate_is_tokens_over_time():
    benchmark = SWEEP["benchmarks"][0]
    row = read(guidellm, SWEEP)[0]
    assert abs(row["output_tok_per_s"] - 16 * 16 / benchmark["duration"]) < 0.01


def test_the_day_is_that_of_the_start_in_utc():
    assert row_of(guidellm, changed(ONE, "benchmarks", 0, "start_time", to=1779272100.0))["date"] == "2026-05-20"
    problem = problem_of(guidellm, changed(ONE, "benchmarks", 0, "start_time", to=1e14))
    assert problem.field == "benchmarks.0.start_time"


def test_a_rate_of_requests_is_an_open_loop_whatever_its_limit():
    row = row_of(guidellm, RATE)
    assert RATE["benchmarks"][0]["config"]["strategy"]["max_concurrency"] > 1000  # a limit, not a load
    assert (row["workload"], row["scenario"]) == ("other", "requests at a set rate, constant")
    assert row["conc"] == 2  # 8 a second of 0.2 s each: 1.6 in flight
    at_once = changed(RATE, "benchmarks", 0, "config", "strategy", "type_", to="throughput")
    assert row_of(guidellm, at_once)["scenario"] == "all requests at once"
    one_by_one = changed(RATE, "benchmarks", 0, "config", "strategy", "type_", to="synchronous")
    assert row_of(guidellm, one_by_one)["conc"] == 1


def test_requests_of_different_lengths_are_a_data_set():
    row = row_of(guidellm, changed(ONE, *METRICS, "prompt_token_count", "successful", "min", to=3.0))
    assert (row["workload"], row["scenario"]) == ("other", "synthetic_text")


def test_prompts_without_a_count_of_tokens_are_not_free():
    record = changed(ONE, *METRICS, "prompt_token_count", "successful", "mean", to=0.0)
    assert problem_of(guidellm, record).reason == "is 0: the tokens were not counted"


def test_requests_cut_off_by_the_end_have_not_failed():
    assert row_of(guidellm, changed(ONE, *METRICS, "request_totals", "incomplete", to=9))["num_requests_ok"] == 16
    problem = problem_of(guidellm, changed(ONE, *METRICS, "request_totals", "errored", to=9))
    assert "9 of 25 requests failed" in problem.reason


def test_a_bad_benchmark_is_named_and_does_not_cost_the_others():
    problem, row = read(guidellm, changed(SWEEP, *METRICS, to=None))
    assert isinstance(problem, RowProblem) and problem.field == "benchmarks.0.metrics.request_totals.successful"
    assert row["conc"] == 4
    assert problem_of(guidellm, SWEEP | {"benchmarks": []}).reason == "holds no benchmark"


@given(spoilt(ONE, "metadata"))
def test_anything_in_any_field_gives_a_row_or_words(record):
    assert_rows_or_problems(guidellm, record)
