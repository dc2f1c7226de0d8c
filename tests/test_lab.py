"""A notebook opened and run in JupyterLab, as an analyst does it: charts drawn, nothing fetched from elsewhere."""

import itertools
import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest
from small_project import write_notebook

NOTEBOOK = "01_hopper_vs_blackwell.ipynb"
LONGEST_S = 90  # a busy machine takes its time; a browser that hangs never comes back
COUNT = "selector => document.querySelectorAll(selector).length"
CHART, ERROR = ".jp-RenderedVegaCommon5 :is(svg, canvas)", ".jp-RenderedText .ansi-red-fg, [data-mime-type$=stderr]"
MATHS = ".jp-OutputArea-output mjx-container"
DOLLARS = """\
from IPython.display import HTML, display
from tokenfactory.display.show import Column, Headline, answer, headlines, note, table, usd
display(answer(["It costs **$1.50** to $2.", "From $3 to $4 it is another."]), note(["Between $5 and $6."]))
display(headlines([Headline("k", "$7 or $8", 1.5, "usd", "$9", "$10 and $11")]))
display(table([{"a": "$12 and $13", "b": 1.5}], {"a": "$14 $15", "b": Column("$16", usd)}, "$17 $18", note="$19 $20"))
"""
EXPLORED = """\
from tokenfactory import explore, warehouse
view = explore(warehouse.connect())
view
"""
SAID = "document.querySelector('.jp-OutputArea-output .tf-answer')?.innerText"
TILES = "[...document.querySelectorAll('.jp-OutputArea-output .tf-tile-value')].map(tile => tile.innerText)"
MARKS = ".jp-OutputArea-output .vega-embed :is(svg, canvas)"
TOOLTIP = "#vg-tooltip-element.visible"
CONTROL = "display(HTML('<p>$a$ and $b$</p>'))"
STYLE = "([selector, name]) => getComputedStyle(document.querySelector(selector))[name]"
CAN_RUN = "globalThis.jupyterapp?.commands.isEnabled('notebook:run-all-cells')"
PROMPTS = "[...document.querySelectorAll('.jp-InputPrompt')].map(prompt => prompt.innerText)"


def wait_for(condition, what):
    end = time.monotonic() + LONGEST_S
    while not (found := condition()):
        assert time.monotonic() < end, f"{what} did not happen within {LONGEST_S} s"
        time.sleep(0.3)
    return found


def is_up(url):
    try:
        return urllib.request.urlopen(url, timeout=2)
    except (urllib.error.URLError, OSError):
        return None


@pytest.fixture(scope="module")
def lab(project, tmp_path_factory):
    """The address of a JupyterLab with nobody's settings, on copies of the notebooks."""
    root = tmp_path_factory.mktemp("lab")
    shutil.copytree(project / "notebooks", root / "notebooks", ignore=shutil.ignore_patterns(".*"))
    for name, sources in {"ours": (DOLLARS, CONTROL), "explored": (EXPLORED,)}.items():
        write_notebook(root / "notebooks" / f"{name}.ipynb", *sources, parameters=None)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    homes = {f"JUPYTER_{kind}_DIR": str(root / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    options = {
        "IdentityProvider.token": "test", "ServerApp.port": port, "ServerApp.ip": "127.0.0.1",
        "ServerApp.open_browser": False, "ServerApp.allow_root": True, "ServerApp.root_dir": root / "notebooks",
        "FileContentsManager.pre_save_hook": "reportkit.engine.before_saving",
        "LabApp.extension_manager": "readonly", "LabApp.news_url": None, "LabApp.expose_app_in_browser": True,
    }  # fmt: skip
    with (root / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())],
            env=os.environ | homes | {"REPORTKIT_SVG": "1"}, stdout=log, stderr=log, cwd=root,
        )  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(lambda: is_up(f"{address}/api?token=test"), "the start of JupyterLab")
            yield address
        finally:
            server.terminate()
            try:
                server.wait(120)  # it ends the kernels that are left first
            finally:
                server.kill()


def opened(lab, browser, name):
    """A page of JupyterLab on a notebook, what it asked of others, and whether its kernel waits."""
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    elsewhere = []
    page.on("request", lambda request: elsewhere.append(request.url) if not request.url.startswith(lab) else None)
    page.goto(f"{lab}/lab/tree/{name}?token=test&reset", timeout=LONGEST_S * 1000)

    def is_idle():
        sessions = json.load(urllib.request.urlopen(f"{lab}/api/sessions?token=test"))
        here = [session["kernel"] for session in sessions if session["path"] == name]
        return [kernel for kernel in here if kernel and kernel["execution_state"] == "idle"]

    wait_for(is_idle, "an idle kernel")
    return page, elsewhere, is_idle


def close(page, lab, name):
    """Leave a notebook: its page and its kernel are gone, so that the next one has the machine for itself."""
    page.context.close()
    for session in json.load(urllib.request.urlopen(f"{lab}/api/sessions?token=test")):
        if session["path"] == name:
            url = f"{lab}/api/sessions/{session['id']}?token=test"
            urllib.request.urlopen(urllib.request.Request(url, method="DELETE"))


