"""A bundle that was tampered with: what differs is named, whoever changed the manifest with it."""

import json
import os
import re
import shutil
import subprocess
import sys
import zipfile
from hashlib import sha256
from pathlib import Path

import pytest
import toy
from small_project import write_notebook

from reportkit import bundle, ro_crate, verify
from reportkit.errors import DataError, ParameterError
from tokenfactory import cli

TESTS = Path(__file__).parent
PAGE, NOTEBOOK, LEDGER = "01_apples.html", "notebooks/01_apples.ipynb", "01_apples.provenance.json"


@pytest.fixture(scope="module")
def made(tmp_path_factory, project):
    """A suite with a site, and its bundle, unpacked."""
    root = tmp_path_factory.mktemp("made")
    (root / "data").mkdir()
    (root / "data" / "prices.csv").write_text(toy.PRICES)
    cells = (toy.READ, toy.ANSWER, toy.HEADLINE, toy.TABLE)
    path = root / "notebooks" / "01_apples.ipynb"
    write_notebook(path, *cells, parameters=toy.PARAMETERS, title="What do two cost?")
    notebook = json.loads(path.read_text())
    for cell in notebook["cells"][-2:]:
        cell["metadata"]["tags"].append("brief-answer")
    path.write_text(json.dumps(notebook))
    kept = {name: value for name, value in os.environ.items() if not name.startswith("TOKENFACTORY_")}
    environment = kept | {"PYTHONPATH": os.pathsep.join([str(project / "lib"), str(TESTS)])}
    subprocess.run([sys.executable, str(TESTS / "toy.py"), str(root)], check=True, env=environment, timeout=300)
    fruit = toy.Project(root, toy.Source(root))
    bundle.write(fruit, root / "bundle.zip")
    with zipfile.ZipFile(root / "bundle.zip") as packed:
        packed.extractall(root / "unpacked")
    return fruit


@pytest.fixture
def root(made, tmp_path):
    """A bundle to tamper with."""
    return shutil.copytree(made.root / "unpacked", tmp_path / "bundle")


def found(place, made, **how) -> list[str]:
    return [str(one) for one in verify.verify(place, made, say=print, **how).differences]


def change(root: Path, name: str, old: str, new: str) -> None:
    text = (root / name).read_text()
    assert old in text
    (root / name).write_text(text.replace(old, new))


def sign_again(root: Path) -> None:
    """Write the hashes anew, as somebody would who has something to hide."""
    manifest = json.loads((root / "site" / ro_crate.MANIFEST).read_text())
    for one in manifest["@graph"]:
        if one.get("@type") == "File":
            one["sha256"] = sha256((root / "site" / one["@id"]).read_bytes()).hexdigest()
    (root / "site" / ro_crate.MANIFEST).write_text(json.dumps(manifest))
    names = [p.relative_to(root).as_posix() for p in root.rglob("*") if p.is_file() and p.name != bundle.SUMS]
    sums = (f"{sha256((root / name).read_bytes()).hexdigest()}  {name}\n" for name in sorted(names))
    (root / bundle.SUMS).write_text("".join(sums))


def test_what_nobody_touched_holds_as_zip_as_folder_and_as_site_alone(made):
    for place in ("bundle.zip", "unpacked", "reports/site"):
        findings = verify.verify(made.root / place, made, say=print)
        assert findings.differences == [] and findings.remarks == []
        assert findings.counts["headline numbers"] == 1 and findings.counts["queries"] == 2
        assert findings.lines()[-1].startswith("holds: ")


def test_the_same_site_gives_the_same_bundle_which_other_programs_can_check(made, tmp_path):
    bundle.write(made, tmp_path / "again.zip")
    assert (tmp_path / "again.zip").read_bytes() == (made.root / "bundle.zip").read_bytes()
    names = [path.relative_to(made.root / "unpacked").as_posix() for path in (made.root / "unpacked").rglob("*")]
    assert {"site/index.html", "data/prices.csv", "lib/reportkit/verify.py", NOTEBOOK} <= set(names)
    if shutil.which("sha256sum"):
        subprocess.run(["sha256sum", "--check", "--quiet", bundle.SUMS], cwd=made.root / "unpacked", check=True)


