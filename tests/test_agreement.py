"""Pages and `compare` agree over all of the data: every model, all lengths, every pair, at speeds across its points."""

from dataclasses import replace
from itertools import combinations

import numpy as np
import pytest

from tokenfactory import ask, warehouse
from tokenfactory.formulas import cost
from tokenfactory.methods import serving


def asked_of(points):
    """Each workload with its rows and five speeds from the slowest to the fastest point."""
    found = {}
    for row in points:
        if row["isl"] and row["osl"]:
            found.setdefault((row["model"], row["isl"], row["osl"]), []).append(row)
    for workload, rows in sorted(found.items()):
        yield workload, rows, np.quantile([row[serving.SPEED] for row in rows], (0.05, 0.3, 0.5, 0.7, 0.95)).tolist()


def test_every_pair_has_one_answer_in_the_way_of_each_page_and_of_compare():
    db = warehouse.connect()
    every, day = db.points(), db.day("latest")
    learned, prices = serving.learn_bands(every), db.prices(basis="owning_hyperscaler", on="latest")
    num_pairs = num_workloads = 0
    for (model, isl, osl), rows, speeds in asked_of(every):
        num_workloads += 1
        told = ask.compare(db, model=model, isl=isl, osl=osl, speeds=speeds, on=day)["rows"]
        said = {(row["speed"], row["gpu"]): row for row in told}
        on_01 = serving.Curves.of_workload(rows, learned)  # as 01, 03, 04 and 06 read
        on_09 = serving.by_lengths(every, model=model, also=(isl, osl))[isl, osl]  # as 07, 09 and 10 read
        for speed in speeds:
            usd = {}
            for curves in (on_01, on_09):
                for gpu, answer in curves.at_speed(speed).items():
                    row = said[speed, gpu]
                    assert row["tput"] == (pytest.approx(answer.best.tput_per_gpu) if answer.best else None)
                    if answer.best and gpu in prices:
                        made = {"tok_per_s_per_gpu": answer.best.tput_per_gpu, "usd_per_gpu_hour": prices[gpu]}
                        usd.setdefault(gpu, []).append(cost.usd_per_mtok(**made))
            for a, b in combinations(sorted(usd), 2):
                cheaper = {x < y for x, y in zip(usd[a], usd[b], strict=True)}
                cheaper.add(said[speed, a]["usd_per_mtok"] < said[speed, b]["usd_per_mtok"])
                assert len(cheaper) == 1, f"{model} {isl}/{osl} at {speed:g}: {a} or {b}?"
                num_pairs += 1
    assert num_workloads > 15 and num_pairs > 200, "the data have many pairs to agree on"


def test_no_answer_contradicts_what_its_source_reads_of_the_same_configuration_and_day():
    """InferenceX printed 179 tok/s per GPU for MiniMax-M3 on B200 at 60, and points of one recipe that make 80."""
    every = warehouse.connect().points()
    learned = serving.learn_bands(every)
    num, at_odds = 0, set()
    for (model, isl, osl), rows, _ in asked_of(every):
        curves = serving.Curves.of_workload(rows, learned)
        for one in (c for c in curves.configurations if not c.is_measured):
            source = [row for row in rows if serving.configuration_of(row) == one]
            alike = curves.where(lambda c, one=one: replace(c, page="") == replace(one, page=""))
            told = alike.along([row[serving.SPEED] for row in source], [one.gpu])[one.gpu]
            for row, answer in zip(source, told, strict=True):
                if answer.best is None:  # a gap of the points hides what is best there
                    continue
                num += any(c.is_measured for c in alike.configurations)
                assert answer.best.high * 1.0001 >= row[serving.TPUT], row["point_id"]
                at_odds |= {(model, isl, osl, one.gpu)} if answer.best.is_at_odds else set()
    assert num > 30 and at_odds == {("minimax-m3", 1024, 1024, gpu) for gpu in ("b200", "h200")}
