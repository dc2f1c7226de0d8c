"""A notebook opened and run in JupyterLab, as an analyst does it: charts drawn, nothing fetched from elsewhere."""

import json
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request

import pytest

NOTEBOOK = "01_hopper_vs_blackwell.ipynb"
LONGEST_S = 90  # a busy machine takes its time; a browser that hangs never comes back
COUNT = "selector => document.querySelectorAll(selector).length"
CHART, ERROR = ".jp-RenderedVegaCommon5 :is(svg, canvas)", ".jp-RenderedText .ansi-red-fg, [data-mime-type$=stderr]"
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
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    homes = {f"JUPYTER_{kind}_DIR": str(root / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
    options = {
        "IdentityProvider.token": "test", "ServerApp.port": port, "ServerApp.ip": "127.0.0.1",
        "ServerApp.open_browser": False, "ServerApp.allow_root": True, "ServerApp.root_dir": root / "notebooks",
        "LabApp.extension_manager": "readonly", "LabApp.news_url": None, "LabApp.expose_app_in_browser": True,
    }  # fmt: skip
    with (root / "log").open("w") as log:
        server = subprocess.Popen(
            [sys.executable, "-m", "jupyterlab", *(f"--{name}={value}" for name, value in options.items())],
            env=os.environ | homes, stdout=log, stderr=log, cwd=root,
        )  # fmt: skip
        try:
            address = f"http://127.0.0.1:{port}"
            wait_for(lambda: is_up(f"{address}/api?token=test"), "the start of JupyterLab")
            yield address
        finally:
            server.terminate()
            server.wait(20)


def test_a_notebook_runs_in_jupyterlab(lab, browser):
    page = browser.new_context(viewport={"width": 1440, "height": 1000}).new_page()
    elsewhere = []
    page.on("request", lambda request: elsewhere.append(request.url) if not request.url.startswith(lab) else None)
    page.goto(f"{lab}/lab/tree/{NOTEBOOK}?token=test&reset", timeout=LONGEST_S * 1000)

    def sessions():
        return json.load(urllib.request.urlopen(f"{lab}/api/sessions?token=test"))

    def is_idle():
        return [s for s in sessions() if s["kernel"] and s["kernel"]["execution_state"] == "idle"]

    wait_for(is_idle, "an idle kernel")
    # The stored charts are drawn on opening; a page that hangs would never answer.
    wait_for(lambda: page.evaluate(COUNT, CHART), "the first chart")
    page.evaluate("jupyterapp.commands.execute('notebook:run-all-cells')")
    wait_for(lambda: "[*]:" not in page.evaluate(PROMPTS) and is_idle(), "the end of all cells")
    assert page.evaluate(COUNT, CHART) >= 1
    assert page.evaluate(COUNT, ERROR) == 0
    assert [url for url in elsewhere if not url.startswith(("data:", "blob:"))] == []