def test_a_number_of_a_page_is_named_with_its_cell_and_row(made, root):
    change(root, f"site/{PAGE}", 'data-label="A kilogram">$3.2</td>', 'data-label="A kilogram">$2.2</td>')
    first = f"{PAGE}: is not the file whose hash {ro_crate.MANIFEST} has"
    by_hash, by_number = found(root, made)
    assert by_hash == first
    assert "table 1 'Prices', row 2 ('pear'), column 'A kilogram': says '$2.2', its notebook '$3.2'" in by_number
    sign_again(root)
    assert found(root, made) == [by_number]


@pytest.mark.parametrize(
    ("name", "old", "new", "sentence"),
    [
        (PAGE, '<div class="tf-tile-value">$5</div>', '<div class="tf-tile-value">$4</div>',
         "number 'Cost': says '$4', its notebook '$5'"),
        ("index.html", '<div class="tf-tile-value">$5</div>', '<div class="tf-tile-value">$4</div>',
         "cost: says '$4', its notebook '$5'"),
        (PAGE, "cost $5.", "cost $4.", "sentence 1: says '2 kg of apple cost $4.', its notebook '2 kg"),
        (LEDGER, '"cost": 5.0', '"cost": 4.0', f"{LEDGER}, cost: says 4.0, the notebook 5.0"),
        ("site.json", '"value": 5.0', '"value": 4.0', "site.json, cost: says 4.0, 01_apples.ipynb 5.0"),
        (LEDGER, '"result_sha256": "', '"result_sha256": "0',
         "query q1: gives another result on the data; on it rest cost"),
        (NOTEBOOK, '"nbformat": 4', '"nbformat": "x"', f"{PAGE}: cannot be compared with its notebook"),
    ],
)  # fmt: skip
def test_a_part_that_the_others_do_not_agree_with_is_named_in_spite_of_new_hashes(made, root, name, old, new, sentence):
    change(root, f"site/{name}", old, new)
    sign_again(root)
    assert any(sentence in line for line in found(root, made))


@pytest.mark.parametrize("name", ["01_apples.xlsx", "Fruit.xlsx"])
def test_a_cell_of_a_workbook_is_named(made, root, name):
    book = root / "site" / name
    with zipfile.ZipFile(book) as packed:
        parts = {name: packed.read(name).replace(b"<v>3.25</v>", b"<v>2.25</v>", 1) for name in packed.namelist()}
    with zipfile.ZipFile(book, "w") as packed:
        for part, content in parts.items():
            packed.writestr(part, content)
    sign_again(root)
    lines = found(root, made)
    assert lines and all(line.startswith(f"{name}, sheet ") for line in lines)
    assert all(line.endswith("says '2.25', its notebook '3.25'") for line in lines)


def test_a_row_of_the_data_is_named_with_what_rests_on_it(made, root):
    change(root, "data/prices.csv", "apple,2.5", "apple,2.75")
    lines = found(root, made)
    assert f"data/prices.csv: is not the file whose hash {bundle.SUMS} has" in lines
    assert "data/prices.csv: is not the file that the pages were made from" in lines
    assert "data/prices.csv, row apple: usd_per_kg is 2.75, the page read 2.5" in lines
    assert f"{LEDGER}, query q1: gives another result on the data; on it rest cost" in lines
    change(root, "data/prices.csv", "apple,2.75\n", "")
    lines = found(root, made)
    assert "data/prices.csv, row apple: is gone, and a page was made from it" in lines


