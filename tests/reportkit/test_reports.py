"""What whole runs leave in `reports/`, also when they are killed: small projects, pages that are plain JSON."""

import json
import signal
import subprocess
import time
from pathlib import Path

import pytest
from small_project import HEADLINES, PRICES, make_runs

from reportkit import reports


@pytest.fixture
def runs(tmp_path, project):
    return make_runs(tmp_path, project)


@pytest.fixture(scope="module")
def made(tmp_path_factory, project):
    """All scenarios, made once; tests only look at it, or leave it as it was."""
    runs = make_runs(tmp_path_factory.mktemp("made"), project)
    runs.result = runs.report("--scenario", "all", SOURCE_DATE_EPOCH="1776211200")  # 2026-04-15
    return runs


# What is made


def test_the_site_has_a_page_a_workbook_and_a_notebook_for_each_and_an_index_for_each_scenario(made):
    names = ["01_prices", "02_amd", "03_plain"]
    places = ("{}.html", "{}.provenance.json", "{}.xlsx", "notebooks/{}.ipynb")
    overviews = [
        "index.html",
        "summary.html",
        "TokenFactory.xlsx",
        "archive.html",
        "archive.provenance.json",
        "feed.xml",
    ]
    of_scenario = [*overviews, *(place.format(name) for name in names for place in places)]
    of_site = {"site.json", "ro-crate-metadata.json"}
    assert set(made.files()) == of_site | {*of_scenario, *(f"other/{page}" for page in of_scenario)}
    assert made.result["executed"] == [*names, *(f"other/{name}" for name in names)]
    assert made.site.is_symlink() and not made.leftovers()


def test_pages_get_what_they_show(made):
    page = made.page("other/01_prices")
    assert page["outputs"][0].startswith("h200 ") and made.page("01_prices")["outputs"][0].startswith("gb300 ")
    assert page["made_on"] == "2026-04-15"
    assert page["pages"][1] == {"href": "02_amd.html", "title": "About 02_amd?"}


def test_indexes_link_to_each_other(made):
    top, other = made.page("index"), made.page("other/index")
    (link,) = top["scenarios"]
    assert link.pop("entry")["name"] == "01_prices"
    assert link == {"href": "other/index.html", "title": "Other", "description": "D"}
    assert [link["href"] for link in other["scenarios"]] == ["../index.html"]
    assert [link["href"] for link in made.page("02_amd")["links"]] == ["other/02_amd.html"]
    assert [link["href"] for link in made.page("other/02_amd")["links"]] == ["../02_amd.html"]
    assert [link["href"] for link in made.page("other/summary")["links"]] == ["../summary.html"]
    assert [entry["href"] for entry in top["entries"]] == ["01_prices.html", "02_amd.html", "03_plain.html"]
    assert (top["title"], other["title"]) == ("Default", "Other")


def test_headline_numbers_are_those_of_the_default(made):
    first, *rows = made.csv.read_text().splitlines()
    assert first == "key,label,value,unit,notebook,inputs_sha256"
    assert [row.rsplit(",", 1)[0] for row in rows] == [
        "a_none,None,,usd,01_prices",
        'b_price,"A price, of 2",1.23457e+06,usd,01_prices',
    ]
    assert all(len(row.rsplit(",", 1)[1]) == 64 for row in rows)


def test_nothing_published_names_this_machine_or_the_time(made):
    for name, content in made.files().items():
        for word in (str(made.project.root), "/tmp/", "papermill", "start_time", "duration"):
            assert word.encode() not in content, (name, word)


def test_published_notebooks_have_parameters_only_where_given(made):
    def tags(name):
        return [c["metadata"].get("tags") for c in json.loads(made.files()[name])["cells"]]

    assert tags("notebooks/01_prices.ipynb")[:3] == [None, ["parameters"], None]
    assert tags("other/notebooks/01_prices.ipynb")[:3] == [None, ["parameters"], ["injected-parameters"]]
    assert not any("injected-parameters" in (t or ()) for t in tags("other/notebooks/03_plain.ipynb"))


