"""What becomes of a raw row, as SQL: why it cannot be used, what is repaired, and each number of its point."""

from tokenfactory.warehouse import measured
from tokenfactory.warehouse.measured import LATENCY_NAMES, POINT_FIELDS

# Exports print few digits, so the identities are held to a part in a thousand, times of tokens to one in a hundred.
RATE_TOLERANCE = 1e-3
TIME_TOLERANCE = 1e-2
# Two rows are the same measurement when their throughput and speed agree to this.
SAME = 1e-9
LITTLES_LAW_BAND = 0.1
LATEST_WRITTEN = "2026-12-01"  # a clock that shows less is wrong
# A row of one's own that makes more than this times what its users draw has a wrong unit or scope: of 2,800 rows of
# InferenceX none makes more than 1.08 times that.
MOST_OF_LITTLE = 1.5
# Requests of the InferenceX load generator are uniform in 80 to 100% of the nominal length.
MEAN_LENGTH_FRAC = 0.9

_NUMBERS = [c for c in POINT_FIELDS if c.type == "DOUBLE"]
_SPEEDS = measured.SPEED_OF
_TAILS = ("p75", "p90", "p99")


def _time(statistic: str) -> str:
    """The time whose reciprocal is the speed a user sees."""
    return f"if(workload = 'agentic', {statistic}_itl_s, {statistic}_tpot_s)"


def _is_off(statistic: str) -> str:
    """Whether a stated speed is not the speed of the time that is stated with it."""
    speed = _SPEEDS[statistic]
    off = [f"coalesce(abs({speed} * {statistic}_tpot_s - 1) > {TIME_TOLERANCE}, true)"]
    off.append(f"(workload <> 'agentic' OR coalesce(abs({speed} * {statistic}_itl_s - 1) > {TIME_TOLERANCE}, true))")
    return f"({' AND '.join(off)} AND {_time(statistic)} > 0 AND {speed} > 0)"


def _is_fast_tail(statistic: str) -> str:
    """Whether a percentile of the speeds, without the time's, is one of the fast users."""
    speed, median = _SPEEDS[statistic], _SPEEDS["median"]
    return f"({speed} > (1 + {TIME_TOLERANCE}) * coalesce(nullif({median}, 0), 1 / nullif({_time('median')}, 0)))"


def _speed(statistic: str) -> str:
    """A user's speed: as stated, else of the time; a percentile is that of the slow tail."""
    speed, of_time = _SPEEDS[statistic], f"1 / nullif({_time(statistic)}, 0)"
    usual = f"coalesce(nullif({speed}, 0), {of_time})"
    if statistic not in _TAILS:
        return usual
    is_fast = f"{_time(statistic)} IS NULL AND {_is_fast_tail(statistic)}"
    return f"CASE WHEN {_is_off(statistic)} THEN {of_time} WHEN {is_fast} THEN NULL ELSE {usual} END"


def _cases(cases: list[tuple[str, str]]) -> str:
    return "CASE " + " ".join(f"WHEN {is_so} THEN {value}" for is_so, value in cases) + " END"


# What the requests in flight draw at the row's times, as tokens that the deployment makes in a second.
_TPOT = "coalesce(nullif(mean_tpot_s, 0), nullif(median_tpot_s, 0), 1 / nullif(interactivity_tok_per_s_per_user, 0))"
_TTFT = "coalesce(nullif(mean_ttft_s, 0), nullif(median_ttft_s, 0), 0)"
_DRAWN = f"(conc * osl_tok / ({_TTFT} + (osl_tok - 1) * {_TPOT}))"
_MADE = "(num_gpu * coalesce(output_deployed, total * osl_tok / (isl_tok + osl_tok)))"

