"""Results of SGLang's `bench_serving`: JSON Lines, one object per run, appended to one file.

Times are in milliseconds. The file names the client's protocol (`backend`). The model and the engine's sizes
stand in it only where the server answered `/server_info`, so with other engines they are facts to give.
"""

from collections.abc import Iterator

from tokenfactory.measurements.adapters import Context, Row
from tokenfactory.measurements.adapters.load_test import Length, number, optional_number, point, seconds, text, value
from tokenfactory.measurements.adapters.vllm_serving import open_loop

NAME, VERSION = "sglang_serving", 1
SOURCE = "own measurement"

_MS = 0.001
_STATISTICS = ("mean", "median", "p90", "p99")
_TIMES = {"ttft": "ttft", "tpot": "tpot", "itl": "itl", "e2e_latency": "e2el"}


def recognise(record: Row) -> str | None:
    telling = {"input_throughput", "output_throughput", "median_e2e_latency_ms", "random_input_len"}
    return "measured_points" if telling <= record.keys() else None


def rows(record: Row, context: Context) -> Iterator[Row]:
    num_ok = number(record, "completed")
    output_tok_per_s = number(record, "output_throughput")
    yield point(
        context,
        num_ok=num_ok,
        num_failed=0,  # the tool keeps no count of failed requests
        total_tok_per_s=number(record, "input_throughput") + output_tok_per_s,
        output_tok_per_s=output_tok_per_s,
        times_s={
            ours: {stat: seconds(record, f"{stat}_{theirs}_ms", unit_s=_MS) for stat in _STATISTICS}
            for theirs, ours in _TIMES.items()
        },
        input_length=_length(record, "random_input_len", "total_input_tokens", num_ok),
        output_length=_length(record, "random_output_len", "total_output_tokens", num_ok),
        conc=optional_number(record, "max_concurrency"),
        open_loop=open_loop(record),
        mean_in_flight=optional_number(record, "concurrency"),
        data_set=_data_set(record),
        **_server(value(record, "server_info")),
    )


def _is_random(record: Row) -> bool:
    return (text(record, "dataset_name") or "").startswith("random")


def _length(record: Row, asked: str, total: str, num_ok: float) -> Length:
    mean = number(record, total) / num_ok if num_ok else None
    longest = optional_number(record, asked)
    if not _is_random(record) or longest is None:
        # A data set's requests differ in length, by how much is not in the file.
        return Length(mean=mean, shortest=0, longest=1)
    # Lengths are drawn between this share of the longest and the longest.
    shortest = longest * number(record, "random_range_ratio")
    return Length(asked=longest, mean=mean, shortest=shortest, longest=longest)


def _data_set(record: Row) -> str | None:
    name = text(record, "dataset_name")
    if not _is_random(record):
        return name
    isl, osl = value(record, "random_input_len"), value(record, "random_output_len")
    return f"{name}, at most {isl} and {osl} tokens, at least {value(record, 'random_range_ratio')} of that"


def _server(info: object) -> dict:
    """What an SGLang server says of itself. One half of a disaggregated deployment does not speak for the whole."""
    if text(info, "model_path") is None or text(info, "disaggregation_mode") not in (None, "null"):
        return {}
    tp, pp, dp = (value(info, name) for name in ("tp_size", "pp_size", "dp_size"))
    stated = {
        "framework": "sglang",
        "model": value(info, "model_path"),
        "tp": tp,
        "pp": pp,
        "ep": value(info, "ep_size"),
        "dp_attention": value(info, "enable_dp_attention"),
        "spec_decoding": text(info, "speculative_algorithm") or "none",
    }
    if all(isinstance(size, int) for size in (tp, pp, dp)):
        # With data-parallel attention the ranks of dp are ranks of tp; without it each has GPUs of its own.
        stated["num_gpu"] = tp * pp * (1 if stated["dp_attention"] else dp)
    return stated
