"""The two questions of the command line, asked of the data that ship and of a corrupted copy of them."""

import json
import os
import shutil
from datetime import date

import pytest

from tokenfactory import ask, cli, warehouse
from tokenfactory.errors import NotMeasuredError, ParameterError
from tokenfactory.warehouse import store


@pytest.fixture(scope="module")
def shipped(project, tmp_path_factory):
    """The published data alone, whatever snapshots somebody has."""
    folder = tmp_path_factory.mktemp("published")
    for file in (project / "data").glob("*.csv"):
        shutil.copy(file, folder)
    before = os.environ.get("TOKENFACTORY_CACHE")
    os.environ["TOKENFACTORY_CACHE"] = str(tmp_path_factory.mktemp("cache"))
    try:
        yield folder, store.build(folder)
    finally:
        os.environ.pop("TOKENFACTORY_CACHE")
        if before is not None:
            os.environ["TOKENFACTORY_CACHE"] = before


@pytest.fixture(scope="module")
def db(shipped):
    return warehouse.connect(shipped[1])


def run(shipped, *arguments):
    return cli.run([*arguments, "--warehouse", str(shipped[1])])


@pytest.fixture(autouse=True)
def no_other_warehouse(monkeypatch):
    monkeypatch.setenv("TOKENFACTORY_WAREHOUSE", "")  # so that what run() sets is taken back


# --- compare


R1 = dict(model="deepseek-r1-0528", isl=8192, osl=1024, on=date(2026, 4, 15))


def test_fp8_with_and_without_mtp_at_84(db):
    """The newer system costs more per token when only the older way of decoding was run on it."""
    answer = ask.compare(db, **R1, speeds=[84], gpus=["gb300", "h200"])
    gb300, h200 = answer["rows"]
    # with MTP: 6,186 tok/s as the page reads it; 2.652e6 / (3600 * 6186) = 0.119
    # ... and of runs that are marked, as on the pages
    assert gb300["configuration"] == "FP8 MTP known to answer wrongly"
    assert (gb300["tput"], gb300["how"]) == (6186, "interpolated by InferenceX")
    assert gb300["usd_per_mtok"] == pytest.approx(0.1191, abs=5e-5)
    assert h200["usd_per_mtok"] == pytest.approx(1.41e6 / 3600 / h200["tput"], rel=1e-12)
    assert gb300["usd_per_mtok_low"] < gb300["usd_per_mtok"] < gb300["usd_per_mtok_high"]


def test_the_point_behind_the_printed_table_answers_at_117(db):
    answer = ask.compare(db, **R1 | {"isl": 1024}, speeds=[117, 116.72, 200], gpus=["h200", "gb300"])
    asked, exact, beyond = (answer["rows"][row] for row in (0, 2, 4))
    # the end of the curve is a quarter of a percent slower than asked
    assert (asked["how"], asked["tput"]) == (exact["how"], exact["tput"]) == ("measured", 93.153)
    assert exact["usd_per_mtok"] == pytest.approx(1.41e6 / 3600 / 93.153)
    assert (beyond["how"], beyond["tput"]) == ("not measured", None)
    text = "\n".join(ask.compare_text(answer))
    assert "H200 is not measured at 200 tok/s per user: its nearest points are at " in text
    speed = f"--at {beyond['nearest_speed']:g} --gpu h200"
    assert f"tokenfactory compare --model deepseek-r1-0528 --isl 1024 --osl 1024 {speed}" in text


def test_two_amounts_that_differ_never_look_alike(db):
    answer = ask.compare(db, **R1 | {"isl": 1024}, speeds=[117], gpus=["gb300", "h200"])
    for row, cost in zip(answer["rows"], (0.12341, 0.12342), strict=True):
        row["usd_per_mtok"] = cost
    text = "\n".join(ask.compare_text(answer))
    assert "$0.12341" in text and "$0.12342" in text


def test_compare_speaks_to_people_and_programs(shipped, capsys):
    workload = ["--model", "deepseek-r1-0528", "--isl", "8192", "--osl", "1024"]
    command = ["compare", *workload, "--at", "40,84", "--on", "2026-04-15"]
    assert run(shipped, *command, "--json", "--gpu", "h200") == 0
    data = json.loads(capsys.readouterr().out)
    assert [(row["gpu"], row["speed"]) for row in data["rows"]] == [("h200", 40), ("h200", 84)]
    assert data["prices_on"] == "2026-04-15" and "NaN" not in json.dumps(data)
    assert run(shipped, *command) == 0
    out = capsys.readouterr().out
    assert "| tok/s per user | GPU " in out and "not measured" in out
    assert out.count("| H100 ") == 2  # every GPU with points has its row, also where none is near