def test_headline_numbers_that_were_changed_are_put_right(ready):
    good = ready.csv.read_text()
    ready.csv.write_text("key\n")
    assert not ready.report()["is_new"]
    assert ready.csv.read_text() == good


def test_the_readme_says_todays_answers_between_its_marks(ready):
    readme = ready.project.root / "README.md"
    readme.write_text(f"before\n{reports.ANSWERS}\nstale\n{reports.END_OF_ANSWERS}\nafter\n")
    ready.report()
    text = readme.read_text()
    assert text.startswith(f"before\n{reports.ANSWERS}\n\n**[01_prices](notebooks/01_prices.ipynb)**\n\n> ")
    assert text.endswith(f"\n\n{reports.END_OF_ANSWERS}\nafter\n")
    assert "stale" not in text
    readme.write_text("no marks\n")
    ready.report()
    assert readme.read_text() == "no marks\n"


# Scenarios, parameters and single notebooks


def test_a_scenario_leaves_the_others_as_they_are(ready):
    default = {name: content for name, content in ready.files().items() if name.startswith("notebooks/")}
    page = ready.page("02_amd")
    assert ready.page("index")["scenarios"] == page["links"] == []
    result = ready.report("--scenario", "other")
    # The third notebook has none of the parameters, so it is the same in both.
    assert result["executed"] == ["other/01_prices", "other/02_amd"]
    assert result["index"] == "reports/site/other/index.html"
    assert default.items() <= ready.files().items()
    assert ready.page("index")["scenarios"][0]["href"] == "other/index.html"
    new = ready.page("02_amd")
    assert [link["href"] for link in new.pop("links")] == ["other/02_amd.html"]
    assert new.items() <= page.items()  # but for the links it is as it was

    (ready.project.scenarios / "other.yaml").unlink()
    ready.notebook("03_plain", "2", parameters=None)
    ready.report()
    assert not [name for name in ready.files() if name.startswith("other/")]  # a scenario that is gone
    assert ready.page("02_amd")["links"] == []


def test_a_what_if_has_a_site_and_a_title_of_its_own(ready):
    before, numbers = ready.files(), ready.csv.read_bytes()
    told = ready.report("-p", "subject=h200")
    site = ready.project.reports / "what-if" / "subject-h200" / "site"
    assert Path(told["index"]).name == "index.html" and (site / "01_prices.html").is_file()
    page, index = (json.loads((site / f"{name}.html").read_text()) for name in ("01_prices", "index"))
    assert page["outputs"][0].startswith("h200 ") and index["title"] == "What if: subject H200"
    assert (ready.files(), ready.csv.read_bytes()) == (before, numbers)
    assert not ready.report("-p", "subject=h200")["is_new"]
    ready.report("--scenario", "other", "-p", "subject=h200")
    titles = [content["title"] for content in json.loads((site / "site.json").read_text()).values()]
    assert titles == ["What if: subject H200", "What if: subject H200, in Other"]


def test_a_single_notebook_does_not_touch_the_headline_numbers(ready):
    before = ready.csv.read_bytes()
    ready.notebook("01_prices", PRICES, HEADLINES.replace("b_price", "c_price"))
    ready.report("--notebook", "01_prices")
    of_notebook = ["01_prices.html", "01_prices.provenance.json", "01_prices.xlsx", "notebooks/01_prices.ipynb"]
    of_site = ["TokenFactory.xlsx", "index.html", "ro-crate-metadata.json", "site.json", "summary.html"]
    assert sorted(ready.files()) == sorted(of_notebook + of_site)
    assert ready.csv.read_bytes() == before
    ready.report()
    assert b"c_price" in ready.csv.read_bytes()


def test_the_date_of_making_can_be_fixed(runs):
    runs.report(SOURCE_DATE_EPOCH="0")
    assert runs.page("index")["made_on"] == "1970-01-01"
    assert runs.report(SOURCE_DATE_EPOCH="86400")["is_new"]
    assert runs.page("index")["made_on"] == "1970-01-02"
    done = runs.run("report", SOURCE_DATE_EPOCH="soon")
    assert (done.returncode, done.stderr) == (2, "tokenfactory: SOURCE_DATE_EPOCH: 'soon' is not a number of seconds\n")


