"""A GPU and a model that nobody has heard of, added by rows alone: ingested, priced, compared, drawn, in a scenario."""

import csv
import json
import shutil

import pytest
import questions
from ingested import AGG

from tokenfactory import cli, warehouse
from tokenfactory.display import theme
from tokenfactory.measurements import normalise
from tokenfactory.measurements.ingest import ingest

SOURCE = {"source_kind": "primary", "source_url": "https://example.org/r300", "accessed": "2026-11-23"}
ROWS = {
    "gpus.csv": {"gpu": "r300", "name": "R300", "vendor": "Acme", "generation": "R", "colour": "#123456",
                 "aliases": "acme r-300"},
    "models.csv": {"model": "acme-1", "name": "Acme One", "aliases": "acme1 acme-one"},
    "hardware.csv": {"hardware_id": "r300-acme", "gpu": "r300", "is_reference": "true", "system": "Acme R300 node",
                     "vendor": "Acme", "generation": "R", "gpus_per_node": "8", **SOURCE},
    "price_book.csv": {"price_id": "r300-owning", "gpu": "r300", "basis": "owning_hyperscaler",
                       "basis_printed": "own", "statistic": "quote", "usd_per_gpu_hour": "3.6",
                       "effective_from": "2026-01-01", "provider": "InferenceX TCO", "status": "estimate",
                       "source_title": "a page", **SOURCE},
    "power_book.csv": {"power_id": "r300-allin", "gpu": "r300", "basis": "allin_utility_provisioned",
                       "kw_per_gpu": "2", "effective_from": "2026-01-01", "provider": "InferenceX TCO",
                       "status": "estimate", **SOURCE},
}  # fmt: skip

SCENARIO = """\
title: R300 against H200
parameters: {subject: r300, baseline: h200, price_basis: your_quote_new}
prices: [{gpu: r300, usd_per_gpu_hour: 3.1, effective_from: 2026-01-01, provider: Acme, accessed: 2026-11-23}]
inputs: {r300: {usd_per_system: {value: 300000, unit: usd}}}
"""


@pytest.fixture
def with_r300(request, tmp_path, monkeypatch, project):
    data = tmp_path / "data"
    shutil.copytree(project / "data", data, ignore=shutil.ignore_patterns("snapshots", "scenarios"))
    for file, row in ROWS.items():
        with (data / file).open(newline="", encoding="utf-8") as lines:
            header = next(csv.reader(lines))
        with (data / file).open("a", newline="", encoding="utf-8") as lines:
            priced_by = {"provider": request.param} if hasattr(request, "param") and file == "price_book.csv" else {}
            csv.DictWriter(lines, header, restval="", lineterminator="\n").writerow(row | priced_by)
    monkeypatch.setenv("TOKENFACTORY_DATA", str(data))
    monkeypatch.setenv("TOKENFACTORY_CACHE", str(tmp_path / "cache"))
    runs = [AGG | {"hw": "r300-nv", "infmax_model_prefix": "acme1", "conc": conc, "median_intvty": speed,
                   "median_tpot": 1 / speed} for conc, speed in ((64, 25.0), (32, 30.0))]  # fmt: skip
    (data / "scenarios").mkdir()
    (data / "scenarios" / "new.yaml").write_text(SCENARIO)
    (tmp_path / "agg.json").write_text(json.dumps(runs))
    ingest([tmp_path / "agg.json"], data / "snapshots")
    return data


def test_without_its_rows_it_is_unknown():
    assert normalise.hardware("r300-nv") is None and normalise.model("acme1", None) == ("acme1", False)
    assert theme.gpu_colour("r300") == theme.NEUTRAL


def test_rows_alone_make_a_gpu_and_a_model_known(with_r300, capsys):
    assert normalise.device("Acme R-300 (x8)") == "r300"
    db = warehouse.connect()
    found = db.query("SELECT gpu, model, origin, system FROM points WHERE gpu = 'r300' ORDER BY conc").rows()
    assert found == [("r300", "acme-1", "snapshot", "Acme R300 node")] * 2
    assert db.price(gpu="r300", basis="owning_hyperscaler", on="2026-04-15")["usd_per_gpu_hour"] == 3.6
    assert db.price(gpu="r300", basis="your_quote_new", on="2026-04-15")["usd_per_gpu_hour"] == 3.1
    owning = db.query("SELECT value FROM tco_inputs WHERE profile = 'new' AND applies_to = 'r300' ORDER BY value")
    assert owning["value"].to_list() == [300000]
    assert "r300" in db.vocabulary("gpu") and db.name("acme-1") == "Acme One"
    asked = ["compare", "--model", "acme-1", "--isl", "8192", "--osl", "1024", "--at", "30", "--on", "2026-04-15"]
    assert cli.run([*asked, "--json"]) == 0
    (row,) = json.loads(capsys.readouterr().out)["rows"]
    # 3.6 / 3600 s / 851.9 tok/s = 1.1738 USD per million
    assert (row["gpu"], row["usd_per_mtok"]) == ("r300", pytest.approx(3.6e6 / 3600 / 851.9))
    assert theme.gpu_colour("r300") == "#123456"
    assert theme.gpu_scale(["r300"]).range == ["#123456"]


def test_the_page_on_sites_says_what_it_does_not_know_of_it(with_r300):
    (page,) = (notebook for notebook in questions.NOTEBOOKS if notebook.name.startswith("06_"))
    asked = {"model": "acme-1", "interactivity": 30.0, "price_date": "2026-04-15"}
    assert "R300 has no way of cooling" in questions.shown(page, **asked)["answer"][0]


# The pages that compare what tokens cost at prices of one basis: two systems, or all that answer. In a site of 06 the
# new system cannot stand, as nobody said how it is cooled.
PRICED = {"01": "H200", "02": "the others", "03": "H200", "04": "H200", "06": "", "08": "H200", "09": "H200"}
PRICED |= {"12": "H200", "13": "H200"}
R1 = AGG | {"hw": "r300-nv"}  # DeepSeek-R1, of which the data have H200


@pytest.mark.parametrize("with_r300", ["Acme"], indirect=True)
def test_a_price_of_another_owner_is_named_wherever_it_is_compared(with_r300, capsys):
    runs = [R1 | {"conc": conc, "median_intvty": speed, "median_tpot": 1 / speed}
            for conc, speed in ((64, 25.0), (32, 30.0))]  # fmt: skip
    (with_r300 / "both.json").write_text(json.dumps(runs))
    ingest([with_r300 / "both.json"], with_r300 / "snapshots")
    for page in questions.NOTEBOOKS:
        asked = {"subject": "r300", "baseline": "h200", "isl": 8192, "interactivity": 30.0, "price_date": "latest"}
        if (others := PRICED.get(page.name[:2])) is not None:
            said, *_ = questions.shown(page, **{k: v for k, v in asked.items() if k in page.parameters})["answer"]
            whose = f"<strong>Whose hours</strong>: R300 by Acme; {others} by InferenceX TCO."
            apart = "They are <strong>not of one owner</strong>, and two owners need not count the same things."
            assert (whose in said, apart in said) == (bool(others), bool(others)), page.name
    asked = ["compare", "--model", "deepseek-r1-0528", "--isl", "8192", "--osl", "1024", "--at", "30"]
    assert cli.run([*asked, "--gpu", "r300", "--gpu", "h200"]) == 0
    assert "\nWhose hours: R300 by Acme; H200 by InferenceX TCO.\nThey are not of one owner" in capsys.readouterr().out
    assert cli.run([*asked, "--gpu", "h200", "--gpu", "gb300"]) == 0
    assert "Whose hours" not in capsys.readouterr().out