def run_all(page, is_idle):
    wait_for(lambda: page.evaluate(CAN_RUN), "an open notebook")
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    wait_for(lambda: "[*]:" not in page.evaluate(PROMPTS) and is_idle(), "the end of all cells")


def saved(page, lab, name):
    """The bytes of a notebook after JupyterLab has saved it."""
    page.evaluate("jupyterapp.commands.execute('docmanager:save')")
    page.wait_for_timeout(2000)
    return urllib.request.urlopen(f"{lab}/files/{name}?token=test").read()


def test_a_notebook_runs_in_jupyterlab_and_saving_it_changes_no_byte(lab, browser, project):
    """With the hook that `make lab` sets."""
    kept = (project / "notebooks" / NOTEBOOK).read_bytes()
    page, elsewhere, is_idle = opened(lab, browser, NOTEBOOK)
    # The stored charts are drawn on opening; a page that hangs would never answer.
    wait_for(lambda: page.evaluate(COUNT, CHART), "the first chart")
    assert saved(page, lab, NOTEBOOK) == kept
    run_all(page, is_idle)
    assert page.evaluate(COUNT, CHART) >= 1
    assert page.evaluate(COUNT, ERROR) == 0
    assert saved(page, lab, NOTEBOOK) == kept
    assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []


def test_dollar_signs_are_no_mathematics_and_tiles_are_tiles(lab, browser):
    page, _, is_idle = opened(lab, browser, "ours.ipynb")
    run_all(page, is_idle)
    wait_for(lambda: page.evaluate(COUNT, ".tf-tile"), "the tiles")
    # In the HTML below, which is not ours, both are typeset: the typesetter is at work, and done with what is above.
    wait_for(lambda: page.evaluate(COUNT, MATHS) >= 2, "formulas in HTML that is not ours")
    page.wait_for_timeout(1000)
    assert page.evaluate(COUNT, MATHS) == 2 and "Between $5 and $6." in page.inner_text("body")
    assert page.evaluate(STYLE, [".tf-tiles", "display"]) == "flex"
    value, label = (page.evaluate(STYLE, [f".tf-tile-{part}", "fontSize"]) for part in ("value", "label"))
    assert float(value.removesuffix("px")) > 1.3 * float(label.removesuffix("px"))


def test_menus_move_the_numbers_and_clicks_come_back_as_rows(lab, browser):
    page, elsewhere, is_idle = opened(lab, browser, "explored.ipynb")
    run_all(page, is_idle)
    wait_for(lambda: page.evaluate(COUNT, MARKS), "the chart of the view")
    first, tiles = page.evaluate(SAID), page.evaluate(TILES)
    assert "on GB300 cost" in first and len(tiles) == 2 and "not measured" not in tiles
    page.locator(".widget-dropdown select").nth(2).select_option("B200")
    wait_for(lambda: "on B200 cost" in page.evaluate(SAID), "another number")
    wait_for(lambda: page.evaluate(COUNT, MARKS), "the chart anew")
    handle, keys = page.locator(".noUi-handle").last, itertools.cycle(["ArrowRight", "End", "Home"])

    def is_moved():
        """JupyterLab may take the focus between that and the key."""
        handle.press(next(keys))
        page.wait_for_timeout(1000)
        return page.evaluate(TILES)[1] != tiles[1]

    wait_for(is_moved, "another number of another use")
    box = page.locator(MARKS).first.bounding_box()

    def is_picked():
        """The mouse seeks a mark, which the chart tells without asking Python; a chart drawn anew meanwhile forgets."""
        for x in range(120, 480, 4):
            page.mouse.move(box["x"] + x, box["y"] + box["height"] * 0.6)
            page.wait_for_timeout(50)
            if page.evaluate(COUNT, TOOLTIP):
                page.mouse.click(box["x"] + x, box["y"] + box["height"] * 0.6)
                break
        page.wait_for_timeout(1000)
        return "1 point picked" in page.inner_text(".jp-Notebook")

    wait_for(is_picked, "a row in Python")
    assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []


ALL = sorted((Path(__file__).parents[1] / "notebooks").glob("*.ipynb"))


@pytest.mark.soak
@pytest.mark.parametrize("path", ALL, ids=lambda path: path.stem)
def test_every_notebook_runs_and_no_money_is_typeset_as_mathematics(lab, browser, path):
    kept = urllib.request.urlopen(f"{lab}/files/{path.name}?token=test").read()
    page, elsewhere, is_idle = opened(lab, browser, path.name)
    run_all(page, is_idle)
    assert page.evaluate(COUNT, ERROR) == 0 and page.evaluate(COUNT, MATHS) == 0
    assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []
    assert saved(page, lab, path.name) == kept
    close(page, lab, path.name)
