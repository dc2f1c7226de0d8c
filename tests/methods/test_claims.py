"""Claims in words, and points made by hand to hold them against."""

import math
from datetime import date

import pytest
from test_serving import NO_BANDS, point, same_band

from tokenfactory.methods.claims import (
    FOUND,
    INSIDE,
    LESS,
    MORE,
    UNCHECKABLE,
    UNSTATED,
    Side,
    audit_set,
    check,
    gpus_by_name,
    tiers,
    understand,
)
from tokenfactory.methods.rounding import Interval
from tokenfactory.methods.serving import NOT_STATED, RUN_TO_RUN_LOG, TPUT

GPUS = {"a": ["a"], "b": ["b"], "old": ["b", "c"]}
SURE = same_band(1e-9)


def claim(**change):
    return {
        "subject": "a", "baseline": "b", "metric": "tok_per_s_per_gpu", "unit": "x", "model": "m", "value": 4.0,
        "value_low": None, "value_high": None, "conditions": "30 tok/s/user; 1k/1k", "statement_short": "a beats b",
        "date": date(2026, 5, 1),
    } | change  # fmt: skip


# On two straight lines: a 400 at 20 to 200 at 40, b 100 at 10 to 50 at 50, so 4x at 30.
POINTS = [point("a", speed, 600 - 10 * speed, model="m-1") for speed in (20.0, 30.0, 35.0, 40.0)]
POINTS += [point("b", speed, 112.5 - 1.25 * speed, model="m-1") for speed in (10.0, 20.0, 30.0, 35.0, 50.0)]


def verdict(points=POINTS, band=SURE, prices=(), powers=(), **change):
    return check(claim(**change), points, band, gpus_of=GPUS, prices=prices, powers=powers)


@pytest.mark.parametrize(
    ("conditions", "speeds"),
    [
        ("about 35 tok/s/user; FP8", (35,)),
        ("70-140 tok/s/user; 8k/1k", (70, 140)),
        ("4.0x at 22, 8.2x at 110 tok/s/user", (22, 110)),
        ("FP8 1k/1k; 18.0x at 42, 13.9x at 71, 21.4x at 100 tok/s/user (percent gains plus one)", (42, 71, 100)),
        ("9.7x at 40 tok/s/user, 65x at 116 tok/s/user; 8k/1k", (40, 116)),
        ("32 tok/s/user peak; 30-90 tok/s/user band", (30, 32, 90)),
        ("27.25 tok/s/user", (27.25,)),
        ("at 8k/1k; each at its own peak", ()),
    ],
)
def test_speeds(conditions, speeds):
    assert understand(claim(conditions=conditions), GPUS).speeds == speeds


def test_lengths_in_all_their_spellings_are_the_same():
    for texts, lengths in ((("8k/1k", "8K/1k", "8192/1024"), (8192, 1024)), (("1k/1k", "1024/1024"), (1024, 1024))):
        assert {understand(claim(conditions=f"FP8; {text}"), GPUS).lengths for text in texts} == {lengths}


@pytest.mark.parametrize(
    ("subject", "side"),
    [
        ("a", Side(("a",))),
        ("a nvfp4 mtp", Side(("a",), "fp4", "mtp")),
        ("old int4 disagg", Side(("b", "c"), "int4", None, True)),
        ("a aggregated 2026-01-14", Side(("a",), None, None, False, date(2026, 1, 14))),
        ("a jun 2026", Side(("a",), not_understood=("jun", "2026"))),
        ("rack", Side((), not_understood=("rack",))),
    ],
)
def test_sides(subject, side):
    assert understand(claim(subject=subject, conditions=None), GPUS).subject == side


