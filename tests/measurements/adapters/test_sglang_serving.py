"""Results of SGLang's benchmark, made by running it (see tests/tools/load_tools.py)."""

import pytest
from hypothesis import given
from load_test_cases import assert_is_the_servers_pace, assert_rows_or_problems, changed, lines, row_of, spoilt

from tokenfactory.measurements import adapters

sglang_serving = adapters.named("sglang_serving")

# Two, then four requests in flight; a rate; and lengths from a tenth of the longest on.
TWO, FOUR, RATE, SPREAD = lines("sglang_serving.jsonl")
SERVER = {
    **{"model_path": "deepseek-ai/DeepSeek-R1-0528", "tp_size": 8, "pp_size": 1, "dp_size": 8, "ep_size": 8},
    **{"enable_dp_attention": True, "disaggregation_mode": "null", "speculative_algorithm": None, "version": "0.5"},
}


@pytest.mark.parametrize(("record", "conc"), [(TWO, 2), (FOUR, 4)])
def test_the_tools_output_says_what_the_server_did(record, conc):
    row = row_of(sglang_serving, record)
    assert_is_the_servers_pace(row, conc=conc)
    assert "workload" not in row
    assert row["median_tpot_s"] == record["median_tpot_ms"] / 1000
    # 16 requests of 64 + 16 tokens, over the tool's own duration.
    assert row["total_tok_per_s"] == pytest.approx(16 * 80 / record["duration"])


def test_nothing_about_the_deployment_is_guessed():
    assert not row_of(sglang_serving, TWO).keys() & {"model", "framework", "hardware", "num_gpu", "date"}


def test_lengths_of_80_to_100_percent_count_as_the_longest():
    row = row_of(sglang_serving, RATE)
    assert RATE["total_input_tokens"] < 16 * 64
    assert (row["isl_tok"], row["osl_tok"]) == (64, 16)


def test_a_rate_of_requests_is_an_open_loop():
    row = row_of(sglang_serving, RATE)
    assert (row["workload"], row["scenario"]) == ("other", "requests at a set rate")
    # The server needs about 0.18 s a request and gets 8 a second: 1.4 in flight.
    assert RATE["concurrency"] == pytest.approx(8 * 0.18, rel=0.2)
    assert row["conc"] == 1


def test_lengths_of_a_wide_range_are_no_fixed_length():
    row = row_of(sglang_serving, SPREAD)
    assert row["workload"] == "other"
    assert row["scenario"] == "random-ids, at most 64 and 16 tokens, at least 0.1 of that"
    assert not row.keys() & {"isl_tok", "osl_tok"}


def test_a_data_set_is_named_and_is_no_fixed_length():
    row = row_of(sglang_serving, changed(TWO, "dataset_name", to="sharegpt"))
    assert (row["workload"], row["scenario"]) == ("other", "sharegpt")


@pytest.mark.parametrize(
    ("said", "num_gpu"),
    [
        ({}, 8),  # the ranks of data-parallel attention are the 8 of tensor parallelism
        ({"enable_dp_attention": False}, 64),  # 8 copies on 8 GPUs each
        ({"dp_size": 1, "pp_size": 2}, 16),
    ],
)
def test_the_server_speaks_for_itself(said, num_gpu):
    row = row_of(sglang_serving, TWO | {"server_info": SERVER | said})
    assert (row["num_gpu"], row["tp"], row["ep"]) == (num_gpu, 8, 8)
    assert (row["framework"], row["model"]) == ("sglang", "deepseek-ai/DeepSeek-R1-0528")
    assert row["spec_decoding"] == "none"


@pytest.mark.parametrize("info", [None, {}, SERVER | {"disaggregation_mode": "decode"}, {"model": "other engine"}])
def test_who_cannot_speak_for_the_whole_is_not_heard(info):
    assert not row_of(sglang_serving, TWO | {"server_info": info}).keys() & {"num_gpu", "tp", "framework", "model"}


@given(spoilt(TWO | {"server_info": SERVER}))
def test_anything_in_any_field_gives_a_row_or_words(record):
    assert_rows_or_problems(sglang_serving, record)
