"""Files are cut into records strictly, and every refusal says what and where."""

import gzip
import io
import json
import os
import stat
import zipfile
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tokenfactory.errors import DataError
from tokenfactory.measurements import documents
from tokenfactory.measurements.adapters import RowProblem
from tokenfactory.measurements.documents import Document, records, unpacked
from tokenfactory.measurements.walk import walk


@pytest.fixture
def cut(tmp_path):
    """Records of a file with this content."""

    def of(content: bytes | str, name="file"):
        path = tmp_path / name
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return list(records(Document(name, path)))

    return of


def zipped(path, **members):
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in members.items():
            archive.writestr(name, content)
    return path


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ('[{"a": 1}, {"a": 2}]', [{"a": 1}, {"a": 2}]),
        ('{"a": 1}', [{"a": 1}]),
        ('{"a": 1}\n{"a": 2}\n', [{"a": 1}, {"a": 2}]),
        ('\ufeff  [{"a": "\u00e9"}]  \n', [{"a": "\u00e9"}]),
        ("# licence\n# WARNING old\na,b\n1,\n\n2,x\n", [{"a": "1", "b": ""}, {"a": "2", "b": "x"}]),
        ('a,b\n"x, ""y""\nz",2\n', [{"a": 'x, "y"\nz', "b": "2"}]),
        ("[12345678901234567890]", [12345678901234567890]),
    ],
)
def test_records(cut, content, expected):
    assert cut(content) == list(enumerate(expected))


def test_elements_longer_than_the_window_are_whole(cut, monkeypatch):
    monkeypatch.setattr(documents, "_CHUNK", 7)
    rows = [{"name": '\u00e9"\\\n' * 20, "n": [1.5, -2e-3, None, True]}, {"n": 12345}, 6789]
    assert cut(json.dumps(rows)) == list(enumerate(rows))
    assert cut("a,b\n" + "".join(f"{n},x\n" for n in range(100)))[-1] == (99, {"a": "99", "b": "x"})


@pytest.mark.parametrize(
    ("element", "field", "words"),
    [
        ('{"a": 1, "b": 2, "a": 3}', "a", "given twice"),
        (json.dumps({"a": "x" * (documents.LONGEST_TEXT + 1)}), "a", "text of more than 1 MB"),
        ('{"a": ' + "[" * 70 + "]" * 70 + "}", "a", "nested deeper than 64"),
    ],
)
def test_one_bad_element_costs_one_row(cut, element, field, words):
    before, (index, problem), after = cut(f'[{{"a": 0}}, {element}, {{"a": 2}}]')
    assert (before, after) == ((0, {"a": 0}), (2, {"a": 2}))
    assert index == 1
    assert isinstance(problem, RowProblem)
    assert problem.field == field
    assert words in problem.reason


@pytest.mark.parametrize("half", ['{"a": ', '{"a": 1, "b', '{"a": 1]', '{"a": "' + "x" * 300])
def test_a_line_that_was_cut_costs_that_line(cut, half):
    whole = '{"a": 0}\n'
    for content, index in ((whole + half, 1), (whole + whole + half + "\n", 2), (whole + half + "\n" + whole, 1)):
        found = dict(cut(content))
        problem = found.pop(index)
        assert isinstance(problem, RowProblem) and problem.reason == "is a line of incomplete JSON"
        assert set(map(str, found.values())) == {"{'a': 0}"} and len(found) == content.count("0}")


@pytest.mark.parametrize(
    ("content", "words"),
    [
        ('{"a": 1}\n{\n"a": 1,\n"b" 2\n}\n', "element 1 is not complete JSON"),
        ('[{"a": 1}, {"a":', "element 1 is not complete JSON"),
        ('[{"a": 1},', "element 1 is missing: the file breaks off"),
        ('[{"a": 1}', "breaks off after element 0"),
        ('[{"a": 1} {"a": 2}]', "'{' after element 0"),
        ('[{"a": 1}] and more', "goes on after the end"),
        ("[]", "empty array"),
        ("{'a': 1}", "element 0 is not complete JSON"),
        ('[{"a": ' + "[" * 100_000 + "]}]", "element 0 is nested too deeply"),
        ("just words\n", "neither JSON nor CSV"),
        ("a,b\n", "no rows"),
        ('a,b\n"1,2\n', "not well-formed CSV after row 0"),
        ("a,b\n".encode("utf-16"), "UTF-16"),
        ("a,b\n\u00e9,1\n".encode("latin-1"), "not UTF-8"),
        (b"[1, \xff\xfe]", "not UTF-8"),
        (b"\x89PNG\0\0\0\0", "neither text nor a zip"),
        (b"PAR1\0\0\0\0", "is not a readable Parquet file"),
        (b"BZh91AY", "a file of the kind bzip2; unpack it"),
        ("a;b;c\n1,5;2;3\n", "a table separated by semicolons; save it with commas"),
        ("a\tb\n1\t2\n", "a table separated by tabs"),
        ("INFO 01-02 03:04:05 [api_server.py:1] vLLM, 1\n", "is a log; name the JSON"),
        ("============ Serving Benchmark Result ============\nx\n", "--save-result"),
        ("MLPerf Results Summary\n", "an MLPerf log"),
        ("Public ID\tOrganization\n".encode("utf-16"), "an export of the MLPerf results page"),
        (",,Benchmark / Model MLC\n,,x\n", "an export of the MLPerf results page"),
        ("<!DOCTYPE html>\n<p>a,b", "a web page"),
        ("version: 1\nscenario: &a [1]\nmetrics: [" + "*a, " * 30 + "]\n", "more than 20 aliases"),
        ("version: 1\nversion: 2\n", "version"),
        ("version: '1\nscenario: 2\n", "not YAML"),
    ],
)
def test_a_file_that_breaks_is_refused_in_words(cut, content, words):
    with pytest.raises(DataError, match=r"^file") as error:
        cut(content)
    assert words in str(error.value)