def test_conditions_hold_for_both_sides():
    found = understand(claim(conditions="FP4 vs FP8; MTP both; 8k/1k"), GPUS)
    assert (found.subject.precision, found.baseline.precision) == ("fp4", "fp8")
    assert found.subject.spec_decoding == found.baseline.spec_decoding == "mtp"
    assert found.lengths == (8192, 1024)
    found = understand(claim(conditions="FP8; no MTP; each at its own peak (unequal interactivity)"), GPUS)
    assert (found.subject.precision, found.baseline.precision, found.subject.spec_decoding) == ("fp8", "fp8", "none")
    assert found.is_peak


def test_what_a_clause_says_is_not_stated_silences_that_clause_alone():
    found = understand(claim(conditions="30 tok/s/user; MTP both not stated; FP8", baseline=None), GPUS)
    assert (found.speeds, found.subject.precision, found.subject.spec_decoding) == ((30.0,), "fp8", None)
    assert found.baseline == Side((), "fp8")


def test_with_against_without_mtp():
    found = understand(claim(subject="a fp4 mtp", baseline="a fp4"), GPUS)
    assert (found.subject.spec_decoding, found.baseline.spec_decoding) == ("mtp", "none")


@pytest.mark.parametrize(
    ("figure", "interval"),
    [
        ({"value": 65.0}, Interval(64.5, 65.5)),
        ({"value": 3.65}, Interval(3.645, 3.655)),
        ({"value": None, "value_low": 2.0, "value_high": 3.0}, Interval(2, 3)),
        ({"value": None, "value_high": 3.0}, Interval(3, 3)),
        ({"value": None}, None),
    ],
)
def test_figure(figure, interval):
    found = understand(claim(**figure), GPUS).figure
    assert (
        (found is None) if interval is None else (found.low, found.high) == pytest.approx((interval.low, interval.high))
    )


def test_what_is_undisclosed():
    stated = dict(conditions="owning rates; 30 tok/s/user; 1k/1k; FP4 vs FP8; no MTP; SGLang; total tokens")
    assert understand(claim(metric="cost_per_mtok", **stated), GPUS).undisclosed == ()
    silent = dict(conditions="interactivity, precision, MTP, isl/osl not stated", model=None, date=None)
    assert understand(claim(metric="tok_per_s_per_mw", **silent), GPUS).undisclosed == (
        "model", "input and output lengths", "speed per user", "number format of a", "number format of b",
        "speculation", "engine", "day", "where power is taken",
    )  # fmt: skip


# --- held against points


def test_a_claim_that_is_found():
    found = verdict()
    assert (found.finding, found.num_matches) == (FOUND, 1)
    assert found.reason == (
        "m-1 1024/1024, 30 tok/s per user: A e FP8 no MTP aggregated 2026-05-01 (measured)"
        " against B e FP8 no MTP aggregated 2026-05-01 (measured)"
    )
    # the grid has 20, 35 (250 / 68.75) and the claim's 30: 400 / 87.5 = 4.571, 3.636, 4
    assert [cell.ratio for cell in found.grid] == pytest.approx([250 / 68.75, 4, 400 / 87.5])
    assert (found.num_cells, found.num_below_1) == (3, 0)
    assert [cell.ratio for cell in found.stated] == [4, 4]


@pytest.mark.parametrize(("value", "finding"), [(4.04, MORE), (3.96, LESS), (4.0, FOUND)])
def test_a_claim_beside_the_points(value, finding):
    """MORE: the points say more than the claim."""
    assert verdict(value=8 - value).finding == finding


