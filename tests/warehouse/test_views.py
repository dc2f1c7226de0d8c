"""Every view on rows made by hand, so small that the right answer can be seen."""

import duckdb
import pytest

from tokenfactory.measurements import standing
from tokenfactory.measurements.standing import Standing
from tokenfactory.warehouse import files, store
from tokenfactory.warehouse.attach import attach_tables


@pytest.fixture(scope="module")
def empty():
    connection = duckdb.connect()
    store.declare(connection)
    attach_tables(connection, None)
    for view in store.VIEWS:
        connection.execute((files.SQL / f"{view}.sql").read_text())
    return connection


@pytest.fixture
def db(empty):
    """Empty tables and all views; `insert` fills a row from the columns that matter, until the end of the test."""
    empty.begin()
    yield empty
    empty.rollback()


def insert(db, table, **values):
    names = ", ".join(f'"{name}"' for name in values)
    db.execute(f"INSERT INTO {table} ({names}) VALUES ({', '.join('?' * len(values))})", list(values.values()))


def test_price_on_and_power_on(db):
    for table, key in (("price_book", "price_id"), ("power_book", "power_id")):
        insert(db, table, **{key: "old"}, effective_from="2026-03-18", effective_to="2026-07-31")
        insert(db, table, **{key: "new"}, effective_from="2026-07-31")
        insert(db, table, **{key: "quote"}, observed_on="2026-05-01")
    for macro, key in (("price_on", "price_id"), ("power_on", "power_id")):
        found = {
            day: db.sql(f"SELECT {key} FROM {macro}($day::DATE)", params={"day": day}).fetchall()
            for day in ("2026-03-17", "2026-03-18", "2026-07-30", "2026-07-31", "2027-01-01")
        }
        assert found == {
            "2026-03-17": [],
            "2026-03-18": [("old",)],
            "2026-07-30": [("old",)],
            "2026-07-31": [("new",)],
            "2027-01-01": [("new",)],
        }


def test_price_ages(db):
    read = {"accessed": "2026-11-01"}
    insert(db, "price_book", price_id="ended", effective_from="2026-03-18", effective_to="2026-08-03", **read)
    insert(
        db, "price_book", price_id="ended a day before", effective_from="2026-01-01", effective_to="2026-08-02", **read
    )
    insert(db, "price_book", price_id="holds", effective_from="2024-01-01", accessed="2026-10-31")
    insert(db, "price_book", price_id="ends later", effective_from="2026-01-01", effective_to="2027-01-01", **read)
    insert(db, "price_book", price_id="quote", observed_on="2026-07-01", **read)
    insert(db, "price_book", price_id="undated", **read)
    found = db.sql(
        "SELECT price_id, last_known_on::VARCHAR, age_days, is_old FROM price_ages ORDER BY price_id"
    ).fetchall()
    assert found == [
        ("ended", "2026-08-02", 91, True),  # it held until the day before its end: 29 + 30 + 31 + 1 days
        ("ended a day before", "2026-08-01", 92, True),
        ("ends later", "2026-11-01", 0, False),  # an end in the future is known only since it was read
        ("holds", "2026-10-31", 1, False),  # old as it is, its source said so when it was read
        ("quote", "2026-07-01", 123, True),
        ("undated", None, None, True),
    ]
    insert(db, "price_book", price_id="read early", effective_from="2026-01-01", accessed="2026-08-03")
    assert db.sql("SELECT age_days, is_old FROM price_ages WHERE price_id = 'read early'").fetchall() == [(90, False)]


def test_prices_of_a_scenario_are_met_only_by_those_who_ask_for_them(db):
    insert(db, "price_book", price_id="shared", basis="spot", observed_on="2026-05-01", accessed="2026-06-01")
    for name in ("mine", "theirs"):
        own = {
            "price_id": name,
            "basis": f"your_quote_{name}",
            "effective_from": "2026-05-01",
            "accessed": "2026-05-02",
        }
        insert(db, "own_prices", **own)
    found = {
        basis: db.sql(
            "SELECT price_id, age_days FROM prices_with($b) ORDER BY price_id", params={"b": basis}
        ).fetchall()
        for basis in ("spot", "your_quote_mine")
    }
    assert found == {"spot": [("shared", 31)], "your_quote_mine": [("mine", 30), ("shared", 31)]}
    in_force = "SELECT price_id, last_known_on::VARCHAR FROM price_on(DATE '2026-06-01') ORDER BY price_id"
    assert db.sql(in_force).fetchall() == [("mine", "2026-05-02"), ("theirs", "2026-05-02")]


