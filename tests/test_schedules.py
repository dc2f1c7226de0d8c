"""Every recipe of reports/schedules/ makes a report, in a clone of its own and without this environment's variables."""

import json
import os
import re
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import pytest
import yaml

PROJECT = Path(__file__).parents[1]
RECIPES = PROJECT / "reports" / "schedules"
PLACE = "/srv/token-factory"
# Recipes differ in how the run starts, not in what it runs. These two look up no price, which grows too old by itself.
NOTEBOOKS = ("00_data_coverage", "02_tokens_per_megawatt")


def write_program(path: Path, *lines: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join(("#!/bin/sh", *lines, "")))
    path.chmod(0o755)


@pytest.fixture(scope="module")
def checkout(tmp_path_factory):
    """A fresh clone, with an environment that is this one but for the library, which is the clone's."""
    if not (PROJECT / ".git").exists() or not shutil.which("git"):
        pytest.skip("a fresh clone takes git and a repository")
    root = tmp_path_factory.mktemp("schedules") / "checkout"
    subprocess.run(["git", "clone", "--quiet", str(PROJECT), str(root)], check=True)
    for path in (*(root / "notebooks").glob("*.ipynb"), *(root / "data" / "scenarios").glob("*.yaml")):
        if path.stem not in (*NOTEBOOKS, "default"):
            path.unlink()
    run = f'PYTHONPATH="{root}/lib" exec "{sys.executable}"'
    write_program(root / ".venv" / "bin" / "python", f'{run} "$@"')
    write_program(
        root / ".venv" / "bin" / "tokenfactory", f"{run} -c 'from tokenfactory.cli import main; main()' \"$@\""
    )
    (root / ".venv" / ".installed").touch()
    return root


@pytest.fixture
def place(checkout):
    """The clone without a site."""
    for path in (*(checkout / "reports").glob(".site-*"), *(checkout / "reports").glob("site")):
        path.unlink() if path.is_symlink() or path.is_file() else shutil.rmtree(path)
    return checkout


def recipe(name: str, place: Path) -> str:
    text = (RECIPES / name).read_text()
    assert PLACE in text or name.endswith(("yml", "py"))
    return text.replace(PLACE, str(place))


def run(command, place: Path, **options) -> subprocess.CompletedProcess:
    """Run in a bare environment, as a daemon starts it."""
    bare = {"HOME": str(place.parent), "PATH": "/usr/bin:/bin", "LOGNAME": "nobody", "SHELL": "/bin/sh"}
    options = {"env": bare, "cwd": "/", "capture_output": True, "text": True, "timeout": 300} | options
    return subprocess.run(command, **options)


def check_made(place: Path) -> None:
    site = place / "reports" / "site"
    assert {path.stem for path in site.glob("*.html")} >= {"index", *NOTEBOOKS}
    assert "<h1" in (site / f"{NOTEBOOKS[1]}.html").read_text()
    assert not list((place / "reports").glob("alerts/*"))


def test_cron(place):
    lines = [line for line in recipe("crontab", place).splitlines() if line and not line.startswith("#")]
    variables, (line,) = lines[:-1], lines[-1:]
    assert variables == ["TOKENFACTORY_WEBHOOK="]
    minute, hour, day, month, weekday, command = line.split(maxsplit=5)
    assert minute.isdecimal() and hour.isdecimal() and (day, month, weekday) == ("*", "*", "*")
    assert "%" not in command  # which cron takes for the end of a line
    done = run(["/bin/sh", "-c", command], place)
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    check_made(place)
    summary = json.loads((place / "reports" / "nightly.jsonl").read_text().splitlines()[-1])
    assert summary["exit_code"] == 0 and summary["index"] == "reports/site/index.html"
    assert run(["git", "status", "--porcelain", "reports/nightly.jsonl"], place, cwd=place).stdout == ""


def test_systemd(place, tmp_path):
    for name in ("token-factory.service", "token-factory.timer"):
        (tmp_path / name).write_text(recipe(name, place) if name.endswith("service") else (RECIPES / name).read_text())
    if shutil.which("systemd-analyze"):
        command = ["systemd-analyze", "verify", "--man=no", *map(str, tmp_path.iterdir())]
        done = run(command, place, env=os.environ)
        complaints = [line for line in done.stderr.splitlines() if "token-factory" in line]
        assert done.returncode == 0 and complaints == [], done.stderr
    unit = dict(re.findall(r"^(\w+)=(.+)$", (tmp_path / "token-factory.service").read_text(), re.MULTILINE))
    assert unit["Type"] == "oneshot"
    done = run(["env", "-i", *unit["ExecStart"].split()], place, cwd=unit["WorkingDirectory"])
    assert done.returncode == 0, done.stderr
    check_made(place)