@pytest.mark.parametrize(
    ("change", "finding", "num", "reason"),
    [
        ({}, FOUND, 1, lambda found: found.match.where),
        ({"value": 5.0}, LESS, 0, lambda found: found.stated[1].where),
        ({"value": 3.0}, MORE, 0, lambda found: found.stated[0].where),
        ({"value": 4.04, "band": same_band(0.02)}, INSIDE, 0,
         lambda found: "between the lowest and highest under its conditions, or in their bands"),
        ({"conditions": "1k/1k", "value": 9.0}, UNSTATED, 0, lambda found: "the claim names no speed"),
        ({"conditions": "45 tok/s/user; FP4"}, UNCHECKABLE, 0,
         lambda found: "nothing was measured under its conditions"),
        ({"value": None, "value_low": 4.0, "value_high": 4.5}, FOUND, 1, lambda found: found.match.where),
        ({"value": None, "value_low": 3.9, "value_high": 4.0}, FOUND, 1, lambda found: found.match.where),
    ],
)  # fmt: skip
def test_every_verdict_has_its_claim_its_grid_and_its_places(change, finding, num, reason):
    better = [row | {"precision": "int4", TPUT: 1.01 * row[TPUT]} for row in POINTS[:4]]
    found = verdict([*POINTS, *better], **{"conditions": "30 tok/s/user; 1k/1k; FP8"} | change)
    words = {name: value for name, value in change.items() if name != "band"}
    assert (found.finding, found.reason, found.num_matches) == (finding, reason(found), num)
    assert found.claim == understand(claim(**{"conditions": "30 tok/s/user; 1k/1k; FP8"} | words), GPUS)
    speeds = 3 if change.get("conditions") is None else 2  # the grid has 20 and 35
    assert found.num_cells == 2 * speeds and found.grid and (found.match is None) == (num == 0)


def test_what_costs_the_same_turns_no_claim_round():
    for times in (1.0, 1.5):
        same = [row | {"gpu": "a", TPUT: times * row[TPUT]} for row in POINTS[4:]]
        found = verdict([*same, *POINTS[4:]], conditions="1k/1k; 30 tok/s/user")
        assert (found.grid[0].ratio, found.num_below_1, found.flips) == (pytest.approx(times), 0, ())
        better = [row | {"precision": "fp4", TPUT: 2 * row[TPUT]} for row in same]
        assert verdict([*same, *better, *POINTS[4:]]).flips == ()


def test_a_band_is_room_for_a_claim():
    wide = same_band(0.02)
    assert verdict(band=wide, value=4.04).finding == INSIDE
    assert verdict(band=wide, value=3.96).finding == INSIDE
    assert verdict(band=wide, value=4.5).finding == LESS


def test_between_two_ways_is_within():
    better = [row | {"precision": "fp4", TPUT: 2 * row[TPUT]} for row in POINTS[:4]]
    found = verdict([*POINTS, *better], value=6.0)
    assert (found.finding, [cell.ratio for cell in found.stated]) == (INSIDE, [4, 8])
    assert verdict([*POINTS, *better], subject="a fp4", value=6.0).finding == MORE


def test_measured_places_are_named_before_readings_of_a_source():
    readings = [row | {"evidence": "interpolated"} for row in POINTS]
    found = verdict([*readings, *POINTS])
    assert found.num_matches == 4
    assert "read" not in found.reason
    assert "interpolated by InferenceX" in verdict(readings).reason
    half = verdict([*readings[:4], *POINTS])
    assert half.num_matches == 2 and "interpolated by" not in half.reason


def test_the_lowest_of_the_grid_can_turn_a_claim_round():
    worse = [point("a", 20.0, 11.0, model="m-1", precision="fp4"), point("a", 40.0, 10.0, model="m-1", precision="fp4")]
    stated = "FP8; 30 tok/s/user; 1k/1k"
    found = verdict([*POINTS, worse[1]], conditions=stated)
    assert (found.finding, found.num_below_1) == (FOUND, 0)  # one point at 40 is at no speed of the grid
    found = verdict([*POINTS, *worse], conditions=stated)
    assert (found.finding, found.num_below_1, found.num_cells) == (FOUND, 3, 6)
    # at 20: 11 over 87.5; at 35 it is 10.25 over 68.75
    assert found.grid[0].ratio == pytest.approx(11 / 87.5) and "20 tok/s per user: A e FP4" in found.grid[0].where


