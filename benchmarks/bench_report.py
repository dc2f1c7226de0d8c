"""`tokenfactory report --force` against the stock tools and against what cannot be avoided, in one run.

Three ways to the same pages, on a copy of the project:

* stock: the command lines of papermill and `jupyter nbconvert`, one notebook after another;
* ours: `tokenfactory report --force`, warm, and once more with nothing changed;
* floor: the libraries imported once, then the cells' own time and the export of the pages over the cores.
"""

import os
import shutil
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from tokenfactory.source import Project

ROUNDS = 3
PROGRAM = "from tokenfactory.cli import main; main()"
# Prints the seconds of imports, then those of each notebook: its cells in a plain IPython shell and its page.
FLOOR = """
import time
started = time.perf_counter()
import os, sys
from pathlib import Path
from reportkit import engine
from tokenfactory.source import SOURCE
engine.import_libraries(SOURCE.imports)
import json, nbformat
from IPython.core.interactiveshell import InteractiveShell
from reportkit import page, reports
from reportkit.source import Frame
print(time.perf_counter() - started, flush=True)
for path in map(Path, sys.argv[1:]):
    executed = nbformat.read(path, as_version=4)
    if os.fork():
        assert os.wait()[1] == 0
        continue
    os.chdir(path.parent)
    seconds, out = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(out, 1)
    started = time.perf_counter()
    shell = InteractiveShell.instance()
    for cell in executed.cells:
        if cell.cell_type == "code":
            shell.run_cell(cell.source).raise_error()
    ledger = json.loads((path.parent.parent / reports.place("provenance", path.stem)).read_text())
    pages = [{"href": f"{path.stem}.html", "title": ""}]
    page.export(executed, Frame(SOURCE.suite, "", "2026-01-01", pages), name=path.stem, ledger=ledger)
    os.write(seconds, f"{time.perf_counter() - started}\\n".encode())
    os._exit(0)
"""


def seconds(command: list, **options) -> tuple[float, str]:
    started = time.perf_counter()
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True, **options)
    if done.returncode:
        sys.exit(done.stderr)
    return time.perf_counter() - started, done.stdout


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="tf-bench-") as folder:
        measure(Path(folder))


def measure(folder: Path) -> None:
    scripts = Path(sys.executable).parent
    # A checkout of its own: nothing here is touched, and nobody's edits disturb the cache.
    for name in ("lib", "data", "notebooks"):
        shutil.copytree(Project().root / name, folder / name)
    environment = os.environ | {"PYTHONPATH": str(folder / "lib"), "TOKENFACTORY_CACHE": str(folder / ".cache")}
    sources = sorted((folder / "notebooks").glob("[0-9][0-9]_*.ipynb"))
    cores = len(os.sched_getaffinity(0))

    def ours(*arguments):
        return seconds([sys.executable, "-c", PROGRAM, "report", *arguments], env=environment)

    def floor():
        executed = sorted((folder / "reports" / "site" / "notebooks").glob("*.ipynb"))
        _, out = seconds([sys.executable, "-c", FLOOR, *executed], env=environment, cwd=folder)
        imports, *notebooks = map(float, out.split())
        return imports + sum(notebooks) / cores

    def stock():
        total = 0
        for source in sources:
            out = folder / "stock" / source.name
            out.parent.mkdir(exist_ok=True)
            total += seconds([scripts / "papermill", source, out], env=environment, cwd=source.parent)[0]
            total += seconds([scripts / "jupyter", "nbconvert", "--to", "html", out], env=environment)[0]
        return total

    ours()  # builds the warehouse and the chart library, which stay
    # A round runs all of them, so that what else the machine does falls on all alike; ratios are taken within it.
    rounds = []
    for _ in range(ROUNDS):
        forced, least, nothing, slow = ours("--force"), floor(), ours(), stock()
        assert "nothing changed" in nothing[1], nothing[1]
        rounds.append((slow, forced[0], least, nothing[0]))

    def median(function):
        return statistics.median(function(*taken) for taken in rounds)

    def verdict(is_met):
        return "met" if is_met else "MISSED"

    print(f"{len(sources)} notebooks with their pages, {cores} cores, median of {ROUNDS} rounds")
    print(f"  stock papermill and nbconvert, one after another  {median(lambda slow, *_: slow):6.2f} s")
    print(f"  tokenfactory report --force                       {median(lambda _, forced, *__: forced):6.2f} s")
    print(f"  floor: imports once, cells and pages over cores   {median(lambda _, __, least, ___: least):6.2f} s")
    faster = median(lambda slow, forced, *_: slow / forced)
    above = median(lambda _, forced, least, __: forced / least)
    idle = median(lambda *taken: taken[-1])
    print(f"stock / ours     {faster:5.2f}    bar >= 8    {verdict(faster >= 8)}")
    print(f"ours / floor     {above:5.2f}    bar <= 1.3  {verdict(above <= 1.3)}")
    print(f"nothing changed  {idle:5.2f} s  bar < 1 s   {verdict(idle < 1)}  (no notebook run)")


if __name__ == "__main__":
    main()