def test_github_actions(place):
    workflow = yaml.safe_load(recipe("github-pages.yml", place))
    assert workflow[True]["schedule"]  # YAML reads `on` as true
    (job,) = workflow["jobs"].values()
    assert job["environment"]["name"] == "github-pages" and workflow["permissions"]["pages"] == "write"
    actions = [step["uses"].split("@")[0] for step in job["steps"] if "uses" in step]
    for action in ("checkout", "setup-python", "upload-pages-artifact", "deploy-pages"):
        assert f"actions/{action}" in actions
    steps = [step for step in job["steps"] if "run" in step]
    for step in steps:
        secrets = dict.fromkeys(step.get("env", {}), "")
        bare = {"HOME": str(place.parent), "PATH": "/usr/bin:/bin"} | secrets
        done = run(["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", step["run"]], place, env=bare, cwd=place)
        assert done.returncode == 0, done.stderr
    check_made(place)
    (upload,) = (step for step in job["steps"] if "upload-pages" in step.get("uses", ""))
    pages = place / upload["with"]["path"]
    assert (pages / "index.html").is_file() and not any(path.is_symlink() for path in pages.rglob("*"))
    shutil.rmtree(pages)


def test_prefect(place, tmp_path):
    python = Path(os.environ.get("TOKENFACTORY_SCHEDULES") or PROJECT / ".venv-schedules") / "bin" / "python"
    if not python.exists():
        pytest.skip("the environment of the Prefect flow is not there: make schedules")
    script = "import json, prefect_flow; print(json.dumps(prefect_flow.nightly()))"
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(place / "reports" / "schedules")}
    environment |= {"PREFECT_HOME": str(tmp_path / "prefect"), "DO_NOT_TRACK": "1"}
    environment |= {"PREFECT_SERVER_EPHEMERAL_STARTUP_TIMEOUT_SECONDS": "200"}
    done = run([str(python), "-c", script], place, env=environment)
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["exit_code"] == 0
    check_made(place)


JOB = """
import json, sys, time
from jupyter_scheduler.environments import CondaEnvironmentManager
from jupyter_scheduler.models import CreateJobDefinition, CreateJobFromDefinition, Status
from jupyter_scheduler.orm import create_tables
from jupyter_scheduler.scheduler import Scheduler

if __name__ == "__main__":
    root, folder = sys.argv[1:]
    create_tables(f"sqlite:///{folder}/jobs.sqlite")
    scheduler = Scheduler(root, CondaEnvironmentManager(), f"sqlite:///{folder}/jobs.sqlite")
    scheduler.staging_path = f"{folder}/staging"
    definition = CreateJobDefinition(**json.load(open(f"{root}/reports/schedules/jupyter_job.json")))
    made = scheduler.create_job_definition(definition)
    job = scheduler.create_job_from_definition(made, CreateJobFromDefinition(parameters=definition.parameters))
    while scheduler.get_job(job, False).status not in (Status.COMPLETED, Status.FAILED):  # at first it is "stopped"
        time.sleep(0.2)
    print(scheduler.get_job(job, False).status)
"""


@pytest.mark.skipif(not find_spec("jupyter_scheduler"), reason="the extra 'schedules' is not installed")
def test_jupyter_scheduler(place, tmp_path):
    (tmp_path / "job.py").write_text(JOB)
    environment = {"HOME": str(tmp_path), "PATH": "/usr/bin:/bin", "PYTHONPATH": str(place / "lib")}
    done = run([sys.executable, str(tmp_path / "job.py"), str(place), str(tmp_path)], place, env=environment)
    assert done.returncode == 0 and done.stdout.splitlines()[-1].endswith("COMPLETED"), (done.stdout, done.stderr)
    check_made(place)


def test_recipes_run_the_same_report_every_night():
    """What the recipes say of when and what agrees, whatever starts them."""
    texts = {path.name: path.read_text() for path in RECIPES.iterdir()}
    for name in ("crontab", "github-pages.yml", "prefect_flow.py", "jupyter_job.json"):
        assert "17 3 * * *" in texts[name], name
    assert "OnCalendar=*-*-* 03:17:00 UTC" in texts["token-factory.timer"]
    for name in ("crontab", "token-factory.service"):
        assert "report --scheduled --scenario all" in texts[name]
    nightly = (PROJECT / "Makefile").read_text().split("\nnightly:")[1].splitlines()[1]
    assert "report --scheduled --scenario all" in nightly
    for name in texts:
        assert f"({name})" in texts["README.md"] or name in ("README.md", "prefect.in", "prefect.lock")