def test_the_conditions_that_turn_a_claim_round():
    worse = [point("a", 20.0, 11.0, model="m-1", precision="fp4"), point("a", 40.0, 10.0, model="m-1", precision="fp4")]
    # at 20, 30 and 35 both formats of a are measured, and only FP4 is below one: the speed does not tell them apart
    assert verdict([*POINTS, *worse]).flips == ("A FP4",)
    # with MTP b makes less than the FP4 of a, so that only b without MTP turns it round
    more = [*POINTS, *worse, point("b", 20.0, 9.0, model="m-1", spec_decoding="mtp"),
            point("b", 40.0, 8.0, model="m-1", spec_decoding="mtp")]  # fmt: skip
    assert verdict(more).flips == ("A FP4", "B no MTP")
    assert verdict(POINTS).flips == ()  # none is below one
    assert verdict([*worse, *POINTS[4:]]).flips == ()  # all are


def test_peaks_are_compared_at_unequal_speed():
    found = verdict(conditions="1k/1k; each at its own peak")
    assert (found.finding, found.reason.split(":")[0]) == (FOUND, "m-1 1024/1024, each at its peak")
    assert found.stated[0].ratio == 4  # 400 over 100
    assert verdict(conditions="1k/1k; each at its own peak", value=3.0).finding == MORE
    slow = [point("a", 20.0, 11.0, model="m-1", precision="fp4")]
    # 11 is below the peak of b, 100, and below its 87.5 at 20 tok/s per user; at the other speeds a has FP8 alone
    found = verdict([*POINTS, *slow], conditions="1k/1k; each at its own peak")
    assert found.flips == ("peak or 20 tok/s per user", "A FP4")


def book(gpu, since, until, value, basis="own"):
    return {"gpu": gpu, "basis": basis, "effective_from": since, "effective_to": until, "usd": value}


MARCH, JULY = date(2026, 3, 18), date(2026, 7, 31)
PRICES = tiers(
    [book("a", MARCH, JULY, 2.0), book("a", JULY, None, 1.5), book("b", MARCH, None, 1.0),
     book("a", MARCH, None, 3.0, "rent"), book("b", MARCH, None, 1.0, "rent"), book("c", MARCH, date(2026, 4, 1), 8.0),
     book("c", date(2026, 4, 1), None, 9.0)],
    "usd",
)  # fmt: skip


def test_tiers():
    assert [(tier.name, tier.value) for tier in PRICES] == [
        ("own since 2026-03-18", {"a": 2.0, "b": 1.0, "c": 8.0}),
        ("own since 2026-04-01", {"a": 2.0, "b": 1.0, "c": 9.0}),
        ("own since 2026-07-31", {"a": 1.5, "b": 1.0, "c": 9.0}),
        ("rent since 2026-03-18", {"a": 3.0, "b": 1.0}),
    ]


@pytest.mark.parametrize(
    ("day", "ratio"), [(date(2026, 5, 1), 2.0), (date(2026, 8, 1), 4 / 1.5), (date(2025, 1, 1), 2.0), (None, 2.0)]
)
def test_a_cost_claim_takes_the_price_of_its_day(day, ratio):
    found = verdict(metric="cost_per_mtok", prices=PRICES, date=day, value=1.0)
    assert found.stated[0].ratio == pytest.approx(ratio)
    # three speeds; own in March and July, rent: what changed for c alone is no other tier
    assert found.num_cells == 9
    assert found.grid[0].ratio == pytest.approx(250 / 68.75 / 3)
    assert found.grid[0].where.endswith("(measured), rent since 2026-03-18")
    assert found.grid[0].low < found.grid[0].ratio < found.grid[0].high


def test_a_claim_per_megawatt_takes_power():
    powers = tiers([book("a", MARCH, None, 4.0, "all_in"), book("b", MARCH, None, 2.0, "all_in")], "usd")
    assert verdict(metric="tok_per_s_per_mw", powers=powers, value=2.0).finding == FOUND
    assert verdict(metric="tok_per_s_per_mw", prices=PRICES).reason == "no prices or powers of both systems"


