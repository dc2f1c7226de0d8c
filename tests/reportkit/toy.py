"""A suite of two notebooks about three kinds of fruit, for which reportkit was not made. Run as a program it makes
their site, and refuses to import anything of tokenfactory.

python toy.py ROOT
"""

import csv
import json
import os
import sys
from contextlib import suppress
from hashlib import sha256
from pathlib import Path
from types import MappingProxyType, SimpleNamespace

from reportkit.source import Project, Suite, Variables

PRICES = "fruit,usd_per_kg\napple,2.5\npear,3.25\nplum,4\n"
PARAMETERS = 'fruit: str = "apple"  # [fruit] which one\nkg: float = 2.0  # [kg] how much\n'
READ = """\
import toy
price = toy.ask("price", fruit=fruit)
"""
ANSWER = """\
from reportkit import outputs
toy.Shown("answer", outputs.sentences([f"**{kg:g} kg** of {fruit} cost ${kg * price:g}.", "Unless it rains."],
                                      flips=["Unless it rains."]))
"""
HEADLINE = """\
toy.Shown("headlines", {"headlines": [{"key": "cost", "label": "Cost", "value": kg * price, "unit": "usd",
                                       "text": f"${kg * price:g}", "note": f"of {kg:g} kg"}]})
"""
TABLE = """\
rows = [[name, {"text": f"${value:.1f}", "value": value}] for name, value in toy.ask("prices")]
toy.Shown("table", outputs.table("Prices", [{"header": "Fruit"}, {"header": "A kilogram", "unit": "usd",
                                            "is_number": True}], rows))
"""


class Shown:
    """What a cell shows."""

    def __init__(self, kind: str, data: dict):
        self.kind, self.data = kind, data

    def _repr_mimebundle_(self, include=None, exclude=None):
        from reportkit import outputs

        return outputs.bundle(self.kind, self.data)


def answer(sql: str, params: dict, built: Path):
    prices = json.loads(built.read_text())
    return prices[params["fruit"]] if sql == "price" else sorted(prices.items())


def ask(sql: str, **params):
    """What a notebook asks of its data, with a line in the trace."""
    found = answer(sql, params, Path(os.environ["TOY_BUILT"]))
    line = {"sql": sql, "params": params, "result": sha256(repr(found).encode()).hexdigest(), "cell": 2, "line": 2}
    with open(os.environ["TOY_TRACE"], "a") as log:
        log.write(json.dumps(line) + "\n")
    return found


def _weight(value):
    return None if value > 0 else "above 0"


class Source:
    command, version = "toy", "1"
    program = f"import sys; sys.path.append({str(Path(__file__).parent)!r}); import toy; toy.main(toy.Path.cwd())"
    suite = Suite("Fruit", "What fruit costs", "What fruit costs today.", ("Nobody's fruit.",), ("x:y", "None", "All."))
    variables = Variables(data="TOY_DATA", cache="TOY_CACHE", built="TOY_BUILT", trace="TOY_TRACE")
    packages = (Path(__file__).parent / "no-package",)
    compared = None
    no_method = imports = slow_imports = date_columns = lessons = ()
    sections = MappingProxyType({})

    def __init__(self, root: Path):
        self.data, self.groups, self.kinds = root / "data", {}, {"kg": _weight}

    def fingerprint(self, data=None):
        return sha256((self.data / "prices.csv").read_bytes()).hexdigest()

    def hashes(self):
        return {"prices.csv": self.fingerprint()}

    def files(self):
        return {"prices.csv": self.data / "prices.csv"}

    archived = files

    def lend(self, cache, other):
        pass

    def complete(self, root, files):
        pass

    def archived_rows(self, files, read):
        return {}

    def build(self, data=None):
        data = data or self.data
        built = self.data.parent / f"built-{sha256((data / 'prices.csv').read_bytes()).hexdigest()[:8]}.json"
        with (data / "prices.csv").open(newline="") as lines:
            built.write_text(json.dumps({row["fruit"]: float(row["usd_per_kg"]) for row in csv.DictReader(lines)}))
        return built

    def replay(self, trace, built):
        def result(line):
            return sha256(repr(answer(line["sql"], line["params"], built)).encode()).hexdigest()

        with suppress(KeyError):  # a fruit that is gone
            return all(result(line) == line["result"] for line in map(json.loads, trace))
        return False

    def lineage(self, built):
        def of(sql, params):
            rows = [params["fruit"]] if params else list(json.loads(built.read_text()))
            return SimpleNamespace(relations=["prices"], files=["prices.csv"], rows=rows, num_rows=len(rows))

        prices = json.loads(built.read_text())
        about = {name: {"file": "prices.csv", "usd_per_kg": price} for name, price in prices.items()}
        return SimpleNamespace(lineage=of, rows=lambda names: {n: about[n] for n in sorted(names) if n in about})

    def said(self, kind, value):
        return str(value)

    def check(self, jobs, built):
        pass

    def stale(self, jobs, built, max_age_days):
        return []

    def scenario_values(self, name, scenario, notebooks):
        return scenario.parameters


class _Refused:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] == "tokenfactory":
            raise ImportError(f"{name} must not be needed")


def main(root: Path) -> None:
    from reportkit import runner

    project = Project(root, Source(root))
    result = runner.report(project, say=lambda line: print(line, file=sys.stderr))
    print(json.dumps({"executed": result.executed, "unchanged": result.unchanged}))


if __name__ == "__main__":
    sys.meta_path.insert(0, _Refused())
    import toy  # the module that notebooks and pickles know

    toy.main(Path(sys.argv[1]))
