"""Spoilt files of every format: no traceback, no hang, no row lost, no nonsense let in."""

import faulthandler
import gzip
import json
import math
import random
import sys
from pathlib import Path

import pytest
from ingested import AGG, API, Loaded
from layouts import ALL, FACTS

from tokenfactory.errors import DataError
from tokenfactory.measurements import rents
from tokenfactory.measurements.ingest import ingest
from tokenfactory.warehouse import measured

IN_A_BATCH = 100
LONGEST_S = 10 * IN_A_BATCH  # of a batch: 10 s a file
POISON = (
    *("null", "true", "-1", "0", "1e308", "1e999", "-0.0", "5e-324", "NaN", "Infinity", "-Infinity", '"NaN"', '"inf"'),
    *(
        str(2**63),
        str(2**64),
        "1" * 400,
        "1" * 5000,
        '""',
        '" "',
        '"\\ud800"',
        '"\\u0000"',
        '"\\u202e"',
        '"0001-01-01"',
    ),
    *('"9999-12-31"', '"2026-13-40"', "[]", "{}", "[[]]", "[1,2]", '{"a":1}', '"' + "x" * 2000 + '"', '"1e5"', '"-5"'),
)
CSVS = (
    "hardware,model,framework,precision,num_gpu,isl_tok,osl_tok,conc,total_tok_per_s,output_tok_per_s,median_tpot_s,date\n"
    "h200,acme/demo,vllm,fp8,8,1000,200,64,4800,800,0.01,2026-01-02\n"
    "h200,acme/demo,vllm,fp8,8,1000,200,32,3800,600,0.008,2026-01-02\n",
    "Model,Hardware Key,Framework,Precision,TP,Concurrency,ISL,OSL,Throughput/GPU (tok/s),Median TPOT (s),Date\n"
    "dsr1,h200_0,vllm,fp8,8,64,1024,1024,600,0.01,2026-01-02\n",
)
RENTS = "date,provider,gpu_model,gpu_count,rental_type,price_median_usd\n2026-01-02,a,H100 SXM,1,on_demand,2.50\n"
RENTS += "2026-02-03,b,NVIDIA H200,8,reserved,20.40\n"
SEEDS = [json.dumps(record) for _, record in ALL.values()] + [json.dumps([AGG, AGG | {"conc": 8}]), json.dumps([API])]


def _places(value, path=()):
    if path:
        yield path
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inside in items:
        yield from _places(inside, (*path, key))


def _spoil_json(text: str, chance: random.Random) -> str:
    """The same record with one to three places spoilt; poison goes in as it is written."""
    record, poisons = json.loads(text), {}
    for number in range(chance.randint(1, 3)):
        *way, last = chance.choice(list(_places(record)))
        inside = record
        for key in way:
            inside = inside[key]
        action = chance.random()
        if action < 0.7:
            inside[last] = f"@{number}@"
            poisons[f'"@{number}@"'] = chance.choice(POISON)
        elif action < 0.85:
            del inside[last]
        elif isinstance(inside, dict):
            inside[chance.choice(POISON[:5])] = inside.pop(last)
        if not record:
            return text
    text = json.dumps(record)
    for mark, poison in poisons.items():
        text = text.replace(mark, poison)
    return text


def _spoil_csv(text: str, chance: random.Random) -> str:
    rows = [line.split(",") for line in text.splitlines()]
    for _ in range(chance.randint(1, 3)):
        row = chance.choice(rows)
        action, at = chance.random(), chance.randrange(len(row))
        if action < 0.7:
            row[at] = chance.choice(POISON).strip('"')
        elif action < 0.8:
            row.insert(at, chance.choice((" ", '"', "\0", "x;y", "\r")))
        elif len(row) > 1:
            del row[at]
    return chance.choice(("\n", "\r\n", "\r")).join(",".join(row) for row in rows) + "\n"


def _spoil_bytes(content: bytes, chance: random.Random) -> bytes:
    content = bytearray(content)
    for _ in range(chance.randint(1, 4)):
        at = chance.randrange(len(content))
        action = chance.random()
        if action < 0.4:
            content[at] = chance.randrange(256)
        elif action < 0.6:
            del content[at:]
        elif action < 0.8:
            content[at:at] = chance.choice(
                (b"\xef\xbb\xbf", b"\0", b"\xff", b"{", b"]", b'"', b"\n", b"&a", b"*a", b"!!")
            )
        else:
            content[at:at] = content[at : at + chance.randrange(50)]
        content = content or bytearray(b" ")
    return bytes(content)