def test_one_gpu_against_itself_compares_the_named_ways_only():
    mtp = [
        row | {"spec_decoding": "mtp", "total_tok_per_s_per_gpu": 3 * row["total_tok_per_s_per_gpu"]}
        for row in POINTS[:4]
    ]
    silent = [row | {"spec_decoding": NOT_STATED} for row in POINTS[:4]]
    found = verdict([*POINTS, *mtp, *silent], subject="a mtp", baseline="a", value=3.0)
    assert (found.finding, found.num_cells) == (FOUND, 3)


def test_a_way_is_not_compared_with_itself():
    assert verdict(subject="b", baseline="old").reason == "the two were measured at no common speed"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"metric": "agents_per_mw"}, "no test reports agents per mw"),
        ({"metric": "usd_per_gpu_hour"}, "benchmarks contain no prices"),
        ({"unit": "usd_per_mtok"}, "it is a single figure, not a ratio of two systems"),
        ({"conditions": "MLPerf Server"}, "it is about MLPerf; our tests are of whole deployments, with requests of"),
        ({"statement_short": "AgentX traffic"}, "it is about AgentX; our"),
        ({"subject": "rack"}, "there is no test of rack"),
        ({"baseline": None}, "the claim names one system alone"),
        ({"subject": "a jun 2026"}, "no test is known to be 'jun 2026'"),
        ({"model": None}, "the claim names no model"),
        ({"model": "n"}, "no point of a with n at 1024/1024 tokens"),
        ({"conditions": "8k/1k; 30 tok/s/user"}, "no point of a with m at 8192/1024 tokens"),
        ({"conditions": "30 tok/s/user", "model": "n"}, "no point of a with n"),
        ({"conditions": "45 tok/s/user; FP4"}, "nothing was measured under its conditions"),
    ],
)  # fmt: skip
def test_claims_that_cannot_be_checked(change, reason):
    found = verdict(**change)
    assert found.finding == UNCHECKABLE and found.reason.startswith(reason)
    assert found.claim == understand(claim(**change), GPUS)


@pytest.mark.parametrize("gpu", ["a", "b"])
@pytest.mark.parametrize(("times", "num"), [(5.0, 4), (5.1, 2)])
def test_no_claim_is_held_against_a_reading_across_a_wide_gap_of_one_side(gpu, times, num):
    # between 20 and 40 tok/s per user, where the claim names 30 and the grid 35, one side falls five times, or more
    wide = [point(gpu, 20.0, 400.0, model="m-1"), point(gpu, 40.0, 400.0 / times, model="m-1")]
    found = verdict(
        [*wide, *(row for row in POINTS if row["gpu"] != gpu)], conditions="30 tok/s/user; 20-40 tok/s/user"
    )
    assert found.num_cells == num


def test_a_workload_that_one_of_the_two_has_alone_is_no_place():
    others = [point("b", 30.0, 9.0, model="m-2"), point("a", 30.0, 9.0, model="m-3")]
    assert verdict([*POINTS, *others]).grid == verdict().grid


def test_the_lengths_and_the_prices_that_turn_a_claim_round():
    long = [row | {"isl": 8192, TPUT: row[TPUT] / (100 if row["gpu"] == "a" else 1)} for row in POINTS]
    assert verdict([*POINTS, *long], conditions="30 tok/s/user").flips == ("8192/1024 tokens",)
    dear = [book("a", MARCH, JULY, 90.0), book("b", MARCH, None, 1.0), book("a", JULY, None, 1.0)]
    assert verdict(metric="cost_per_mtok", prices=tiers(dear, "usd")).flips == ("own since 2026-03-18",)
    nameless = [row | {"framework": None, TPUT: row[TPUT] / 100} for row in POINTS[:4]]
    assert verdict([*POINTS, *nameless]).flips == ("A engine not stated",)