def test_a_gpu_without_a_price_on_the_day_has_no_cost(db):
    answer = ask.compare(db, **R1 | {"on": date(2025, 1, 1)}, speeds=[84], gpus=["h200"])
    assert answer["rows"][0]["tput"] and answer["rows"][0]["usd_per_mtok"] is None


@pytest.mark.parametrize(
    ("change", "error", "message"),
    [
        ({"model": "deepseek-r2"}, ParameterError, "model: 'deepseek-r2' is not known; did you mean 'deepseek-r1' or"),
        ({"gpus": ["h200", "gb3000"]}, ParameterError, "gpu: 'gb3000' is not known; did you mean 'gb300'"),
        ({"isl": 77}, NotMeasuredError, "no point of deepseek-r1-0528 at 77/1024 tokens; lengths with points: 1024/"),
    ],
)
def test_questions_that_cannot_be_asked(db, change, error, message):
    with pytest.raises(error, match=message):
        ask.compare(db, **R1 | {"speeds": [40]} | change)


@pytest.mark.parametrize(
    ("option", "value", "message"),
    [
        ("--at", "40,fast", "'40,fast' is not a list of speeds such as 40,60,100"),
        ("--at", "40,-3", "'40,-3': a speed must be above zero"),
        ("--at", "nan", "'nan' is not a list of speeds"),
        ("--isl", "0", "'0' is not a number of tokens"),
        ("--on", "today", "'today' is not a date such as 2026-04-15"),
    ],
)
def test_bad_options_are_one_sentence(capsys, option, value, message):
    asked = {"--model": "m", "--isl": "1024", "--osl": "1024", "--at": "40"} | {option: value}
    with pytest.raises(SystemExit) as left:
        cli.run(["compare", *(part for pair in asked.items() for part in pair)])
    assert left.value.code == 2
    assert message in capsys.readouterr().err


# --- audit


def test_the_nvidia_table_in_words(shipped, capsys):
    assert run(shipped, "audit", "nvidia-2026-04") == 0
    out = capsys.readouterr().out
    for sentence in (
        "price: owning hyperscaler since 2026-03-18 (GB300 2.652, H200 1.41 USD per GPU-hour)",
        "power: allin utility provisioned since 2026-03-18 (GB300 2.1, H200 1.73 kW per GPU)",
        "H200: one throughput gives every value cell, 93.1431 to 93.3651 tok/s per GPU",
        "inside it: inferencex-dsr1-h200-fp8-mtp-dynamo-trt-1k1k-c44, 93.153 tok/s per GPU",
        "inside it: inferencex-dsr1-gb300-fp4-mtp-dynamo-trt-1k1k-c1229, 5970.26 tok/s per GPU",
        "mw: printed 50x, 51.85x from the printed values, the unrounded values allow 52.0x to 52.9x: only if",
        "cost: the same throughputs with every published price give 25.5x to 26.0x (rental 3yr since 2026-03-18) to 39",
        "FLOPS per dollar, like for like: 4.03x best DENSE, 2.69x best SPARSE, 1.34x BF16 DENSE",
        "all ratios follow at once if rounded to the nearest 5, with a throughput ratio of 63.1x to 63.7x",
        "FLOPS per dollar: FP4 DENSE against FP8 SPARSE, cut off and rounded: 5.656 and 2.807",
        "Not disclosed: input and output lengths, speed per user, number format of gb300",
    ):
        assert sentence in out


def test_a_corrupted_copy_contradicts_itself_and_names_the_cell(shipped, capsys, tmp_path, monkeypatch):
    folder = tmp_path / "data"
    shutil.copytree(shipped[0], folder)
    text = (folder / "claims.csv").read_text()
    printed = '"6,000",1000,6000,'
    assert text.count(printed) == 1
    (folder / "claims.csv").write_text(text.replace(printed, '"906,000",1000,906000,'))
    monkeypatch.setenv("TOKENFACTORY_DATA", str(folder))
    assert cli.run(["audit", "nvidia-2026-04", "--json"]) == 4
    table = json.loads(capsys.readouterr().out)["table"]
    assert (table["is_consistent"], table["odd_cells"]) == (False, {"subject": ["tput"], "baseline": []})
    assert cli.run(["audit", "nvidia-2026-04"]) == 4
    out = capsys.readouterr().out
    assert "GB300 contradicts itself: tput does not fit the other cells" in out
    assert "  tput: printed 65x, the printed values give 10,067x: does not follow" in out
    assert "    mw: 5,775.00 to 5,985.00 tok/s per GPU" in out
    assert "all ratios follow" not in out


