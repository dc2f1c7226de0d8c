"""Named cases side by side in a workbook, and a column that takes the inputs of the case whose number is written.

cases = Cases("The life of a GPU", {"low": "Low", "high": "High"}, chosen="high")
price = cases.inputs("usd_per_gpu", "price", {"low": 50_000, "high": 60_000}, "usd")
...
cases.book
"""

from collections.abc import Callable, Mapping

from tokenfactory.display.workbook import Cell, Workbook

CHOSEN = "chosen"


class Cases:
    """A workbook with a column for each case and one for the chosen case.

    Parameters
    ----------
    about : what it computes, in a few words
    cases : the cases, and how each is called
    chosen : the case that the last column starts with
    """

    def __init__(self, about: str, cases: Mapping[str, str], chosen: str):
        # A stored notebook sorts names, so that those of the columns keep the order of the cases.
        self._columns = {case: f"case_{i}" for i, case in enumerate(cases, 1)} | {CHOSEN: CHOSEN}
        self.book = Workbook(about, {self._columns[c]: n for c, n in cases.items()} | {CHOSEN: "Chosen case"})
        label = "case in the last column: " + ", ".join(f"{i} {name}" for i, name in enumerate(cases.values(), 1))
        number = {CHOSEN: list(cases).index(chosen) + 1}
        self._number = self.book.inputs("case_number", label, number, "1")[CHOSEN]
        self._kept: dict[tuple[str, int], dict[str, Cell]] = {}

    def inputs(self, name: str, label: str, rows: Mapping, unit: str = "") -> dict[str, Cell]:
        """A row of inputs, one for each case, and the chosen one of them; cells by case."""
        by_column = {self._columns[case]: row for case, row in rows.items()}
        made = self.book.inputs(name, label, by_column, unit, is_shared=False)
        picked = sum((self._number == i) * cell for i, cell in enumerate(made.values(), 1))
        line = self.book.line(f"chosen_{name}", f"{label}, chosen", unit, {CHOSEN: picked})
        return dict(zip(rows, made.values(), strict=True)) | line

    def keep(self, case: str) -> Callable:
        """For `lifetime.years`: every figure of a year becomes a line of the workbook, one cell for this case."""
        column = self._columns[case]

        def keep(name: str, year: int, cell):
            if not isinstance(cell, Cell):
                return cell
            self._kept.setdefault((name, year), {})[column] = cell
            return Cell(f"{{year_{year + 1}_{name}@{column}}}", cell.value)

        return keep

    def lines(self, labels: Mapping[str, tuple[str, str]]) -> None:
        """Write what was kept: year by year, each figure by its label and unit."""
        for (name, year), cells in self._kept.items():
            label, unit = labels[name]
            self.book.line(f"year_{year + 1}_{name}", f"Year {year + 1}: {label}", unit, cells)
        self._kept = {}

    def line(self, name: str, label: str, unit: str, formulas: Mapping[str, Cell], *, is_result: bool = False) -> None:
        """A row that is computed from the cells of each case."""
        by_column = {self._columns[case]: cell for case, cell in formulas.items()}
        self.book.line(name, label, unit, by_column, is_result=is_result)