def test_a_model_without_points_is_named_without_lengths_that_nobody_asked_for():
    assert verdict(conditions="30 tok/s/user", model="n").reason == "no point of a with n"


def test_no_common_speed():
    apart = [POINTS[0], POINTS[4]]
    assert verdict(apart).reason == "the two were measured at no common speed"


def test_a_claim_without_a_speed_or_a_figure_gets_the_grid():
    found = verdict(conditions="1k/1k", value=4.6)
    assert (found.finding, found.reason, found.num_matches) == (UNSTATED, "the claim names no speed", 1)
    assert "20 tok/s per user" in found.match.where
    assert verdict(value=None).reason == "the claim has no figure"


def test_a_claim_without_a_band_is_compared_with_the_readings_alone():
    assert verdict(band=NO_BANDS).finding == FOUND
    assert verdict(band=NO_BANDS, value=9.0).finding == LESS


@pytest.mark.parametrize(
    ("text", "lengths"),
    [("8k/1k; 84 tok/s/user", (8192, 1024)), ("1024/1024", (1024, 1024)), ("at 1K/1K tokens", (1024, 1024)),
     ("FP8, 8192/1024 tokens", (8192, 1024)), ("30-90 tok/s/user", None), ("on 3/4 of requests", None)],
)  # fmt: skip
def test_lengths_in_either_spelling(text, lengths):
    assert understand(claim(conditions=text), GPUS).lengths == lengths


def test_what_was_understood_is_said():
    said = understand(claim(subject="a fp4 mtp", baseline="old", conditions="1024/1024; 30 tok/s/user"), GPUS)
    assert str(said) == "A FP4 MTP against B or C; m; 1024/1024 tokens; 30 tok/s per user"
    assert str(understand(claim(model=None, conditions="each at its peak"), GPUS)).endswith(
        "; no model; any lengths; each at its peak"
    )


def test_the_engine_that_turns_a_claim_round_is_named():
    other = [row | {"framework": "slow", TPUT: row[TPUT] / 100} for row in POINTS[:4]]
    assert verdict([*POINTS, *other]).flips == ("A slow",)


# --- what was understood, in words, and the days on which a figure held


@pytest.mark.parametrize(
    ("side", "said"),
    [
        (Side(("a",), "fp4", "mtp", True, date(2026, 5, 1)), "A FP4 MTP disaggregated 2026-05-01"),
        (Side(("a", "b"), None, "none", False), "A or B no MTP aggregated"),
        (Side(()), "no known GPU"),
    ],
)
def test_a_side_in_words(side, said):
    assert str(side) == said


@pytest.mark.parametrize(
    ("conditions", "said"),
    [
        ("22 and 110 tok/s/user; 4x at 22, 8x at 110 tok/s/user; 8k/1k", "8192/1024 tokens; 22 and 110 tok/s per user"),
        ("at 8k/1k; each at its own peak", "8192/1024 tokens; each at its peak"),
        ("", "any lengths; any speed"),
    ],
)
def test_a_claim_in_words(conditions, said):
    assert str(understand(claim(conditions=conditions), GPUS)) == f"A against B; m; {said}"


@pytest.mark.parametrize(
    ("change", "undisclosed"),
    [
        ({"subject": "a fp4 mtp", "baseline": "b fp8", "conditions": "sglang; 1k/1k; 30 tok/s/user"}, ()),
        ({"subject": "a fp4", "baseline": "b fp8 mtp", "conditions": "ATOM; 1k/1k; 30 tok/s/user"}, ()),
        ({"conditions": "vLLM; FP8; MTP of either kind; 1k/1k; 30 tok/s/user"}, ()),
        ({"conditions": "TRT; FP8; 1k/1k; 30 tok/s/user"}, ("speculation",)),
        (
            {"conditions": "TileRT; FP8; no MTP; 1k/1k; 30 tok/s/user", "metric": "perf_per_dollar"},
            ("price basis", "which tokens are counted"),
        ),
        ({"conditions": "vLLM; FP8; no MTP; 1k/1k; 30 tok/s/user; utility power", "metric": "tok_per_s_per_mw"}, ()),
    ],
)
def test_what_a_claim_does_not_say(change, undisclosed):
    assert understand(claim(**change), GPUS).undisclosed == undisclosed