def test_a_claim_is_added_by_data_alone(shipped, capsys, tmp_path, monkeypatch):
    folder = tmp_path / "data"
    shutil.copytree(shipped[0], folder)
    claims = (folder / "claims.csv").read_text().splitlines()
    line = "me-1,me,,,me,2026-05-01,GB300 beats H200,tok_per_s_per_gpu,gb300,h200,deepseek-r1,,,12.3,,,x,"
    line += "84 tok/s/user; 8k/1k; FP8; MTP both,press,https://example.org/,2026-11-24"
    (folder / "claims.csv").write_text("\n".join([*claims, line]) + "\n")
    monkeypatch.setenv("TOKENFACTORY_DATA", str(folder))
    assert cli.run(["audit", "me", "--json"]) == 0
    (claim,) = json.loads(capsys.readouterr().out)["claims"]
    # 6,186 over 637 read by the page and 889 interpolated between measured points
    assert claim["finding"] == "points say less"
    assert claim["stated"]["highest"]["ratio"] == pytest.approx(6186 / 637)
    assert "84 tok/s per user: GB300 FP8 MTP known to answer wrongly (interpolated by InferenceX)" in claim["reason"]


@pytest.mark.parametrize(
    ("claim_id", "finding"),
    [
        ("ix-gb200-b200-4.39x", "found"),
        ("ix-gb300-fp4-mtp-at-98", "found"),
        ("ix-glm5-b200-h200-3.65x", "within what the points say"),
        ("ixv2-gb300-fp4-h100-100x", "cannot be checked"),
        ("ix-vr-gb300-67x-tco", "cannot be checked"),
    ],
)
def test_semianalysis_claims_that_can_and_cannot_be_checked(db, claim_id, finding):
    (claim_set,) = db.query("SELECT claim_set FROM claims WHERE claim_id = $id ORDER BY 1", id=claim_id)["claim_set"]
    found = {claim["claim_id"]: verdict for claim, verdict in ask.audit(db, claim_set).verdicts}
    assert found[claim_id].finding == finding


def test_every_claim_set_has_an_audit_in_text_and_as_data(db):
    for claim_set in db.vocabulary("claim_set"):
        found = ask.audit(db, claim_set)
        lines = ask.audit_text(found)
        assert lines and all(isinstance(line, str) and "nan" not in line.split() for line in lines), claim_set
        json.dumps(ask.audit_data(found), allow_nan=False)


def test_one_claim_is_audited_alone_beside_the_table_it_was_printed_in(shipped, capsys):
    assert run(shipped, "audit", "nvidia-2026-04-cost", "--json") == 0
    data = json.loads(capsys.readouterr().out)
    assert [claim["claim_id"] for claim in data["claims"]] == ["nvidia-2026-04-cost"]
    assert (data["claim_set"], data["table"]["is_consistent"]) == ("nvidia-2026-04", True)
    # what the audit found by hand: 41.1x per megawatt at the power figures of July 2026, 25.7x at the rents of March
    mw = data["table"]["elsewhere"]["mw"]["allin utility provisioned since 2026-07-14"]
    assert mw[0] < 63.5925 * 1.37 / 2.12 < mw[1]
    low, high = data["table"]["elsewhere"]["cost"]["rental 3yr since 2026-03-18"]
    assert low < 63.5925 * 1.60 / 3.96 < high
    assert data["table"]["flops_per_dollar_alike"]["best DENSE"] == pytest.approx(4.02987, rel=1e-5)


def test_what_turns_the_printed_claim_round_is_said(shipped, capsys):
    assert run(shipped, "audit", "nvidia-2026-04-cost") == 0
    assert "  below 1 only with: 8192/1024 tokens; GB300 FP8; GB300 no MTP" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("claim_id", "line"),
    [
        ("nv-computex26-rubin-10x-cost", "  unchecked, known from the press alone: https://flux.aeriox.co/"),
        ("wafer-mi355x-2x-dollar", "  unchecked, read in a copy alone: https://wpnews.pro/"),
        ("mlperf61-vr-gb300-r1-server", "  read at its owner's: https://github.com/mlcommons/inference_results_v6.1/"),
    ],
)
def test_an_audit_says_where_the_claim_was_read(shipped, capsys, claim_id, line):
    assert run(shipped, "audit", claim_id) == 0
    assert any(said.startswith(line) for said in capsys.readouterr().out.splitlines())


def test_an_unknown_claim_set(shipped, capsys):
    assert run(shipped, "audit", "nvidia-2026-05") == 2
    err = capsys.readouterr().err
    assert err.startswith("tokenfactory: claim: 'nvidia-2026-05' is not known; did you mean 'nvidia-2026-0")
    assert err.count("\n") == 1
