"""What grows with the plan, and what does not, in one run on a copy of the project with its own notebooks and pages.

* one price changed: which notebooks run, against all of them;
* 200 scenarios of one notebook against 50: time per scenario, and the memory of the largest process;
* the same scenarios on a Dask cluster with two workers against one, both up and warm. The cluster is two processes
  beside the run, so on a machine with two cores the run itself takes a part of what is measured.
"""

import csv
import json
import os
import resource
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

from tokenfactory.source import Project

NOTEBOOK = "02_tokens_per_megawatt"  # reads many rows, draws charts, and has a speed to vary
FEW, MANY = 50, 200
ON_CLUSTER, ROUNDS = 40, 3


class Bench:
    def __init__(self, folder: Path):
        self.folder = folder
        for name in ("lib", "data", "notebooks"):
            shutil.copytree(Project().root / name, folder / name)
        self.environment = os.environ | {
            "PYTHONPATH": str(folder / "lib"),
            "TOKENFACTORY_CACHE": str(folder / ".cache"),
            "SOURCE_DATE_EPOCH": "1776211200",
        }

    def run(self, *arguments: str) -> dict:
        """What a command prints as JSON."""
        command = [sys.executable, "-m", "tokenfactory", *arguments, "--json"]
        done = subprocess.run(command, env=self.environment, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        return json.loads(done.stdout)

    def report(self, *arguments: str) -> tuple[float, dict]:
        started = time.perf_counter()
        made = self.run("report", *arguments)
        return time.perf_counter() - started, made

    def scenarios(self, number: int) -> None:
        """Leave `number` scenarios of one notebook, the default among them."""
        folder = self.folder / "data" / "scenarios"
        shutil.rmtree(folder)
        folder.mkdir()
        for n in range(1, number):
            text = f"title: Speed {n}\nnotebooks: [{NOTEBOOK}]\nparameters: {{interactivity: {25 + n / 100}}}\n"
            (folder / f"speed_{n:03}.yaml").write_text(text)

    def change_price(self) -> None:
        path = self.folder / "data" / "price_book.csv"
        with path.open(newline="") as lines:
            rows = list(csv.DictReader(lines))
        row = next(row for row in rows if row["gpu"] == "mi300x")
        row["usd_per_gpu_hour"] = str(float(row["usd_per_gpu_hour"]) * 2)
        with path.open("w", newline="") as lines:
            writer = csv.DictWriter(lines, rows[0], lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


def start(stack: ExitStack, environment: dict, module: str, *arguments: str) -> subprocess.Popen:
    command = [sys.executable, "-m", f"distributed.cli.{module}", *arguments, "--no-dashboard"]
    quiet = subprocess.DEVNULL
    process = subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet)
    stack.callback(process.wait)
    stack.callback(process.kill)
    return process


def cluster(bench: Bench) -> tuple[list[float], list[float]]:
    """Seconds with one worker and with two, in turn."""
    file, seconds = bench.folder / "scheduler.json", {1: [], 2: []}
    with ExitStack() as stack:
        start(
            stack, bench.environment, "dask_scheduler", "--port", "0", "--host", "127.0.0.1", "--scheduler-file", file
        )
        while not file.exists():
            time.sleep(0.1)
        address = json.loads(file.read_text())["address"]
        for _ in range(ROUNDS):
            for number in (1, 2):
                with ExitStack() as workers:
                    for _ in range(number):
                        start(workers, bench.environment, "dask_worker", address, "--nthreads", "1", "--no-nanny")
                    on = ("--scheduler", address, "--scenario", "all", "--force")
                    bench.scenarios(2 * number)
                    bench.report("--notebook", NOTEBOOK, *on)  # warm: imports, data and the chart library
                    bench.scenarios(ON_CLUSTER)
                    seconds[number].append(bench.report("--notebook", NOTEBOOK, *on)[0])
    return seconds[1], seconds[2]


def verdict(is_met: bool) -> str:
    return "met" if is_met else "MISSED"


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tf-bench-") as folder:
        measure(Bench(Path(folder)))


def measure(bench: Bench) -> None:
    whole, first = bench.report()
    bench.change_price()
    changed, after = bench.report()
    num_all, num_run = len(first["executed"]), len(after["executed"])
    print(f"one price changed  {num_run} of {num_all} notebooks run ({', '.join(after['executed'])})")
    print(f"  {changed:.1f} s against {whole:.1f} s for all    {verdict(0 < num_run < num_all)}")

    per_scenario, largest = {}, {}
    for number in (FEW, MANY):
        bench.scenarios(number)
        seconds, made = bench.report("--scenario", "all", "--notebook", NOTEBOOK, "--force")
        assert len(made["executed"]) == number
        per_scenario[number] = seconds / number
        # Of the largest process that this one has waited for, those that it waited for among them. [MB]
        largest[number] = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    growth, memory = per_scenario[MANY] / per_scenario[FEW], largest[MANY] / largest[FEW]
    print(f"{MANY} scenarios      {per_scenario[MANY]:.2f} s each, {per_scenario[FEW]:.2f} s with {FEW}")
    print(f"time per scenario  {growth:5.2f}    bar <= 1.15  {verdict(growth <= 1.15)}")
    print(f"largest process    {memory:5.2f}    bar <= 1.15  {verdict(memory <= 1.15)}  ({largest[MANY]:.0f} MB)")

    one, two = cluster(bench)
    efficiency = statistics.median(a / b / 2 for a, b in zip(one, two, strict=True))
    print(f"{ON_CLUSTER} scenarios on a cluster, median of {ROUNDS} rounds")
    print(f"  one worker {statistics.median(one):.1f} s, two workers {statistics.median(two):.1f} s")
    print(f"two workers / double  {efficiency:5.2f}    bar >= 0.85  {verdict(efficiency >= 0.85)}")


if __name__ == "__main__":
    main()