def test_hardware_specs(db):
    insert(db, "hardware", gpu="x1", is_reference=True, hbm_gb=186, fp4_dense_pflops=10, source_url="https://a")
    insert(db, "hardware", gpu="x1", is_reference=False, hbm_gb=192, fp4_sparse_pflops=20, source_url="https://b")
    insert(db, "hardware", gpu="x1", is_reference=False, fp8_dense_pflops=4.5, source_url="https://b")
    insert(db, "hardware", gpu="x1", is_reference=False, fp8_dense_pflops=7, source_url="https://c")
    found = db.sql(
        "SELECT spec, value, low, high, num_sources, source_url FROM hardware_specs ORDER BY spec"
    ).fetchall()
    assert found == [
        ("fp4_dense_pflops", 10, 10, 10, 1, "https://a"),
        ("fp4_sparse_pflops", 20, 20, 20, 1, "https://b"),  # the reference is silent, the others agree
        ("fp8_dense_pflops", None, 4.5, 7, 2, "https://b"),  # and here they do not
        ("hbm_gb", 186, 186, 192, 2, "https://a"),  # the reference decides
    ]


def test_hardware_specs_name_the_rows_that_state_them(db):
    insert(db, "hardware", hardware_id="b", gpu="x1", is_reference=True, hbm_gb=186)
    insert(db, "hardware", hardware_id="a", gpu="x1", is_reference=False, hbm_gb=192, tdp_w=700)
    found = db.sql("SELECT spec, hardware_ids FROM hardware_specs ORDER BY spec").fetchall()
    assert found == [("hbm_gb", ["a", "b"]), ("tdp_w", ["a"])]


GOOD = {
    "gpu": "x1", "system": "X1", "model": "m", "workload": "fixed_length", "isl": 1024, "osl": 1024,
    "interactivity_tok_per_s_per_user": 100.0, "total_tok_per_s_per_gpu": 50.0, "evidence": "measured",
    "source_url": "https://a",
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({}, None),
        ({"duplicate_of": "other"}, "same figure as another row"),
        ({"evidence": "claimed"}, "claimed, not measured"),
        ({"workload": "agentic"}, "not a fixed-length workload"),
        ({"total_tok_per_s_per_gpu": None}, "no total throughput"),
        ({"interactivity_tok_per_s_per_user": None}, "no speed per user"),
        ({"osl": None}, "no sequence lengths"),
    ],
)
def test_points_and_excluded_points_share_out_every_row(db, change, reason):
    insert(db, "operating_points", point_id="p", **GOOD | change)
    assert db.sql("SELECT reason FROM point_gaps").fetchall() == [(reason,)]
    assert db.sql("SELECT point_id FROM points").fetchall() == ([("p",)] if reason is None else [])
    assert db.sql("SELECT reason FROM excluded_points").fetchall() == ([(reason,)] if reason else [])


MEASURED = {
    "config_id": 1, "gpu": "x1", "model": "m", "workload": "fixed_length", "isl_tok": 1024, "osl_tok": 1024,
    "interactivity_tok_per_s_per_user": 90.0, "total_tok_per_s_per_gpu": 60.0, "run_id": "7",
    "file_sha256": "abcdef0123",
}  # fmt: skip


