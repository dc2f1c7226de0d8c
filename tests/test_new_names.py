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
def with_r300(tmp_path, monkeypatch, project):
    data = tmp_path / "data"
    shutil.copytree(project / "data", data, ignore=shutil.ignore_patterns("snapshots", "scenarios"))
    for file, row in ROWS.items():
        with (data / file).open(newline="", encoding="utf-8") as lines:
            header = next(csv.reader(lines))
        with (data / file).open("a", newline="", encoding="utf-8") as lines:
            csv.DictWriter(lines, header, restval="", lineterminator="\n").writerow(row)
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
