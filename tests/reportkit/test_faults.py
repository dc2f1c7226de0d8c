"""What a night can bring: whatever happens, the last good report stays whole, one alert goes out, and the log is clear.

Whole runs on small projects, pages that are plain JSON.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import time

import pytest
import webhook
from disks import mounted
from small_project import HEADLINES, PRICES


@pytest.fixture
def hook():
    with webhook.serving() as hook:
        yield hook


def night(runs, hook, *arguments):
    """A scheduled run that fails, and the one alert of it."""
    done = runs.run("report", "--scheduled", "--webhook", hook.url, *arguments)
    assert done.returncode in (1, 2), (done.stdout, done.stderr)
    assert "Traceback" not in done.stderr and "secret" not in done.stderr
    (alert,) = hook.received
    return done, alert


HANG = "import time; time.sleep(308.5)"
LIMIT = "import resource; resource.setrlimit(resource.RLIMIT_AS, (2**34, 2**34)); "
KILL = "import os, signal; os.kill(os.getpid(), signal.SIGKILL)"


@pytest.mark.parametrize(
    ("cell", "arguments", "sentence"),
    [
        (KILL, (), "the process was killed by SIGKILL"),
        ("import os; os._exit(0)", (), "the process ended with exit code 0"),
        (HANG, ("--timeout", "3"), "the process was stopped after 3 s"),
        (HANG, ("--timeout", "9", "--engine", "kernel"), "the process was stopped after 9 s"),
        (LIMIT + "x = bytearray(64 * 2**30)", (), "MemoryError: "),
        ("raise ValueError('\\x1b[2J<script>alert(1)</script>')", (), "ValueError: \x1b[2J<script>alert(1)</script>"),
    ],
)
def test_a_notebook_that_goes_wrong(ready, hook, cell, arguments, sentence):
    before = ready.files(), ready.csv.read_bytes()
    ready.notebook("02_amd", "1", cell)

    done, alert = night(ready, hook, "--retries", "0", *arguments)
    assert done.returncode == 1
    assert alert["reasons"] == [{"kind": "failed", "label": "02_amd", "sentence": sentence}]
    assert ready.alerts() == [alert] and "<script>" not in alert["text"]
    assert "tokenfactory: 02_amd failed: " in done.stderr and "\x1b" not in done.stderr
    assert set(ready.failed()) == {"02_amd.ipynb", "02_amd.log"}
    assert (ready.files(), ready.csv.read_bytes()) == before and not ready.leftovers()

    ready.notebook("02_amd", "'mended'")
    assert ready.report()["executed"] == ["02_amd"]
    assert ready.page("02_amd")["outputs"] == ["'mended'"]


def test_data_that_cannot_be_used(ready, hook):
    before = ready.files()
    (ready.data / "price_book.csv").write_text("gpu\nh200\n")
    done, alert = night(ready, hook)
    assert done.returncode == 2 and done.stderr.splitlines()[-1] == f"tokenfactory: {alert['reasons'][0]['sentence']}"
    assert alert["reasons"][0]["sentence"].startswith("price_book.csv") and ready.files() == before


def test_prices_that_nobody_has_looked_at_for_long(ready, hook):
    priced = 'subject: str = "gb300"  # [gpu] s\nbasis: str = "owning_hyperscaler"  # [price_basis] b\n'
    ready.notebook("02_amd", "1", parameters=priced + 'price_date: str = "2026-04-15"  # [date] d\n')
    before = ready.files()
    done, alert = night(ready, hook, "--stale-days", "0")
    assert done.returncode == 2 and ready.files() == before
    assert [reason["kind"] for reason in alert["reasons"]] == ["stale_prices"]
    assert "owning_hyperscaler price of gb300" in alert["reasons"][0]["sentence"]

    result = ready.report("--scheduled", "--webhook", hook.url, "--stale-days", "0", "--allow-stale-prices")
    assert result["stale_prices"] == [reason["sentence"] for reason in hook.received[1]["reasons"]]
    assert ready.page("02_amd")["outputs"] == ["1"] and len(ready.alerts()) == 2
    assert ready.report("--scheduled")["stale_prices"] == []  # 180 days


def test_a_headline_that_moved(ready, hook):
    ready.report("--scheduled", "--webhook", hook.url)
    assert not hook.received
    ready.notebook("01_prices", PRICES, HEADLINES.replace("1234567.891", "1600000"))
    result = ready.report("--scheduled", "--webhook", hook.url, "--moved", "0.2")
    assert result["executed"] == ["01_prices"]
    (alert,) = hook.received
    (reason,) = alert["reasons"]
    said, _, behind = reason["sentence"].partition("; ")
    assert said == "A price, of 2: was 1.23457e+06, is 1.6e+06 usd (+29.6%)"
    assert behind.startswith("method: notebooks/01_prices.ipynb: line")
    ready.report("--scheduled", "--webhook", hook.url, "--moved", "0.2")
    assert len(hook.received) == 1


# The disk


@pytest.mark.parametrize("num_free_bytes", [0, pytest.param(30_000, marks=pytest.mark.soak)])
def test_a_disk_that_is_full(ready, hook, num_free_bytes):
    with mounted("-t", "tmpfs", "-o", "size=3m", "tmpfs", at=ready.project.reports):
        ready.report()
        before = ready.files()
        filler = ready.project.reports / "filler"
        with filler.open("wb") as file, pytest.raises(OSError):
            while True:
                os.write(file.fileno(), bytes(4096))
        os.truncate(filler, filler.stat().st_size - num_free_bytes)
        ready.notebook("02_amd", f"print({'x' * 60_000!r})")
        done, alert = night(ready, hook)
        assert "No space left on device" in alert["reasons"][0]["sentence"]
        told = [line for line in done.stderr.splitlines() if line.startswith("tokenfactory: ")]
        assert told and all("No space left on device" in line for line in told), done.stderr
        assert ready.files() == before
        filler.unlink()
        assert ready.report()["is_new"] and len(ready.page("02_amd")["outputs"][0]) == 60_001


def test_a_folder_that_is_read_only(ready, hook):
    before, reports = ready.files(), ready.project.reports
    with mounted("--bind", reports, at=reports):
        subprocess.run(["mount", "-o", "remount,ro,bind", reports], check=True)
        ready.notebook("02_amd", "2")
        done, alert = night(ready, hook)
        assert done.returncode == 2
        assert done.stderr.splitlines()[-1].endswith("Read-only file system")
        assert "the alert cannot be written: Read-only file system" in done.stderr
        assert alert["reasons"][0]["sentence"].endswith("Read-only file system") and ready.files() == before
    assert ready.report()["executed"] == ["02_amd"]


# The service is stopped, or the machine is


def test_a_service_that_is_stopped(ready, hook):
    before, started = ready.files(), ready.project.root / "started"
    ready.notebook("02_amd", f"import time; open({str(started)!r}, 'w').close(); time.sleep(309.5)")
    command = ready.command("report", "--scheduled", "--webhook", hook.url)
    process = subprocess.Popen(command, env=ready.environment, stderr=subprocess.PIPE, text=True)
    while not started.exists():
        assert process.poll() is None
        time.sleep(0.02)
    process.send_signal(signal.SIGTERM)
    assert process.wait(60) == 130
    assert process.stderr.read().splitlines()[-1] == "tokenfactory: interrupted; the site is as it was"
    assert hook.received[0]["reasons"][0]["sentence"] == "the run was interrupted" and len(hook.received) == 1
    assert ready.files() == before and not ready.leftovers()


@pytest.mark.parametrize("num_kills", [3, pytest.param(30, marks=pytest.mark.soak)])
def test_a_kill_at_any_moment_leaves_the_old_or_the_new_site(ready, num_kills):
    """The notebooks go from version to version; whatever is killed, the site is one of them through and through."""
    draw = random.Random(20261126 + num_kills)
    names = ("01_prices", "02_amd", "03_plain")

    def write(version):
        for name in names:
            ready.notebook(name, f"'{version}'", parameters=None)

    def versions():
        assert (ready.site / "index.html").stat().st_size and (ready.site / "site.json").stat().st_size
        return {tuple(ready.page(name)["outputs"]) for name in names}

    write("0")
    started = time.monotonic()
    ready.report()
    whole_s, seen = time.monotonic() - started, []
    for attempt in range(1, num_kills + 1):
        write(str(attempt))
        process = subprocess.Popen(
            ready.command("report", "--jobs", "3"), env=ready.environment, stderr=subprocess.DEVNULL, text=True
        )
        time.sleep(draw.uniform(0, 1.2 * whole_s))
        process.kill()
        process.wait()
        found = versions()
        assert found in ({(f"'{attempt - 1}'",)}, {(f"'{attempt}'",)})
        seen.append(found == {(f"'{attempt}'",)})
        ready.report()  # the next run succeeds
        whole_s *= 0.8 if seen[-1] else 1.1  # whatever else the machine does, some moments are late ones
        assert versions() == {(f"'{attempt}'",)} and not ready.leftovers()
    assert num_kills < 30 or 0 < sum(seen) < num_kills, "the moments were not spread over a run"


@pytest.mark.parametrize("num_kills", [2, pytest.param(30, marks=pytest.mark.soak)])
def test_a_refresh_killed_at_any_moment_leaves_each_notebook_old_or_new(ready, num_kills):
    """Outputs are stored in the notebooks themselves: after a kill each has none or the new ones, and its source."""
    draw, names, whole_s, seen = random.Random(20261129 + num_kills), ("02_amd", "03_plain"), 6.0, []

    def outputs(version):
        for name in names:
            *_, last = json.loads((ready.project.notebooks / f"{name}.ipynb").read_text())["cells"]
            assert "".join(last["source"]) == f"'{version}'"
            yield bool(last["outputs"])

    for attempt in range(num_kills):
        for name in names:
            ready.notebook(name, f"'{attempt}'", parameters=None)
        words = [word for name in names for word in ("--notebook", name)]
        process = subprocess.Popen(ready.command("refresh", *words), env=ready.environment, stderr=subprocess.DEVNULL)
        try:
            process.wait(draw.uniform(0, 1.2 * whole_s))
            assert process.returncode == 0 and all(outputs(attempt))
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        seen.append(all(outputs(attempt)))
        whole_s *= 0.8 if seen[-1] else 1.1
    assert num_kills < 30 or 0 < sum(seen) < num_kills, "the moments were not spread over a run"
    assert ready.run("refresh", *words).returncode == 0 and all(outputs(num_kills - 1))
    assert not ready.leftovers() and not list(ready.project.notebooks.glob(".*"))


def test_what_failed_is_kept_for_some_runs_only(ready):
    kept = ready.project.reports / "failed"
    for number in range(25):
        (kept / f"2026-01-01T0000{number:02}.000000Z").mkdir(parents=True)
    ready.notebook("03_plain", "raise ValueError", parameters=None)
    assert ready.run("report").returncode == 1
    names = sorted(path.name for path in kept.iterdir())
    assert len(names) == 20 and names[0] == "2026-01-01T000006.000000Z" and "03_plain.log" in ready.failed()
    shutil.rmtree(kept)