def test_gpus_by_their_key_and_by_their_generation():
    found = gpus_by_name([("h100", "Hopper"), ("b200", "Blackwell"), ("h200", "Hopper")])
    assert found == {"h100": ["h100"], "h200": ["h200"], "hopper": ["h100", "h200"], "b200": ["b200"],
                     "blackwell": ["b200"]}  # fmt: skip


def of_set(**change):
    return claim(claim_set="s", claim_id="c", row=None, cell=None, printed="", printed_ulp=None) | change


def table_cell(row, column, value, ulp, unit="x", **change):
    metric = {"tput": "tok_per_s_per_gpu", "mw": "tok_per_s_per_mw", "cost": "cost_per_mtok"}.get(row, row)
    named = {"subject": "a" if column == "subject" else "b", "baseline": None} if column != "ratio" else {}
    told = {"row": row, "cell": column, "value": value, "printed_ulp": ulp, "unit": unit, "metric": metric}
    return of_set(printed=str(value), model=None, **told) | named | change


# At 3.60 and 1.80 USD an hour and at 2 and 1 kW 1,000 and 100 tok/s are these cells.
TABLE = [
    of_set(value=4.0),
    table_cell("tput", "subject", 1000.0, 2.0, "tok_per_s_per_gpu", model="m"),
    table_cell("tput", "baseline", 100.0, 0.2, "tok_per_s_per_gpu", date=date(2026, 8, 1)),
    table_cell("mw", "subject", 5e5, 1e3, "tok_per_s_per_mw"),
    table_cell("mw", "baseline", 1e5, 2e2, "tok_per_s_per_mw"),
    table_cell("cost", "subject", 1.0, 0.01, "usd_per_mtok"),
    table_cell("cost", "baseline", 5.0, 0.01, "usd_per_mtok"),
    table_cell("flops_per_dollar", "subject", 2.0, 0.1, "pflops_per_usd_per_hour"),
    table_cell("flops_per_dollar", "baseline", 1.0, 0.1, "pflops_per_usd_per_hour"),
    *(table_cell(row, "ratio", value, 1.0) for row, value in (("tput", 10.0), ("mw", 5.0), ("cost", 5.0))),
]
JANUARY = date(2026, 1, 1)
TABLE_PRICES = tiers([book("a", JANUARY, MARCH, 7.0), book("b", JANUARY, MARCH, 7.0), book("a", MARCH, JULY, 3.6),
                      book("b", MARCH, JULY, 1.8), book("a", JULY, None, 9.0), book("b", JULY, None, 9.0),
                      book("a", MARCH, None, 1.0, "rent of one")], "usd")  # fmt: skip
TABLE_POWERS = tiers([book("a", MARCH, None, 2.0, "it"), book("b", MARCH, None, 1.0, "it")], "usd")
SPECS = [{"gpu": gpu, "spec": spec, "value": value} for gpu, spec, value in (
    ("a", "fp8_dense_pflops", 7.2), ("a", "fp4_dense_pflops", 14.4), ("b", "fp8_dense_pflops", 1.8),
    ("b", "fp4_dense_pflops", None), ("b", "hbm_gb", 80.0), ("c", "fp8_sparse_pflops", 9.0))]  # fmt: skip
AUDIT = {"gpus_of": GPUS, "prices": TABLE_PRICES, "powers": TABLE_POWERS, "learned": SURE}