def test_a_file_that_is_gone_and_one_that_is_new_are_named(made, root):
    (root / "site" / "01_apples.xlsx").unlink()
    (root / "site" / "more.html").write_text("x")
    (root / "lib" / "more.py").write_text("x")
    assert found(root, made) == [
        f"01_apples.xlsx: is missing; {ro_crate.MANIFEST} has it",
        f"more.html: has been added; {ro_crate.MANIFEST} does not have it",
        f"lib/more.py: has been added; {bundle.SUMS} does not have it",
    ]


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip", None, {"site/site.json": "[]"}, {"../out": "x"}])
def test_what_is_no_bundle_is_one_sentence_and_code_2(made, tmp_path, capsys, content):
    place = tmp_path / "place.zip"
    if isinstance(content, dict):
        with zipfile.ZipFile(place, "w") as packed:
            for name, text in content.items():
                packed.writestr(name, text)
    elif content is not None:
        place.write_bytes(content)
    with pytest.raises(DataError, match=r"is no bundle|cannot lie at"):
        found(place, made)
    assert cli.run(["verify", str(place)], made) == 2
    assert capsys.readouterr().err.count("\n") == 1 and not (tmp_path.parent / "out").exists()


def test_the_command_says_what_differs_and_leaves_with_code_1(made, root, capsys):
    assert cli.run(["verify", str(root)], made) == 0
    assert capsys.readouterr().out.startswith("holds: ")
    (root / "site" / "index.html").unlink()
    assert cli.run(["verify", str(root), "--json"], made) == 1
    told = json.loads(capsys.readouterr().out)
    assert told["holds"] is False and told["differences"][0]["file"] == "index.html"


def test_a_number_that_was_changed_everywhere_is_found_by_executing_again(made, root):
    change(root, f"site/{NOTEBOOK}", "$5", "$4")
    change(root, f"site/{NOTEBOOK}", '"value": 5.0', '"value": 4.0')
    for name in (PAGE, "index.html", "summary.html", "brief.html", LEDGER, "site.json", "01_apples.xlsx"):
        path = root / "site" / name
        if name.endswith(".xlsx"):
            from reportkit import site, xlsx

            book = verify.nbformat.read(root / "site" / NOTEBOOK, as_version=4)
            ledger = json.loads((root / "site" / LEDGER).read_text())
            record = json.loads((root / "site" / "site.json").read_text())["default"]
            xlsx.write(book, path, name="01_apples", made_on=record["made_on"], parameters=ledger["parameters"])
            site.write_workbook(made, record, {"01_apples": book}, {"01_apples": ledger}, root / "site" / "Fruit.xlsx")
        else:
            path.write_text(path.read_text().replace("$5", "$4").replace(": 5.0", ": 4.0"))
    sign_again(root)
    assert found(root, made) == []
    lines = found(root, made, is_rerun=True)
    assert any(f"{NOTEBOOK}, " in line and "number 'Cost': says 4.0, executed again 5.0" in line for line in lines)
    assert any("sentence 1: says '2 kg of apple cost $4.'" in line for line in lines) and len(lines) == 3


def test_a_bundle_is_made_of_a_site_that_is_current(made, tmp_path):
    fresh = toy.Project(tmp_path, toy.Source(tmp_path))
    with pytest.raises(ParameterError, match="there is no site yet"):
        bundle.write(fresh, tmp_path / "x.zip")
    root = shutil.copytree(made.root, tmp_path / "copy", symlinks=True)
    moved = toy.Project(root, toy.Source(root))
    bundle.write(moved, tmp_path / "x.zip")
    change(root, "data/prices.csv", "apple,2.5", "apple,2.75")
    with pytest.raises(ParameterError, match=r"prices\.csv has changed since the site was made; run 'toy report'"):
        bundle.write(moved, tmp_path / "x.zip")
    assert verify.verify(root / "reports" / "site", moved, say=print).remarks == [
        "not held against data: prices.csv here is not the file that the site was made from"
    ]


def test_a_number_of_the_brief_that_is_not_its_notebooks_is_named(root, made):
    text = (root / "site" / "brief.html").read_text()
    shown = re.search(r'tf-tile-value">([^<]+)<', text)[1]
    change(root, "site/brief.html", f'tf-tile-value">{shown}<', 'tf-tile-value">99.9<')
    sign_again(root)
    (told,) = found(root, made)
    assert told.startswith("brief.html, 01_apples/") and "99.9" in told and shown in told