def test_all_origins_are_one_pool_in_which_the_newest_run_of_a_line_counts(db):
    insert(db, "operating_points", point_id="published-m", **GOOD)
    insert(db, "snapshot_points", row_index=0, conc=4, date="2026-05-01", p99_ttft_s=2.5, **MEASURED)
    insert(db, "snapshot_points", row_index=1, conc=8, date="2026-05-01", **MEASURED)
    insert(db, "snapshot_points", row_index=2, conc=4, date="2026-04-01", **MEASURED | {"run_id": "6"})
    insert(db, "snapshot_points", row_index=3, conc=4, date="2026-05-01", **MEASURED | {"workload": "agentic"})
    insert(db, "snapshot_points", row_index=4, conc=2, date="2026-05-02", source="own measurement",
           **MEASURED | {"run_id": None})  # fmt: skip
    insert(db, "benchmarks", point_id="shipped", conc=4, **SHIPPED)
    found = db.sql("SELECT point_id, origin, evidence, conc, ttft_p99_s FROM points ORDER BY point_id").fetchall()
    assert found == [
        ("published-m", "published", "measured", None, None),
        ("shipped", "shipped", "measured", 4, None),  # another configuration: it states its number of GPUs
        ("snapshot-abcdef01-0", "snapshot", "measured", 4, 2.5),
        ("snapshot-abcdef01-1", "snapshot", "measured", 8, None),  # the run of May counts, April's does not
        ("snapshot-abcdef01-4", "own", "measured", 2, None),  # newer, and yet it replaces nobody else's run
    ]


SHIPPED = {
    "evidence": "measured", "gpu": "x1", "model": "m", "is_disagg": False, "num_gpu": 8, "isl_tok": 1024,
    "osl_tok": 1024, "interactivity_tok_per_s_per_user": 90.0, "total_tok_per_s_per_gpu": 60.0, "date": "2026-05-01",
    "run_url": "https://a/runs/7",
}  # fmt: skip


def test_a_run_that_ships_and_was_ingested_counts_once_and_a_newer_run_replaces_it(db):
    insert(db, "benchmarks", point_id="a", conc=4, **SHIPPED)
    insert(db, "benchmarks", point_id="b", conc=8, **SHIPPED)
    (line,) = db.execute("SELECT DISTINCT config_id FROM measured_points").fetchone()
    same = MEASURED | {"config_id": line, "offload_mode": "off", "source": "InferenceX"}
    insert(db, "snapshot_points", row_index=0, conc=4, date="2026-05-01", **same)
    pool = "SELECT point_id FROM points ORDER BY point_id"
    assert db.sql(pool).fetchall() == [("b",), ("snapshot-abcdef01-0",)]
    assert Standing(*db.execute(standing.COUNTS).fetchone()) == Standing(
        num_given=1, num_newest=1, num_same_run=1, num_older_run=0, num_beside=1
    )
    insert(db, "snapshot_points", row_index=1, conc=4, date="2026-06-01", **same | {"run_id": "8"})
    assert db.sql(pool).fetchall() == [("snapshot-abcdef01-1",)]
    assert Standing(*db.execute(standing.COUNTS).fetchone()) == Standing(
        num_given=2, num_newest=1, num_same_run=1, num_older_run=1, num_beside=0
    )


def test_a_published_point_whose_run_is_at_hand_is_left_out(db):
    insert(db, "benchmarks", point_id="a", conc=4, precision="fp8", **SHIPPED)
    near = GOOD | {"interactivity_tok_per_s_per_user": 91.0, "total_tok_per_s_per_gpu": 60.03}
    changes = {"same": {}, "silent": {"conc": 4}, "other-conc": {"conc": 5}, "fp4": {"precision": "fp4"}}
    changes |= {"faster": {"interactivity_tok_per_s_per_user": 94.0}, "more": {"total_tok_per_s_per_gpu": 60.1}}
    for name, change in (changes | {"read-off": {"evidence": "interpolated"}}).items():
        insert(db, "operating_points", point_id=name, **near | change)
    left_out = db.sql("SELECT point_id, reason FROM excluded_points ORDER BY point_id").fetchall()
    assert left_out == [("same", "the run itself is at hand"), ("silent", "the run itself is at hand")]