# Several runs, and runs that are killed


def test_a_folder_named_site_gives_way(runs):
    runs.site.mkdir(parents=True)
    (runs.site / "index.html").write_text("by hand")
    runs.report()
    assert runs.site.is_symlink() and runs.page("index")["title"] == "Default"
    assert not runs.leftovers()


def test_a_second_run_waits_for_the_first(runs):
    runs.notebook("02_amd", "import time; time.sleep(2)")
    first = subprocess.Popen(runs.command("report"), env=runs.environment, stderr=subprocess.PIPE, text=True)
    wait_for(lambda: list(runs.project.reports.glob(".site-work-*")), first)
    second = runs.run("report", "--json")
    assert "another report is being made here; waiting" in second.stderr
    assert json.loads(second.stdout)["executed"] == []
    assert first.wait(60) == 0
    assert "waiting" not in first.stderr.read()


def wait_for(condition, process):
    while not condition():
        assert process.poll() is None, "it ended too soon"
        time.sleep(0.005)


def test_a_run_killed_midway_leaves_the_old_site_whole(ready):
    before, headlines = ready.files(), ready.csv.read_bytes()
    started = ready.project.root / "started"
    ready.notebook("01_prices", "1")
    ready.notebook("02_amd", f"import time; open({str(started)!r}, 'w').close(); time.sleep(300.5)")
    process = subprocess.Popen(ready.command("report"), env=ready.environment, stderr=subprocess.DEVNULL)
    wait_for(started.exists, process)
    process.kill()
    process.wait()
    assert (ready.files(), ready.csv.read_bytes()) == (before, headlines)
    assert ready.leftovers()
    ready.notebook("02_amd", "2")
    ready.report()  # the lock went with the process
    assert ready.page("02_amd")["outputs"] == ["2"] and not ready.leftovers()


def test_an_interrupted_run_says_so_and_keeps_the_old_site(ready):
    before = ready.files()
    started = ready.project.root / "started"
    ready.notebook("02_amd", f"import time; open({str(started)!r}, 'w').close(); time.sleep(300.75)")
    process = subprocess.Popen(ready.command("report"), env=ready.environment, stderr=subprocess.PIPE, text=True)
    wait_for(started.exists, process)
    process.send_signal(signal.SIGINT)
    assert process.wait(20) == 130
    assert process.stderr.read().splitlines()[-1] == "tokenfactory: interrupted; the site is as it was"
    assert ready.files() == before and not ready.leftovers()


SHAPES = ["[]", "null", '{"default": 1}', '{"default": {"files": 1, "library": 1}}', "[" * 100_000, "\ud800"]


def test_a_record_of_another_shape_counts_as_none(ready):
    record = ready.site / "site.json"
    whole = json.loads(record.read_text())
    project = ready.project
    assert reports.read_record(project) == whole
    notebook = {"notebooks": [whole["default"]["notebooks"][0] | {"entry": {"headlines": [{"value": "1"}]}}]}
    for content in (*SHAPES, json.dumps({"default": whole["default"] | notebook})):
        record.write_text(content, errors="surrogatepass")
        assert reports.read_record(project) == {}
    (project.reports / "headline_numbers.csv").write_bytes(b"key,label\n\xff\xfe\n")
    assert reports.headlines(project, {}) == {}
    assert ready.report()["is_new"] and reports.read_record(project).keys() == whole.keys()


def test_a_title_of_a_notebook_is_a_title_in_the_readme():
    entry = {"title": "Is [it](http://x) so?\n# <b>`No`", "answer": ["Yes\u202e\n\nand <i>no"]}
    readme = f"a\n{reports.ANSWERS}\n{reports.END_OF_ANSWERS}\nz"
    made = reports.with_answers(readme, [{"name": "01_x", "entry": entry}])
    assert (
        "**[Is \\[it\\](http://x) so? # \\<b\\>\\`No\\`](notebooks/01_x.ipynb)**\n\n> Yes\\u202e and &lt;i>no\n" in made
    )
