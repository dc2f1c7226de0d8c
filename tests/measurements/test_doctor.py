"""What files are, told file by file; facts of folders hold below them."""

import pytest
from ingested import AGG, Loaded, write

from tokenfactory.errors import DataError
from tokenfactory.measurements.doctor import MOST_FILES, doctor
from tokenfactory.measurements.ingest import NoPointsError, ingest

CSV = """hardware,model,framework,num_gpu,isl_tok,osl_tok,conc,total_tok_per_s,output_tok_per_s,median_tpot_s
h200,acme/demo,vllm,4,1000,200,8,4800,800,0.01
"""
NAMELESS = CSV.replace("hardware,model", "image,model")


def test_each_file_is_told_with_what_was_read_repaired_and_left_out(tmp_path):
    rows = [AGG | {"conc": n} for n in range(1, 40)]
    rows += [AGG | {"conc": 0}, AGG | {"conc": "x"}, AGG | {"hw": "abacus"}]
    rows += [AGG | {"hw": f"unknown{n}"} for n in range(30)]
    found = doctor([write(tmp_path / "in", a__json=rows, b__csv=CSV, c__json="[")])
    lines = found.text().splitlines()
    assert found.exit_code == 3
    assert lines[0] == "2 files read: 73 rows = 40 points + 0 repeats merged + 0 of other tables + 33 excluded"
    assert lines[1] == "in/c.json: not read: element 0 is missing: the file breaks off"
    assert lines[2] == "in/a.json: inferencex_agg: 72 rows = 39 points + 0 merged + 0 other + 33 excluded"
    assert lines[3] == "  points: 39 h200 x 8 deepseek-r1-0528 fp8 vllm fixed_length 8192/1024"
    assert lines[4] == "  repaired: 39 hardware_suffix"
    assert "  left out: and 27 more kinds" in lines  # 33 kinds of excluded rows
    assert "  to add: a line 'precision: ...' in token-factory.yaml, so that its points are told apart" in lines
    assert len(lines) <= 24


def test_the_one_thing_to_add_is_named(tmp_path):
    lines = doctor([write(tmp_path / "in", a__csv=NAMELESS) / "a.csv"]).text().splitlines()
    assert lines[-1] == "  to add: a line 'hardware: ...' in token-factory.yaml beside it or in a folder above"


def test_many_paths_are_taken_and_many_files_are_counted(tmp_path):
    folder = write(tmp_path / "in", good__json=[AGG])
    for n in range(50):
        (folder / f"bad{n:02}.json").write_text("[")
    lines = doctor(sorted(folder.iterdir())).text().splitlines()
    assert lines[1] == "in/bad00.json: not read: element 0 is missing: the file breaks off"
    assert lines[-1] == f"and {51 - MOST_FILES} more files (--json has all)"


def test_a_file_that_cannot_be_read_says_why(tmp_path):
    folder = write(tmp_path / "in", a__json="[")
    with pytest.raises(DataError, match=r"in/a\.json: element 0 is missing: the file breaks off"):
        doctor([folder / "a.json"])


def test_facts_of_a_folder_hold_below_it_and_the_nearest_word_counts(tmp_path):
    root = write(tmp_path / "in", **{"token-factory__yaml": "hardware: h200\nprecision: fp8"})
    write(root / "deep" / "c8", a__csv=NAMELESS)
    write(root / "other", **{"a__csv": NAMELESS, "token-factory__yaml": "gpu: b200"})
    write(tmp_path.parent, **{"token-factory__yaml": "precision: int4"})  # above what was named: nobody asked for it
    points = Loaded(ingest([root], tmp_path / "snapshots")).points
    assert sorted((p["gpu"], p["precision"]) for p in points) == [("b200", "fp8"), ("h200", "fp8")]
    # The folder above one that was named counts: somebody names one folder per load.
    (point,) = Loaded(ingest([root / "deep"], tmp_path / "one")).points
    assert point["gpu"] == "h200"


def test_other_facts_in_a_folder_above_are_another_snapshot(tmp_path):
    root = write(tmp_path / "in", **{"token-factory__yaml": "hardware: h200"})
    write(root / "c8", a__csv=NAMELESS)
    assert ingest([root], tmp_path / "snapshots").is_new
    write(root, **{"token-factory__yaml": "hardware: b200"})
    report = ingest([root], tmp_path / "snapshots")
    assert report.is_new and Loaded(report).points[0]["gpu"] == "b200"


def test_of_many_files_that_cannot_be_read_each_is_told(tmp_path):
    folder = write(tmp_path / "in", a__csv=CSV.replace(",", "|"), b__json="<html></html>")
    (folder / "c.tar").write_bytes(b"r.json".ljust(257, b"\0") + b"ustar\x0000" + bytes(248))
    twice = CSV.splitlines()
    (folder / "d.csv").write_text(f"{twice[0]},conc\n{twice[1]},16\n")
    found = doctor([folder])
    assert found.exit_code == 3 and found.text().splitlines()[1:] == [
        "in/a.csv: not read: is a table separated by vertical lines; save it with commas, and decimal points in its"
        " numbers",
        "in/b.json: not read: is a web page; save the JSON or CSV behind it",
        "in/c.tar: not read: is a file of the kind tar; unpack it, or zip its folder",
        "in/d.csv: not read: is not of a known format: its column conc is there twice, with different values",
    ]
    with pytest.raises(NoPointsError):
        ingest([folder], tmp_path / "snapshots")


def test_blanks_after_commas_are_no_part_of_a_cell(tmp_path):
    found = doctor([write(tmp_path / "in", a__csv=CSV.replace(",", ", "))])
    assert found.exit_code == 0 and found.report.files[0].num_points == 1