def test_runs_with_wrong_answers_are_marked_and_replace_no_other(db):
    insert(db, "benchmarks", point_id="right", conc=4, **SHIPPED)
    wrong = SHIPPED | {"run_url": "https://a/runs/8", "date": "2026-06-01", "framework": "e"}
    insert(db, "benchmarks", point_id="right-e", conc=4, **SHIPPED | {"framework": "e"})
    insert(db, "benchmarks", point_id="wrong", conc=4, **wrong)
    insert(db, "operating_points", point_id="page", **GOOD | {"total_tok_per_s_per_gpu": 70.0})
    insert(db, "known_wrong_runs", key="1", run_id="8", gpu="x1", model="m", framework="e")
    insert(db, "known_wrong_runs", key="2", point_id="page")
    insert(db, "known_wrong_runs", key="3", run_id="7", gpu="x1", model="m", framework="f")
    found = db.sql("SELECT point_id, is_known_wrong FROM points ORDER BY point_id").fetchall()
    assert found == [("page", True), ("right", False), ("right-e", False), ("wrong", True)]


def test_silence_of_a_source_is_said(db):
    insert(db, "operating_points", point_id="p", **GOOD)
    assert db.sql("SELECT precision, spec_decoding FROM points").fetchall() == [("not stated", "not stated")]


def test_published_points_have_no_percentiles_and_no_accuracy(db):
    insert(db, "operating_points", point_id="p", **GOOD | {"ttft_s": 1.0, "tpot_s": 0.01, "latency_statistic": "mean"})
    found = db.sql("SELECT origin, ttft_p99_s, tpot_p99_s, accuracy_frac FROM points").fetchall()
    assert found == [("published", None, None, None)]


def test_the_known_score_of_a_point(db):
    way = {"gpu": "x1", "model": "m", "framework": "e", "precision": "fp8", "is_disagg": True}
    own, other = {"run_url": "https://a/7"}, {"run_url": "https://a/8"}
    for row, change in enumerate((own, other, own | {"precision": "fp4"}, own | {"accuracy_frac": 0.5})):
        insert(db, "snapshot_points", row_index=row, conc=row, date="2026-05-01", **MEASURED | way | change)
    for row, change in enumerate((
        {"task": "gsm8k", "score_frac": 0.91, "date": "2026-04-01", **own},
        {"task": "aime", "score_frac": 0.40, "date": "2026-04-01", **own},
        {"task": "gsm8k", "score_frac": 0.93, "date": "2026-05-02", "run_url": "https://a/9"},
        {"task": "gsm8k", "score_frac": 0.94, "date": "2026-05-01", "run_url": "https://a/9"},
        {"task": "gsm8k", "score_frac": 0.10, "date": "2026-05-01", "framework": "f", **own},
        {"task": "gsm8k", "score_frac": None, "date": "2026-06-01", **own},
    )):  # fmt: skip
        insert(db, "evaluations", row_index=row, file_sha256="e", **way | change)
    found = db.sql("SELECT * FROM point_scores ORDER BY point_id").fetchall()
    assert found == [
        ("snapshot-abcdef01-0", "gsm8k", 0.91, True),  # of its own run, though older and beside another task
        ("snapshot-abcdef01-1", "gsm8k", 0.93, False),  # the newest of the way of serving
        ("snapshot-abcdef01-3", None, 0.5, True),  # what the row says of itself; FP4 was not evaluated
    ]


def test_equal_speed_pairs(db):
    fast = "interactivity_tok_per_s_per_user"
    insert(db, "operating_points", point_id="a1", **GOOD | {"precision": "fp8", "spec_decoding": "mtp"})
    insert(db, "operating_points", point_id="a2", **GOOD | {fast: 200.0})
    insert(
        db, "operating_points", point_id="b1",
        **GOOD | {"gpu": "x2", fast: 105.0, "total_tok_per_s_per_gpu": 10.0, "precision": "fp8",
                  "spec_decoding": "mtp"},
    )  # fmt: skip
    insert(db, "operating_points", point_id="b2", **GOOD | {"gpu": "x2", fast: 105.1, "evidence": "interpolated"})
    insert(db, "operating_points", point_id="b3", **GOOD | {"gpu": "x2", "osl": 8192})
    insert(db, "operating_points", point_id="b4", **GOOD | {"gpu": "x2", fast: 200.0, "evidence": "interpolated"})
    found = db.sql(
        "SELECT point_a, point_b, tput_ratio, is_measured, is_like_for_like"
        " FROM equal_speed_pairs('x1', 'x2', 1.05) ORDER BY point_a, point_b"
    ).fetchall()
    assert found == [
        ("a1", "b1", 5.0, True, True),
        ("a2", "b4", 1.0, False, False),  # both silent on format and speculation: that is no likeness
    ]