# Why a row cannot be used: condition, field, reason. The first that holds is the one that is said.
_IN_WORDS = "printf('input and output miss the total by %.3g%%', 100 * residual)"
_REASONS = [
    ("problem IS NOT NULL", "problem_field", "problem"),
    ("config_problem IS NOT NULL", "config_problem_field", "config_problem"),
    ("error IS NOT NULL", "'error'", "'the source calls it failed: ' || left(error, 200)"),
    ("num_requests_ok = 0", "'num_requests_ok'", "'no request succeeded'"),
    (
        f"coalesce(date, run_date) > greatest(today() + 1, DATE '{LATEST_WRITTEN}')",
        "'date'",
        "strftime(coalesce(date, run_date), '%Y-%m-%d lies in the future')",
    ),
    ("is_superseded", "'run_attempt'", "'belongs to an older attempt of its run'"),
    ("workload NOT IN ('fixed_length', 'agentic', 'other')", "'workload'", "'is not fixed_length, agentic or other'"),
    *(
        (
            f"{name} NOT BETWEEN 1 AND {most} OR ({name} IS NULL AND workload IN ({workloads}))",
            f"'{name}'",
            f"CASE WHEN {name} < 1 THEN 'is not positive' WHEN {name} > {most} THEN 'is more than {most}'"
            f" ELSE 'is missing; give {name} in token-factory.yaml' END",
        )
        for name, workloads, most in (
            ("isl_tok", "'fixed_length'", measured.LARGEST_TOK),
            ("osl_tok", "'fixed_length'", measured.LARGEST_TOK),
            ("conc", "'fixed_length', 'agentic'", measured.LARGEST_CONC),
        )
    ),
    *(
        (
            f"{c.name} NOT BETWEEN 0 AND {measured.LARGEST[c.unit]} OR {c.name} BETWEEN 5e-324 AND {measured.SMALLEST}",
            f"'{c.name}'",
            f"if({c.name} < 0, 'is negative', printf('%.3g is beyond all measure ({measured.SMALLEST:g} to"
            f" {measured.LARGEST[c.unit]:g} {c.unit})', {c.name}))",
        )
        for c in _NUMBERS
    ),
    (
        "total IS NULL AND (workload <> 'other' OR output_deployed IS NULL)",
        "'total_tok_per_s_per_gpu'",
        "'is missing'",
    ),
    ("coalesce(total, output_deployed) = 0", "'total_tok_per_s_per_gpu'", "'is zero'"),
    (f"residual > {RATE_TOLERANCE}", "'total_tok_per_s_per_gpu'", _IN_WORDS),
    (
        f"coalesce(total, output_deployed) NOT BETWEEN {measured.SMALLEST} AND {measured.LARGEST['tok/s/gpu']}",
        "'total_tok_per_s_per_gpu'",
        "printf('%.3g is beyond all measure', coalesce(total, output_deployed))",
    ),
    (
        f"output_deployed > (1 + {RATE_TOLERANCE}) * total",
        "'output_tok_per_s_per_gpu'",
        "printf('%.5g is more than the total, %.5g', output_deployed, total)",
    ),
    (
        f"is_own AND workload = 'fixed_length' AND {_MADE} > {MOST_OF_LITTLE} * {_DRAWN}",
        "'output_tok_per_s_per_gpu'",
        f"printf('%d requests in flight draw %.6g output tokens a second at these times, but the rates say %.6g on %d"
        f" GPUs: one has another unit (s, ms) or scope (GPU, deployment)', conc, {_DRAWN}, {_MADE}, num_gpu)",
    ),
    (
        f"workload <> 'agentic' AND {_is_off('median')}",
        f"'{_SPEEDS['median']}'",
        f"printf('speed x time per token is %.3g, not 1', {_SPEEDS['median']} * median_tpot_s)",
    ),
]

VERDICT = _cases([(is_so, f"struct_pack(field := {field}, reason := {reason})") for is_so, field, reason in _REASONS])

_HAS_POWER = " OR ".join(f"{c.name} IS NOT NULL" for c in POINT_FIELDS if "joules" in c.name or "power_w" in c.name)
# What was done to a row: condition and code. Both see the columns of the view `scoped`.
_ROW_REPAIRS = [
    ("is_pool_rate_deployed", "rates_were_per_deployed_gpu"),
    ("total_stated IS NULL AND total IS NOT NULL", "total_from_parts"),
    (
        "workload <> 'agentic' AND ("
        + " OR ".join(f"(nullif({speed}, 0) IS NULL AND {s}_tpot_s > 0)" for s, speed in _SPEEDS.items())
        + ")",
        "interactivity_from_time",
    ),
    (f"({_HAS_POWER}) AND NOT is_power_usable", "power_invalid_dropped"),
    (
        "is_power_usable AND is_energy_consistent AND is_energy_v1_of_pools AND joules_per_total_token IS NOT NULL",
        "energy_v1_converted",
    ),
    ("is_power_usable AND NOT is_energy_consistent", "energy_disagrees_dropped"),
    (
        " OR ".join(f"{name} = 0" for name in (*LATENCY_NAMES, *_SPEEDS.values())),
        "zero_latency_dropped",
    ),
    (
        " OR ".join(f"{_is_off(s)} OR ({_time(s)} IS NULL AND {_is_fast_tail(s)})" for s in _TAILS),
        "speed_percentile_replaced",
    ),
    ("date IS NULL AND run_date IS NOT NULL", "date_from_run"),
    ("is_run_adopted", "run_from_same_measurement"),
]
_REPAIRS = f"""
    if({" OR ".join(f"({is_so})" for is_so, _ in _ROW_REPAIRS)},
       list_concat(reading_repairs, list_filter(
           [{", ".join(f"if({is_so}, '{code}', NULL)" for is_so, code in _ROW_REPAIRS)}],
           lambda code: code IS NOT NULL)),
       reading_repairs)
"""