def test_a_set_with_a_table_is_audited_with_what_was_known_on_its_day():
    told = ("a", 1000.0, "m-1"), ("a", 1000.0, "n"), ("a", 900.0, "m-1"), ("b", 100.0, "m"), ("b", 1000.0, "m")
    rows = [point(gpu, 30.0, tput, model=model) for gpu, tput, model in told]
    found = audit_set(TABLE, POINTS, [*rows, rows[0] | {TPUT: None}], SPECS, **AUDIT)
    assert (found.claim_set, found.table.is_consistent) == ("s", True)
    assert (found.table.price.name, found.table.power.name) == ("own since 2026-03-18", "it since 2026-03-18")
    assert [(one.name, one.subject, one.baseline) for one in found.table.flops] == [
        ("FP8 DENSE against FP8 DENSE", pytest.approx(2.0), pytest.approx(1.0)),
    ]  # fmt: skip
    assert found.alike == pytest.approx({"best DENSE": 4.0, "FP8 DENSE": 2.0})
    assert found.matches == {"subject": [rows[0]], "baseline": [rows[3]]}
    # of the points a makes 4 times as much as b at 30 tok/s per user; over twice the power or price, twice
    assert [(one["row"], verdict.finding, verdict.stated[0].ratio) for one, verdict in found.verdicts] == [
        (None, FOUND, 4.0), ("tput", LESS, 4.0), ("mw", LESS, 2.0), ("cost", LESS, 2.0),
    ]  # fmt: skip
    assert found.undisclosed == list(dict.fromkeys(found.undisclosed)) and "engine" in found.undisclosed


def test_a_set_without_a_table_is_its_verdicts():
    found = audit_set([of_set(), of_set(model="n")], POINTS, [], [], **AUDIT)
    assert (found.table, found.matches, found.alike) == (None, {}, {})
    assert [verdict.finding for _, verdict in found.verdicts] == [FOUND, UNCHECKABLE]


def test_a_table_without_a_model_is_audited_and_its_claims_are_not():
    found = audit_set([one | {"model": None} for one in TABLE], POINTS, [], SPECS, **AUDIT)
    assert found.table.is_consistent and {verdict.reason for _, verdict in found.verdicts} == {
        "the claim names no model"
    }


def test_a_table_of_no_known_price_says_nothing_of_rates():
    found = audit_set(TABLE, POINTS, [], SPECS, **AUDIT | {"prices": []})
    assert (found.table.price, found.alike) == (None, {})


@pytest.mark.parametrize(("bands", "finding"), [(-3, MORE), (-1, INSIDE), (1, INSIDE), (3, LESS)])
def test_a_peak_has_the_band_of_repeated_runs(bands, finding):
    value = 4 * math.exp(bands * RUN_TO_RUN_LOG)
    assert verdict(conditions="1k/1k; each at its own peak", value=value).finding == finding


def test_tiers_begin_with_a_change_and_end_with_the_next():
    def row(gpu, since, until, usd, basis="own_use"):
        return {"gpu": gpu, "basis": basis, "effective_from": since, "effective_to": until, "usd": usd}

    may, june, july = (date(2026, month, 1) for month in (5, 6, 7))
    rows = [
        row("a", may, july, 2.0),
        row("a", july, None, 3.0),
        row("b", june, july, 1.0),
        row("a", may, None, 9, "z"),
    ]
    found = [tier for tier in tiers(rows, "usd") if tier.basis == "own_use"]
    assert [(tier.since, tier.until, tier.value) for tier in found] == [
        (may, june, {"a": 2.0}), (june, july, {"a": 2.0, "b": 1.0}), (july, None, {"a": 3.0}),
    ]  # fmt: skip
    assert found[0].name == "own use since 2026-05-01"
    assert [found[0].covers(day) for day in (date(2026, 4, 30), may, date(2026, 5, 31), june)] == [0, 1, 1, 0]
    assert found[1].turns("a", "b") == 0.5 and found[0].turns("a", "b") != found[0].turns("a", "b")
    assert found[0].turns("b", "a") != found[0].turns("b", "a"), "unknown is no number"
