"""A Parquet file is read as the CSV file of the same rows, and refused in words where it cannot be."""

import duckdb
import pytest
from ingested import Loaded, write

from tokenfactory.errors import DataError
from tokenfactory.measurements import columnar
from tokenfactory.measurements.documents import Document, records, unpacked
from tokenfactory.measurements.ingest import ingest

PLAIN = """hardware,model,framework,num_gpu,isl_tok,osl_tok,conc,total_tok_per_s,output_tok_per_s,median_tpot_s,date
h200,acme/demo,vllm,4,1000,200,8,4800,800,0.01,2026-05-20
h200,acme/demo,vllm,4,1000,200,16,8000.125,1333.3541666666667,0.0123,
"""


def parquet(path, select: str):
    duckdb.connect().execute(f"COPY ({select}) TO '{path}' (FORMAT parquet)")
    return path


def cut(path) -> list:
    return list(records(Document(path.name, path)))


def test_the_points_are_those_of_the_csv_file(tmp_path):
    folder = write(tmp_path / "in", a__csv=PLAIN)
    of_csv = Loaded(ingest([folder / "a.csv"], tmp_path / "csv"))
    path = parquet(tmp_path / "b.parquet", f"SELECT * FROM '{folder / 'a.csv'}'")
    of_parquet = Loaded(ingest([path], tmp_path / "parquet"))
    assert of_parquet.report.exit_code == 0 and len(of_csv.points) == 2

    def told(loaded):
        return [{k: v for k, v in point.items() if not k.startswith("file")} for point in loaded.points]

    assert told(of_parquet) == told(of_csv)
    # A copy beside it is the same measurement, not a second one.
    parquet(folder / "copy.parquet", f"SELECT * FROM '{folder / 'a.csv'}'")
    assert len(Loaded(ingest([folder], tmp_path / "both")).points) == 2


def test_cells_are_texts_an_empty_one_is_there_and_nested_ones_stay(tmp_path):
    path = parquet(
        tmp_path / "a[1]*.parquet",
        """SELECT 1 AS "x""y", 0.1::DOUBLE AS d, true AS t, NULL::INT AS none, DATE '2026-05-20' AS day,
                  {'tput': 2.5::DOUBLE} AS metrics, [1, 2] AS list""",
    )
    (row,) = [row for _, row in cut(path)]
    assert row == {'x"y': "1", "d": "0.1", "t": "true", "none": "", "day": "2026-05-20",
                   "metrics": {"tput": 2.5}, "list": [1, 2]}  # fmt: skip


def test_rows_come_in_their_order_whatever_their_number(tmp_path):
    path = parquet(tmp_path / "a.parquet", f"SELECT i FROM range({2 * columnar._AT_ONCE + 1}) t(i) ORDER BY i")
    assert [(index, row["i"]) for index, row in cut(path)] == [(i, str(i)) for i in range(2 * columnar._AT_ONCE + 1)]


def test_a_zip_may_hold_one(tmp_path):
    import zipfile

    with zipfile.ZipFile(tmp_path / "x.zip", "w") as archive:
        archive.write(parquet(tmp_path / "a.parquet", "SELECT 1 AS a"), "a.parquet")
    ((document,), problems) = unpacked("x.zip", tmp_path / "x.zip")
    assert (list(records(document)), problems) == ([(0, {"a": "1"})], [])


@pytest.mark.parametrize(
    "select, words",
    [
        ("SELECT 1 AS a LIMIT 0", "has a header, but no rows"),
        (f"SELECT 1 AS a FROM range({4096 * columnar.MOST_ROWS_A_BYTE + 1})", "holds more than 250 rows a byte"),
    ],
)
def test_what_holds_no_row_or_far_too_many_is_refused(tmp_path, select, words):
    path = parquet(tmp_path / "a.parquet", select)
    with pytest.raises(DataError, match=words):
        cut(path)


def test_a_file_that_was_cut_off_is_refused(tmp_path):
    path = parquet(tmp_path / "a.parquet", "SELECT 1 AS a")
    path.write_bytes(path.read_bytes()[:-20])
    with pytest.raises(DataError, match=r"a\.parquet: is not a readable Parquet file"):
        cut(path)


def test_another_layout_is_named_as_unread(tmp_path):
    folder = write(tmp_path / "in", a__csv=PLAIN)
    parquet(folder / "b.parquet", "SELECT 'red' AS colour")
    report = ingest([folder], tmp_path / "snapshots")
    assert report.exit_code == 3
    assert [(f.file, f.problem) for f in report.not_read] == [
        ("in/b.parquet", "is not of a known format: its first record has the fields colour")
    ]