def _usable(expression: str, *, is_energy: bool = False) -> str:
    return f"if(is_power_usable{' AND is_energy_consistent' if is_energy else ''}, {expression}, NULL)"


def _energy(kind: str, rate: str) -> str:
    """Energy of the whole deployment per token of a kind: version 1 counted one pool, so the total is shared out."""
    whole = f"joules_per_total_token * total / nullif({rate}, 0)"
    return _usable(f"if(is_energy_v1_of_pools, {whole}, joules_per_{kind}_token)", is_energy=True)


def _role_energy(role: str, kind: str) -> str:
    printed = f"{role}_joules_per_{kind}_token"
    return _usable(f"coalesce({printed}, if(is_energy_v1_of_pools, joules_per_{kind}_token, NULL))", is_energy=True)


_LITTLES_LAW = f"""
    if(workload = 'fixed_length',
       total * num_gpu * coalesce(nullif(mean_e2el_s, 0), nullif(median_e2el_s, 0))
       / (if(is_own, 1, {MEAN_LENGTH_FRAC}) * (isl_tok + osl_tok)) / conc, NULL)
"""
# How a column of measured_points comes from the view `scoped`; the others have one of the same name.
EXPRESSIONS = {
    "image": "replace(image, '#', '/')",
    "total_tok_per_s_per_gpu": "total",
    "output_tok_per_s_per_gpu": "output_deployed",
    "input_tok_per_s_per_gpu": "input_deployed",
    "output_tok_per_s_per_role_gpu": "if(is_disagg, output_deployed * num_gpu / num_decode_gpu, output_deployed)",
    "input_tok_per_s_per_role_gpu": "if(is_disagg, input_deployed * num_gpu / num_prefill_gpu, input_deployed)",
    **{speed: _speed(s) for s, speed in _SPEEDS.items()},
    **{name: f"nullif({name}, 0)" for name in LATENCY_NAMES},
    "avg_power_kw_per_gpu": _usable("coalesce(avg_power_w, system_power_w / num_gpu) / 1000"),
    "prefill_power_kw_per_gpu": _usable("prefill_avg_power_w / 1000"),
    "decode_power_kw_per_gpu": _usable("decode_avg_power_w / 1000"),
    "j_per_total_tok": _usable("joules_per_total_token", is_energy=True),
    "j_per_output_tok": f"coalesce({_energy('output', 'output_deployed')}, "
    "system_power_w / nullif(num_gpu * output_deployed, 0))",
    "j_per_input_tok": _energy("input", "input_deployed"),
    "j_per_request": _usable("joules_per_successful_query", is_energy=True),
    "prefill_j_per_input_tok": _role_energy("prefill", "input"),
    "decode_j_per_output_tok": _role_energy("decode", "output"),
    "power_schema_version": _usable(f"if({_HAS_POWER}, power_version, NULL)::BIGINT"),
    "power_basis": _usable(
        f"CASE WHEN system_power_w IS NOT NULL THEN 'system_wall' WHEN {_HAS_POWER} THEN 'gpu_board' END"
    ),
    "identity_residual_frac": "residual",
    "littles_law_ratio": _LITTLES_LAW,
    "has_littles_law_gap": f"abs({_LITTLES_LAW} - 1) > {LITTLES_LAW_BAND}",
    "date": "coalesce(date, run_date)",
    "num_sources": "1::BIGINT",
    "repeats_spread_frac": "NULL::DOUBLE",
    "repairs": _REPAIRS,
}
# Rows with the same key are the same measurement; where no run is known, the values themselves tell. Somebody's own
# rows of one setting, day and run are its repeats, whatever their values.
KEY = f"""struct_pack({", ".join(f"{name} := {name}" for name in measured.LINE)}, run_id := run_id,
    conc := if(requests_per_s IS NULL, conc, NULL), rate := requests_per_s,
    recipe_fingerprint := recipe_fingerprint, date := if(run_id IS NULL OR is_own, date, NULL),
    image := if(is_own, image, NULL), tool := if(is_own, adapter, NULL),
    total := if(run_id IS NULL AND NOT is_own, coalesce(total, output_deployed), NULL))"""