def test_numbers_that_json_does_not_know_are_handed_on(cut):
    ((_, found),) = cut('{"a": NaN, "b": [-Infinity], "c": ' + "1" * 5000 + ', "d": "\\ud800"}')
    assert str(found) == "{'a': nan, 'b': [-inf], 'c': inf, 'd': '\\ud800'}"


def test_gzip_is_the_file_inside_it_and_no_bomb(tmp_path):
    (tmp_path / "a.json.gz").write_bytes(gzip.compress(b'[{"a": 1}]'))
    (tmp_path / "b.json.gz").write_bytes(gzip.compress(b'{"a": "' + b"0" * 10_000_000 + b'"}'))
    (tmp_path / "c.json.gz").write_bytes(gzip.compress(b'[{"a": 1}]')[:-9])
    good, bomb, half = (unpacked(name, tmp_path / name)[0][0] for name in ("a.json.gz", "b.json.gz", "c.json.gz"))
    assert list(records(good)) == [(0, {"a": 1})]
    with pytest.raises(DataError, match="unpacks to more than 250 times its size"):
        list(records(bomb))
    with pytest.raises(DataError, match="cannot be read"):
        list(records(half))
    with good.on_disk(tmp_path) as copy:
        assert copy.read_text() == '[{"a": 1}]'


def test_a_report_in_yaml_is_one_record(cut):
    assert cut("version: 0.2.1\nscenario: {a: .inf}\nrun:\n  start: 2026-01-02\n") == [
        (0, {"version": "0.2.1", "scenario": {"a": float("inf")}, "run": {"start": date(2026, 1, 2)}})
    ]


def test_an_element_without_an_end_is_refused(cut, monkeypatch):
    monkeypatch.setattr(documents, "LARGEST_ELEMENT", 1000)
    monkeypatch.setattr(documents, "_CHUNK", 100)
    with pytest.raises(DataError, match="element 0 is longer"):
        cut('["' + "x" * 5000)
    with pytest.raises(DataError, match="line longer"):
        cut("a,b\n" + "x" * 5000)


def test_a_csv_row_with_other_cells_costs_one_row(cut):
    (_, problem), (_, good) = cut("a,b\n1,2,3\n4,5\n")
    assert "has 3 cells, but there are 2 columns" in problem.reason
    assert good == {"a": "4", "b": "5"}


@given(st.binary(max_size=200))
def test_any_bytes_are_records_or_refused(tmp_path_factory, content):
    path = tmp_path_factory.mktemp("any") / "file"
    path.write_bytes(content)
    try:
        assert all(index == n for n, (index, _) in enumerate(records(Document("file", path))))
    except DataError as error:
        assert str(error).startswith("file")


json_values = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(allow_nan=False, allow_infinity=False), st.text()),
    lambda inner: st.one_of(st.lists(inner, max_size=4), st.dictionaries(st.text(), inner, max_size=4)),
    max_leaves=12,
)


@given(st.lists(json_values, min_size=1), st.booleans())
def test_json_comes_back_as_it_was(tmp_path_factory, rows, is_ascii):
    path = tmp_path_factory.mktemp("json") / "file"
    path.write_bytes(json.dumps(rows, ensure_ascii=is_ascii).encode("utf-8", "surrogatepass"))
    if not is_ascii and any("\ud800" <= c <= "\udfff" for c in json.dumps(rows, ensure_ascii=False)):
        with pytest.raises(DataError):
            list(records(Document("file", path)))
    else:
        assert [row for _, row in records(Document("file", path))] == rows


# ---- folders ----


