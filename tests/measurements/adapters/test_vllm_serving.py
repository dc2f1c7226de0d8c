"""Raw results of vLLM's serving benchmark. vLLM is too large to run here: the result has its documented shape."""

import pytest
from hypothesis import given
from load_test_cases import assert_rows_or_problems, changed, problem_of, row_of, spoilt, without

from tokenfactory.measurements import adapters

vllm_serving = adapters.named("vllm_serving")

# Consistent with itself: 640 requests in 300 s, each of 7373 input and 922 output tokens:
#   output 640 x 922 / 300 = 1966.9333 tok/s; total 640 x (7373 + 922) / 300 = 17696 tok/s
#   request 0.82 s + 921 x 0.0316 s = 29.9236 s; in flight 640 x 29.9 / 300 = 63.79
RESULT = {
    **{"date": "20260520-101500", "backend": "vllm", "model_id": "acme/demo-model-FP8"},
    **{"tokenizer_id": "acme/demo-model-FP8", "best_of": 1, "num_prompts": 640, "request_rate": "inf"},
    **{"burstiness": 1.0, "max_concurrency": 64, "duration": 300.0, "completed": 640},
    **{"total_input_tokens": 640 * 7373, "total_output_tokens": 640 * 922, "request_throughput": 2.1333},
    **{"request_goodput:": None, "output_throughput": 640 * 922 / 300, "total_token_throughput": 17696.0},
    **{"mean_ttft_ms": 910.0, "median_ttft_ms": 820.0, "std_ttft_ms": 310.0, "p99_ttft_ms": 2100.0},
    **{"mean_tpot_ms": 32.0, "median_tpot_ms": 31.6, "p90_tpot_ms": 40.0, "p99_tpot_ms": 50.0, "p99.9_tpot_ms": 60.0},
    **{"mean_itl_ms": 32.0, "median_itl_ms": 31.0, "p99_itl_ms": 88.0},
    **{"mean_e2el_ms": 29900.0, "median_e2el_ms": 29923.6, "p99_e2el_ms": 43000.0},
}


def test_milliseconds_become_seconds_and_percentiles_the_slow_tail():
    row = row_of(vllm_serving, RESULT)
    assert row["median_ttft_s"] == pytest.approx(0.82)
    assert row["p99_itl_s"] == pytest.approx(0.088)
    assert row["median_e2el_s"] == pytest.approx(29.9236)
    assert row["interactivity_tok_per_s_per_user"] == pytest.approx(31.6456, rel=1e-5)  # 1000 / 31.6
    assert row["p90_interactivity_tok_per_s_per_user"] == pytest.approx(25)  # 1000 / 40
    assert row["p99_interactivity_tok_per_s_per_user"] == pytest.approx(20)  # 1000 / 50
    assert row["mean_interactivity_tok_per_s_per_user"] == pytest.approx(31.25)  # 1000 / 32


def test_rates_are_of_the_whole_deployment_and_its_size_is_not_guessed():
    row = row_of(vllm_serving, RESULT)
    assert row["total_tok_per_s"] == 17696
    assert row["output_tok_per_s"] == pytest.approx(1966.9333)
    assert row["input_tok_per_s"] == pytest.approx(15729.0667)  # 17696 - 1966.9333
    assert not row.keys() & {"hardware", "num_gpu", "framework", "precision", "tp"}
    assert (row["model"], row["date"], row["conc"]) == ("acme/demo-model-FP8", "2026-05-20", 64)


def test_a_mean_length_is_rounded_to_two_digits_unless_it_is_known():
    row = row_of(vllm_serving, changed(RESULT, "total_input_tokens", to=640 * 7373 + 5))
    assert (row["isl_tok"], row["osl_tok"]) == (7400, 922)
    row = row_of(vllm_serving, RESULT, isl_tok=8192, osl_tok=1024)
    assert not row.keys() & {"isl_tok", "osl_tok"}  # the facts fill what is left out
    row = row_of(vllm_serving, RESULT, file="dsr1_8k1k_fp8_h200.json")
    assert not row.keys() & {"isl_tok", "osl_tok"}  # the file's name says them


def test_requests_that_all_have_one_length_have_that_one():
    row = row_of(vllm_serving, RESULT | {"input_lens": [7373] * 640, "output_lens": [922] * 639 + [0]})
    assert (row["isl_tok"], row["osl_tok"]) == (7373, 922)


def test_lengths_as_different_as_those_of_a_data_set_are_no_fixed_length():
    row = row_of(vllm_serving, RESULT | {"input_lens": [6554, 8192], "output_lens": [820, 1024]})
    assert "workload" not in row  # 80 to 100%: fixed
    row = row_of(vllm_serving, RESULT | {"input_lens": [100, 8192], "output_lens": [820, 1024]})
    assert (row["workload"], row["scenario"]) == ("other", "requests of different lengths")
    assert "isl_tok" not in row
    row = row_of(vllm_serving, RESULT | {"input_lens": [100, 8192]}, scenario="sharegpt")
    assert (row["workload"], row["scenario"]) == ("other", "sharegpt")