def mutated(seed: int) -> tuple[str, bytes]:
    """Name and bytes of a spoilt file; the same for the same seed."""
    chance = random.Random(seed)
    kind = chance.random()
    if kind < 0.25:
        name, content = "csv", _spoil_csv(chance.choice(CSVS), chance).encode("utf-8", "surrogatepass")
    elif kind < 0.32:  # JSON is YAML
        name, content = "yaml", b"version: 1\nmetrics:\n" + _spoil_json(chance.choice(SEEDS), chance).encode()
    else:
        name, content = "json", _spoil_json(chance.choice(SEEDS), chance).encode("utf-8", "surrogatepass")
    if chance.random() < 0.2:
        content = _spoil_bytes(content, chance)
    if chance.random() < 0.05:
        name, content = "gz", _spoil_bytes(gzip.compress(content), chance)
    return f"{seed}.{name}", content


def assert_no_nonsense(point: dict) -> None:
    for column in measured.MEASURED_POINTS:
        value = point[column.name]
        if isinstance(value, float):
            most = measured.LARGEST.get(column.unit, 1e12)
            assert math.isfinite(value) and 0 <= value <= most * 1e6, (column.name, value)
    assert 0 < point["num_gpu"] <= 1_000_000
    assert (point["total_tok_per_s_per_gpu"] or point["output_tok_per_s_per_gpu"]) <= 1e7
    assert (point["interactivity_tok_per_s_per_user"] or 1) <= 1e9
    assert point["date"] is None or 2015 <= point["date"].year <= 2100
    if point["workload"] == "fixed_length":
        assert point["requests_per_s"] is None and point["conc"] >= 1 and point["isl_tok"] >= 1


def run_batch(folder: Path, seeds: range) -> int:
    """Ingest spoilt files together; return how many of them made a point."""
    (folder / "in").mkdir(parents=True)
    (folder / "in" / "token-factory.yaml").write_text(FACTS)
    for seed in seeds:
        name, content = mutated(seed)
        (folder / "in" / name).write_bytes(content)
    faulthandler.dump_traceback_later(LONGEST_S, exit=True, file=sys.__stderr__)
    report = ingest([folder / "in"], folder / "snapshots", needs_points=False)
    faulthandler.cancel_dump_traceback_later()
    assert len(report.files) == len(seeds)
    for file in report.files:
        assert file.num_rows == file.num_points + file.num_merged + file.num_other + file.num_excluded
        assert file.problem or file.num_rows
        assert "\n" not in (file.problem or "")
    loaded = Loaded(report)
    assert all(field or reason for _, field, reason in loaded.excluded)
    for point in loaded.points:
        assert_no_nonsense(point)
    return sum(file.num_points > 0 for file in report.files)


def test_spoilt_files_are_points_or_reasons(tmp_path):
    made = sum(run_batch(tmp_path / str(first), range(first, first + IN_A_BATCH)) for first in (0, 100, 200))
    assert 30 < made < 270  # neither harmless nor hopeless


@pytest.mark.soak
@pytest.mark.parametrize("part", range(20))
def test_20000_spoilt_files_are_points_or_reasons(tmp_path, part):
    for first in range(part * 1000, (part + 1) * 1000, IN_A_BATCH):
        run_batch(tmp_path / str(first), range(first, first + IN_A_BATCH))


def test_a_list_or_an_object_in_any_place_of_a_deployment_report_costs_one_file_at_most(tmp_path):
    for name in ("llmd_01", "llmd_021"):
        _, record = ALL[name]
        for number, (*way, last) in enumerate(_places(record)):
            for other in ([], {}):
                spoilt = inside = json.loads(json.dumps(record))
                for key in way:
                    inside = inside[key]
                inside[last] = other
                (tmp_path / f"{name}-{number}-{type(other).__name__}.json").write_text(json.dumps(spoilt))
    (tmp_path / "token-factory.yaml").write_text(FACTS)
    report = ingest([tmp_path], tmp_path / "snapshots")
    assert all(f.problem or f.num_points or f.num_merged or f.num_excluded for f in report.files)
    assert sum(f.num_points + f.num_merged for f in report.files) > 100


def test_spoilt_rents_are_kept_or_counted_with_a_reason(tmp_path):
    path = tmp_path / "rents.csv"
    for seed in range(200):
        chance = random.Random(seed)
        content = _spoil_csv(RENTS, chance).encode("utf-8", "surrogatepass")
        path.write_bytes(_spoil_bytes(content, chance) if seed % 4 == 0 else content)
        try:
            cleaned = rents.clean(rents.read(path))
        except DataError as error:
            assert "\n" not in str(error)
            continue
        prices = cleaned.kept["usd_per_gpu_hour"] if len(cleaned.kept) else []
        assert all(0 < price < 1e6 for price in prices)
        assert all(cleaned.excluded["reason"])