def test_claim_cells_put_a_printed_row_side_by_side(db):
    common = {"claim_set": "t", "row": "cost", "metric": "cost_per_mtok", "claimant": "N"}
    insert(
        db, "claims", claim_id="1", cell="subject", subject="x1", printed="0.12", value=0.12, printed_ulp=0.01, **common
    )
    insert(
        db, "claims", claim_id="2", cell="baseline", subject="x2", printed="4.20", value=4.2, printed_ulp=0.01, **common
    )
    insert(
        db,
        "claims",
        claim_id="3",
        cell="ratio",
        subject="x1",
        baseline="x2",
        printed="35x",
        value=35,
        printed_ulp=1,
        **common,
    )
    insert(db, "claims", claim_id="4", claim_set="other", metric="cost_per_mtok", subject="x1", value=1)
    found = db.sql(
        "SELECT claim_set, row, subject, baseline, subject_printed, baseline_value, ratio_ulp FROM claim_cells"
    ).fetchall()
    assert found == [("t", "cost", "x1", "x2", "0.12", 4.2, 1.0)]


def test_inputs_of_an_owned_hour_come_in_layers(db):
    def tco(parameter, value, profile="typical", applies_to="all"):
        insert(db, "tco_inputs", key=f"{profile}-{parameter}-{applies_to}", profile=profile, parameter=parameter,
               applies_to=applies_to, value=value, low=value, high=value)  # fmt: skip

    tco("wacc_frac", 0.09)
    tco("wacc_frac", 0.07, profile="mine")
    tco("wacc_frac", 0.5, profile="yours", applies_to="x1")
    tco("life_year", 4)
    tco("life_year", 5, applies_to="x1")
    tco("life_year", 6, applies_to="liquid")
    tco("usd_per_system", 100, applies_to="x2")
    tco("pue", 1.1, profile="mine", applies_to="liquid")
    insert(db, "site_inputs", key="a", parameter="pue", applies_to="air", value=1.4, low=1.25, high=1.54)
    insert(db, "site_inputs", key="b", parameter="pue", applies_to="liquid", value=1.12)
    insert(db, "site_inputs", key="c", parameter="liquid_heat_frac", applies_to="x1", value=0.94)
    insert(db, "site_inputs", key="d", parameter="liquid_heat_frac", applies_to="x2", value=0)
    insert(db, "hardware", gpu="x1", is_reference=True, gpus_per_node=4, gpus_per_rack=72, source_url="https://a")
    insert(db, "hardware", gpu="x2", is_reference=True, gpus_per_node=8, source_url="https://a")

    def of(gpu, profile):
        rows = db.sql(
            "SELECT parameter, value FROM tco_inputs_for($gpu, $profile) ORDER BY parameter",
            params={"gpu": gpu, "profile": profile},
        ).fetchall()
        assert len(rows) == len(dict(rows))
        return dict(rows)

    typical = {"gpu_per_system": 72, "life_year": 5, "pue": 1.12, "wacc_frac": 0.09}
    assert of("x1", "typical") == typical
    assert of("x1", "mine") == typical | {"pue": 1.1, "wacc_frac": 0.07}
    # the profile's row about everything goes before a typical row about the GPU
    tco("life_year", 3, profile="mine")
    assert of("x1", "mine")["life_year"] == 3
    assert of("x2", "mine") == {
        "gpu_per_system": 8, "life_year": 3, "pue": 1.4, "usd_per_system": 100, "wacc_frac": 0.07
    }  # fmt: skip
    # of a GPU that nothing is known about, only what is about everything
    assert of("x3", "typical") == {"life_year": 4, "wacc_frac": 0.09}
    # a figure without a range is its own low and high
    ends = db.sql("SELECT low, value, high FROM tco_inputs_for('x1', 'typical') WHERE parameter = 'pue'").fetchall()
    assert ends == [(1.12, 1.12, 1.12)]