@pytest.mark.parametrize(
    ("load", "scenario"),
    [
        ({"request_rate": 2.0}, f"requests at a set rate, at most {RESULT['max_concurrency']} in flight"),
        ({"request_rate": 2.0, "max_concurrency": None}, "requests at a set rate"),
        ({"max_concurrency": None}, "all requests at once"),
    ],
)
def test_an_open_loop_has_as_many_in_flight_as_were_measured(load, scenario):
    row = row_of(vllm_serving, RESULT | load)
    assert row["conc"] == 64  # 640 x 29.9 s / 300 s = 63.79
    assert (row["workload"], row["scenario"]) == ("other", scenario)
    assert row_of(vllm_serving, RESULT | load | {"mean_e2el_ms": 150.0})["conc"] == 1  # 640 x 0.15 s / 300 s = 0.32
    assert row.get("requests_per_s") == load.get("request_rate")
    # Whatever a person adds, it is no point of a closed loop, and what was measured stays.
    row = row_of(vllm_serving, RESULT | load, workload="fixed_length", conc=50)
    assert (row["workload"], row["conc"]) == ("other", 64)


def test_a_time_of_zero_is_no_time():
    row = row_of(vllm_serving, RESULT | {"median_itl_ms": 0, "p90_tpot_ms": 0})
    assert not row.keys() & {"median_itl_s", "p90_tpot_s", "p90_interactivity_tok_per_s_per_user"}


@pytest.mark.parametrize("rate", ["inf", "Infinity", float("inf"), None])
def test_infinity_is_no_rate(rate):
    row = row_of(vllm_serving, changed(RESULT, "request_rate", to=rate))
    assert row["conc"] == 64 and "workload" not in row


def test_without_request_times_they_are_those_of_the_tokens():
    result = without(changed(RESULT, "request_rate", to=2.0), "mean_e2el_ms")
    # 2.1333 requests/s x (0.91 s + 921 x 0.032 s) = 64.8 in flight
    assert row_of(vllm_serving, result)["conc"] == 65


def test_a_limit_that_no_request_met_is_no_load():
    row = row_of(vllm_serving, RESULT | {"max_concurrency": 1024})
    assert (row["workload"], row["scenario"], row["conc"]) == ("other", "all requests at once", 64)


def test_a_ramp_is_an_open_loop():
    row = row_of(vllm_serving, RESULT | {"ramp_up_strategy": "linear", "ramp_up_start_rps": 1, "ramp_up_end_rps": 9})
    assert (row["workload"], row["scenario"]) == ("other", "a load that grows")


@pytest.mark.parametrize(
    ("added", "field", "expected"),
    [
        ({"num_gpus": 8}, "num_gpu", 8),
        ({"gpu_count": "8"}, "num_gpu", "8"),
        ({"tensor_parallel_size": 4, "pipeline-parallel-size": 2, "dp_size": 3}, "tp", 4),
        ({"tensor_parallel_size": 4, "data_parallel_size": 2}, "dp", 2),
        ({"quantization": "awq", "dtype": "bfloat16"}, "precision", "awq"),
        ({"dtype": "bfloat16"}, "precision", "bfloat16"),
        ({"speculative_config": '{"method": "eagle3", "num_speculative_tokens": 3}'}, "spec_decoding", "eagle3"),
        ({"speculative_config": {"num_speculative_tokens": 3}}, "speculates", True),
        ({"spec_decode_acceptance_length": 2.4}, "speculates", True),
        ({"max_num_seqs": 256, "run_number": 2}, "recipe_fingerprint", "max_num_seqs=256"),
    ],
)
def test_what_a_file_states_of_its_server_is_used(added, field, expected):
    assert row_of(vllm_serving, RESULT | added)[field] == expected


def test_metadata_under_the_name_of_a_fact_is_taken_and_the_tools_own_word_stays():
    result = RESULT | {"hardware": "h200", "num_gpu": "8", "isl_tok": "8192", "conc": "9", "model": "other"}
    row = row_of(vllm_serving, result)
    assert (row["hardware"], row["num_gpu"], row["isl_tok"]) == ("h200", "8", "8192")
    assert (row["conc"], row["model"]) == (64, "acme/demo-model-FP8")


@pytest.mark.parametrize(
    ("spoil", "field", "reason"),
    [
        ({"completed": 0}, "num_requests_ok", "no request succeeded"),
        ({"completed": 600}, "num_requests_ok", "40 of 640 requests failed; more than 5% is no measurement"),
        ({"failed": 40}, "num_requests_ok", "40 of 680 requests failed; more than 5% is no measurement"),
        ({"median_tpot_ms": 0}, "median_tpot_s", "only the mean time per output token is there"),
        ({"total_token_throughput": "fast"}, "total_token_throughput", "'fast' is not a number"),
        ({"total_token_throughput": 1000}, "total_token_throughput", "1000 is less than the output alone"),
        ({"num_gpus": "8", "gpu_count": "4"}, "gpu_count", "'4' contradicts '8' in the same row"),
        ({"output_throughput": -1}, "output_throughput", "-1 is negative"),
        ({"duration": float("inf")}, "duration", "is infinite"),
        ({"total_input_tokens": 10**400}, "total_input_tokens", "is too large"),
        (
            {"output_throughput": None, "duration": 0, "output_lens": None, "total_output_tokens": None},
            "output_throughput",
            "is missing",
        ),
    ],
)
def test_what_is_no_measurement_is_said_by_its_field(spoil, field, reason):
    problem = problem_of(vllm_serving, RESULT | spoil)
    assert problem.field == field
    assert reason in problem.reason


def test_a_twentieth_of_failed_requests_is_still_a_measurement():
    assert row_of(vllm_serving, RESULT | {"completed": 608})["num_requests_ok"] == 608


@given(spoilt(RESULT))
def test_anything_in_any_field_gives_a_row_or_words(record):
    assert_rows_or_problems(vllm_serving, record)
