"""The plain template: fields of the schema as a header, for measurements no other adapter knows."""

import pytest
from ingested import load

HEADER = "hardware,model,framework,num_gpu,isl_tok,osl_tok,conc,total_tok_per_s_per_gpu,median_tpot_s,precision,date\n"
ROW = "NVIDIA L40S,acme/Demo-7B,vllm,2,1024,256,8,1500.5,0.02,fp8,2026-05-20\n"


def test_a_row(tmp_path):
    loaded = load(tmp_path, own__csv=HEADER + ROW)
    (point,) = loaded.points
    assert (point["gpu"], point["model"], point["framework"], point["num_gpu"]) == (
        "l40s",
        "acme-demo-7b",
        "vllm",
        2,
    )
    assert (point["total_tok_per_s_per_gpu"], point["interactivity_tok_per_s_per_user"]) == (1500.5, 50)
    assert point["source"] == "own measurement"
    assert point["spec_decoding"] is None  # not stated
    assert point["repairs"] == ["gpu_not_in_table", "interactivity_from_time", "model_not_in_table"]


def test_empty_cells_and_facts(tmp_path):
    rows = "hardware,model,num_gpu,isl_tok,osl_tok,conc,total_tok_per_s,error\n,acme/demo,4,1024,1024,8,1000,\n"
    (point,) = load(tmp_path, facts={"hardware": "h200"}, own__csv=rows).points
    assert (point["gpu"], point["total_tok_per_s_per_gpu"]) == ("h200", 250)


def test_a_misspelt_column_is_seen(tmp_path):
    loaded = load(tmp_path, own__csv=HEADER.replace("conc", "concurency") + ROW, b__csv=HEADER + ROW)
    assert loaded.excluded == [(0, "concurency", "is not a field of the plain CSV template; conc is one")]


@pytest.mark.parametrize(
    ("was", "becomes", "field"),
    [
        (",2,", ",,", "num_gpu"),
        ("0.02", "0.02 s", "median_tpot_s"),
        ("1500.5", "1,500", None),
        ("1500.5", "nan", "total_tok_per_s_per_gpu"),
        ("2026-05-20", "20.05.2026", "date"),
    ],
)
def test_a_cell_of_no_use_is_named(tmp_path, was, becomes, field):
    loaded = load(tmp_path, own__csv=HEADER + ROW.replace("L40S", "L4") + ROW.replace(was, becomes))
    ((index, at, _),) = loaded.excluded
    assert (index, at) == (1, field)