def test_a_folder_is_walked_in_order_without_links_and_hidden_files(tmp_path):
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "secret.json").write_text("{}")
    root = tmp_path / "root"
    (root / "b").mkdir(parents=True)
    for name in ("b/2.json", "a.json", ".hidden.json"):
        (root / name).write_text("{}")
    (root / "empty.json").touch()
    (root / "link.json").symlink_to(outside / "secret.json")
    (root / "folder").symlink_to(outside)
    os.mkfifo(root / "pipe")
    found, problems = walk([root, tmp_path / "nothing"])
    assert [name for name, _ in found] == ["root/a.json", "root/b/2.json"]
    assert {name: problem.split(";")[0] for name, problem in problems} == {
        "root/empty.json": "is empty",
        "root/link.json": "is a link",
        "root/folder": "is a link to a folder",
        "root/pipe": "is not a regular file",
        "nothing": "there is no such file or folder",
    }


def test_a_named_file_keeps_its_folder_in_its_name(tmp_path):
    (tmp_path / "run_20218553330").mkdir()
    path = tmp_path / "run_20218553330" / "agg.json"
    path.write_text("{}")
    assert walk([path])[0] == [("run_20218553330/agg.json", path)]


# ---- zips ----


def test_a_zip_gives_its_members(tmp_path):
    path = zipped(tmp_path / "x.zip", **{"a/1.json": '{"a": 1}', ".hidden": "x", "2.json": '[{"a": 2}]'})
    found, problems = unpacked("x.zip", path)
    assert [d.name for d in found] == ["x.zip!a/1.json", "x.zip!2.json"]
    assert not problems
    assert [list(records(d)) for d in found] == [[(0, {"a": 1})], [(0, {"a": 2})]]
    assert found[0].num_bytes() == 8
    with found[0].on_disk(tmp_path) as copy:
        assert copy.read_text() == '{"a": 1}'
    assert not copy.exists()


def test_members_that_are_not_safe_are_named_and_left(tmp_path):
    path = tmp_path / "x.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("../up.json", "{}")
        archive.writestr("/root.json", "{}")
        archive.writestr("a\\..\\..\\up.json", "{}")
        archive.writestr("empty.json", "")
        archive.writestr("bomb.json", "0" * 10_000_000)
        link = zipfile.ZipInfo("link.json")
        link.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(link, "/etc/hostname")
        archive.writestr("good.json", "{}")
    found, problems = unpacked("x.zip", path)
    assert [d.name for d in found] == ["x.zip!good.json"]
    assert [(name.removeprefix("x.zip!"), problem.split(";")[0]) for name, problem in problems] == [
        ("../up.json", "its name points out of the zip"),
        ("/root.json", "its name points out of the zip"),
        ("a\\..\\..\\up.json", "its name points out of the zip"),
        ("empty.json", "is empty"),
        ("bomb.json", "unpacks to more than 250 times its size"),
        ("link.json", "is a link"),
    ]


def test_a_zip_that_is_too_much_or_broken_is_refused(tmp_path, monkeypatch):
    path = zipped(tmp_path / "x.zip", **{"1.json": "{}", "2.json": "{}"})
    (tmp_path / "half.zip").write_bytes(path.read_bytes()[:-30])
    with pytest.raises(DataError, match=r"half\.zip: is a broken zip"):
        unpacked("half.zip", tmp_path / "half.zip")
    with monkeypatch.context() as patched:
        patched.setattr(documents, "MOST_MEMBERS", 1)
        with pytest.raises(DataError, match="more than 1 files"):
            unpacked("x.zip", path)
    monkeypatch.setattr(documents, "LARGEST_UNPACKED", 3)
    with pytest.raises(DataError, match="zip of more than"):
        unpacked("x.zip", path)


def test_a_member_that_is_damaged_is_refused_in_words(tmp_path):
    path = zipped(tmp_path / "x.zip", **{"1.json": json.dumps(list(range(5000)))})
    content = bytearray(path.read_bytes())
    content[200:220] = bytes(20)
    path.write_bytes(content)
    (document,), _ = unpacked("x.zip", path)
    with pytest.raises(DataError, match=r"x\.zip!1\.json: cannot be read"):
        list(records(document))


def test_a_zip_in_a_zip_is_no_text(tmp_path):
    inner = io.BytesIO()
    with zipfile.ZipFile(inner, "w") as archive:
        archive.writestr("a.json", "{}")
    path = zipped(tmp_path / "x.zip", **{"inner.zip": inner.getvalue()})
    (document,), _ = unpacked("x.zip", path)
    with pytest.raises(DataError, match=r"inner\.zip: is"):
        list(records(document))


def test_a_column_that_is_there_twice_must_say_the_same(cut):
    (first, row), (second, problem) = cut("a,b,a\n1,2,1\n1,2,3\n")
    assert (first, row) == (0, {"a": "1", "b": "2"})
    assert (second, problem.field, problem.reason) == (1, "a", "is there twice, with different values")


def test_lines_of_a_csv_end_as_in_a_text_editor(cut):
    found = cut('a,b\r1,x\u2028y\r\n2,\x85z\n3,"p\nq"\r')
    assert [row for _, row in found] == [
        {"a": "1", "b": "x\u2028y"},
        {"a": "2", "b": "\x85z"},
        {"a": "3", "b": "p\nq"},
    ]