@pytest.mark.parametrize(
    ("row", "grade", "grounds"),
    [
        ({"status": "measured", "source_kind": "primary"}, "measured", "its owner's page was read on 2026-11-23"),
        ({"status": "published", "source_kind": "primary"}, "published", "its owner's page was read on 2026-11-23"),
        ({"status": "estimate", "source_kind": "primary"}, "estimated", "its owner's page was read on 2026-11-23"),
        ({"status": "published", "source_kind": "reprint"}, "second hand", "read in a copy; its owner's page was not"),
        (
            {"status": "measured", "source_kind": "press"},
            "second hand",
            "known from the press; its owner's page was not read",
        ),
        ({"status": "guess", "source_kind": "press"}, "assumed", "chosen here; a source says something similar"),
        ({"status": "guess", "source_url": None}, "assumed", "no source was found"),
        ({"status": "estimate", "accessed": None}, "estimated", "brought by a scenario"),
    ],
)
def test_a_figure_is_as_strong_as_its_status_and_what_was_read(db, row, grade, grounds):
    insert(db, "tco_inputs", **{"key": "k", "accessed": "2026-11-23", "source_url": "https://a"} | row)
    (found,) = db.sql("SELECT grade, grounds FROM input_grades WHERE key = 'k'").fetchall()
    assert found[0] == grade and found[1].startswith(grounds)


def test_measured_energy(db):
    quote = {"gpu": "x1", "provider": "P", "source_url": "https://a", "note": "one run"}
    insert(db, "power_book", power_id="rated", basis="board_tdp", kw_per_gpu=1.0, **quote)
    insert(db, "power_book", power_id="printed", basis="board_measured", kw_per_gpu=0.3, j_per_total_tok=0.6, **quote)
    insert(db, "power_book", power_id="power", basis="system_measured", kw_per_gpu=0.5, model="m", **quote)
    run = {"avg_power_kw_per_gpu": 0.6, "power_basis": "gpu_board", "source": "S", "precision": "fp8", "conc": 4}
    rows = [
        MEASURED | {"j_per_total_tok": 9.99},  # as printed
        MEASURED,  # 600 W / 60 tok/s = 10 J
        MEASURED | {"repairs": ["energy_disagrees_dropped"]},
        # output tokens alone, at the wall: 600 W / 150 tok/s = 4 J
        MEASURED | {"total_tok_per_s_per_gpu": None, "output_tok_per_s_per_gpu": 150.0, "power_basis": "system_wall"},
        MEASURED | {"avg_power_kw_per_gpu": None},
    ]
    for index, row in enumerate(rows):
        insert(db, "snapshot_points", row_index=index, **run | row)
    found = db.sql(
        """SELECT measurement_id, model, basis, kw_per_gpu, token_scope, j_per_tok, tok_per_s_per_gpu, conditions
           FROM measured_energy ORDER BY measurement_id"""
    ).fetchall()
    said = "FP8, 1024/1024, concurrency 4"
    assert found == [
        ("power", "m", "system_measured", 0.5, "total", None, None, "one run"),
        ("printed", None, "board_measured", 0.3, "total", 0.6, pytest.approx(500), "one run"),  # 300 W / 0.6 J
        ("snapshot-abcdef01-0", "m", "board_measured", 0.6, "total", 9.99, 60, said),
        ("snapshot-abcdef01-1", "m", "board_measured", 0.6, "total", 10, 60, said),
        ("snapshot-abcdef01-2", "m", "board_measured", 0.6, "total", None, 60, said),
        ("snapshot-abcdef01-3", "m", "system_measured", 0.6, "output", 4, 150, said),
    ]
