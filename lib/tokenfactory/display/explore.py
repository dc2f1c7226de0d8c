"""A linked view for JupyterLab: menus for systems, model, lengths, price, speed and use, a chart, and its answer.

    view = explore(db)   # the last line of a cell shows it
    view.answer          # what it says now, as data
    view.selection       # rows of the points that were clicked on
    view.menus["speed"].value = 60

Speed and use move inside the chart; the other menus draw it anew. Without widgets, as on a page, the same chart stands
with sliders of its own.
"""

from __future__ import annotations

from functools import cache
from threading import RLock
from typing import TYPE_CHECKING

import altair as alt
import numpy as np
import polars as pl
from altair.utils import schemapi

from tokenfactory.display import charts, phrases, show, theme
from tokenfactory.formulas import cost
from tokenfactory.methods import serving

if TYPE_CHECKING:
    from tokenfactory.warehouse.query import Prices, Warehouse

SPEEDS = np.geomspace(5, 500, 70).round(2)  # [tok/s/user]
START = {
    "model": "deepseek-r1-0528", "lengths": (8192, 1024), "subject": "gb300", "baseline": "h200",
    "price": "owning_hyperscaler", "speed": 75.0, "use": 0.6,
}  # fmt: skip
HINT = "Click on points to have their rows in Python; Shift adds one."
LABELS = {
    "model": "Model", "lengths": "Tokens in, out", "subject": "System", "baseline": "Against", "price": "Price",
    "speed": "tok/s per user", "use": "Share used",
}  # fmt: skip


def explore(db: Warehouse, **start) -> View:
    """A view with menus: what a million tokens costs on two systems, at any speed that was measured.

    Parameters
    ----------
    db : a connected warehouse
    start : values of menus to begin with: model, lengths (input and output [tok]), subject, baseline, price (a basis),
        speed [tok/s/user], use [0..1]

    Returns
    -------
    the view: `answer`, `selection` and `menus` are its state

    >>> from tokenfactory import warehouse
    >>> view = explore(warehouse.connect(), subject="b200", speed=50.0)
    >>> [(row["system"], row["speed_tok_per_s_per_user"]) for row in view.answer]
    [('B200', 50.0), ('H200', 50.0)]
    """
    return View(db, **start)


class View:
    """See `explore`."""

    def __init__(self, db: Warehouse, **start):
        import ipywidgets

        if unknown := start.keys() - START.keys():
            raise TypeError(f"explore() has no menu {min(unknown)!r}: {', '.join(START)}")
        self._db, self._points = db, db.points()
        self._learned = serving.learn_bands(self._points)
        self._curves, self._line = cache(self._curves), cache(self._line)
        asked = START | start
        wide, style = ipywidgets.Layout(width="310px"), {"description_width": "110px"}
        bases = {show.words(basis): basis for basis in db.vocabulary("price_basis")}
        options = {"model": self._models(), "price": bases, "lengths": [], "subject": [], "baseline": []}
        self.menus = {
            name: ipywidgets.Dropdown(options=found, description=LABELS[name], layout=wide, style=style)
            for name, found in options.items()
        }
        slider = {"layout": wide, "style": style}
        speed = {"min": 0.7, "max": 2.7, "step": 0.005, "readout_format": ".0f"}  # 5 to 500
        self.menus["speed"] = ipywidgets.FloatLogSlider(asked["speed"], description=LABELS["speed"], **speed, **slider)
        use = {"min": 0.05, "max": 1, "step": 0.05, "readout_format": ".0%"}
        self.menus["use"] = ipywidgets.FloatSlider(asked["use"], description=LABELS["use"], **use, **slider)
        self._said, self._widget, self._is_settling = ipywidgets.HTML(), None, True
        self._turn = RLock()
        for name in ("model", "price"):
            self.menus[name].value = asked[name]
        self._offer(asked)
        self._is_settling = False
        for name in START:
            self.menus[name].observe(self._moved, "value")
        self._say()

    # The state

    @property
    def asked(self) -> dict:
        """The value of every menu."""
        return {name: self.menus[name].value for name in START}

    @property
    def answer(self) -> list[dict]:
        """What each of the two systems makes and costs at the asked speed; None where it is not measured."""
        asked, prices = self.asked, self._prices()
        found = self._curves(asked["model"], asked["lengths"]).at_speed(asked["speed"], self._gpus())
        return [self._row(answer, prices.get(gpu)) for gpu, answer in found.items()]

    @property
    def selection(self) -> pl.DataFrame:
        """The rows of the view `points` that were clicked on since the chart was drawn; Shift adds one."""
        picked = getattr(self._widget and self._widget.selections, "picked", None)
        ids = {mark["point_id"] for mark in picked.value} if picked else set()
        return pl.DataFrame(self._points, infer_schema_length=None).filter(pl.col("point_id").is_in(ids))

    # What the data say

    def _models(self) -> dict[str, str]:
        return {self._db.name(model): model for model in sorted({row["model"] for row in self._points})}

    def _curves(self, model: str, lengths: tuple[int, int]) -> serving.Curves:
        rows = [row for row in self._points if (row["model"], (row["isl"], row["osl"])) == (model, lengths)]
        return serving.Curves.of_workload(rows, self._learned)

    def _line(self, model: str, lengths: tuple[int, int], gpu: str) -> list[dict]:
        """The best reading of a system at every speed that has one."""
        found = self._curves(model, lengths).along(SPEEDS, [gpu])[gpu]
        return [
            {"system": gpu.upper(), "speed": one.asked, "tput": one.best.tput_per_gpu} for one in found if one.ranks
        ]

    def _gpus(self) -> list[str]:
        return [gpu for gpu in dict.fromkeys((self.menus["subject"].value, self.menus["baseline"].value)) if gpu]

    def _prices(self) -> Prices:
        return self._db.prices(basis=self.menus["price"].value, on="latest")

    def _row(self, answer: serving.Answer, price: float | None) -> dict:
        tput = answer.best.tput_per_gpu if answer.best else None
        usd = None
        if tput and price:
            use = self.menus["use"].value
            usd = cost.usd_per_mtok(usd_per_gpu_hour=price, tok_per_s_per_gpu=tput, utilisation_frac=use)
        return {
            "system": answer.gpu.upper(), "speed_tok_per_s_per_user": answer.asked, "tput_per_gpu": tput,
            "usd_per_gpu_hour": price, "usd_per_mtok": usd,
            "by": phrases.configuration(answer.best.configuration) if answer.best else answer.why_not,
        }  # fmt: skip

    # What the menus do

    def _offer(self, asked: dict) -> None:
        """Offer the lengths of the model, and the systems with points of both."""
        model = self.menus["model"].value
        lengths = sorted({(row["isl"], row["osl"]) for row in self._points if row["model"] == model})
        self._choose("lengths", {f"{isl:,}, {osl:,}": (isl, osl) for isl, osl in lengths}, asked["lengths"])
        gpus = self._curves(model, self.menus["lengths"].value).gpus
        for name in ("subject", "baseline"):
            self._choose(name, {gpu.upper(): gpu for gpu in gpus}, asked[name])

    def _choose(self, name: str, options: dict, value) -> None:
        menu = self.menus[name]
        if dict(menu.options) != options:
            menu.options = options
        menu.value = value if value in options.values() else next(iter(options.values()), None)

    def _moved(self, change) -> None:
        """Answer a menu; JupyterLab may send two from two threads, and the second waits for its turn."""
        with self._turn:
            if not self._is_settling:  # else this very call has moved another menu
                self._is_settling = True
                try:
                    self._answer_to(next(name for name in START if self.menus[name] is change.owner))
                finally:
                    self._is_settling = False

    def _answer_to(self, menu: str) -> None:
        if menu in ("model", "lengths"):
            self._offer(self.asked)
        self._say()  # before the chart, which takes longer
        if self._widget and menu in ("speed", "use"):
            setattr(self._widget.params, menu, self.menus[menu].value)
        elif self._widget:
            with schemapi.debug_mode(False):  # validating the chart anew takes longer than making it
                self._widget.chart = self.chart(is_alone=False)
            self._listen()

    def _say(self) -> None:
        rows, at = self.answer, phrases.speed(self.menus["speed"].value)
        said = [f"**Not measured.** {row['by']}." for row in rows if row["tput_per_gpu"] is None]
        said += [f"{row['system']} has no such price." for row in rows if row["usd_per_gpu_hour"] is None]
        costs = [row["usd_per_mtok"] for row in rows]
        if len(rows) == 2 and all(costs):
            than = phrases.ratio_than(costs[1] / costs[0], rows[1]["system"])
            said = [f"At {at}, a million tokens on {rows[0]['system']} cost **{than}**."]
        said += phrases.owners(self._prices().by, self._gpus())
        tiles = [
            show.Headline(row["system"], f"USD per million, {row['system']}", row["usd_per_mtok"], "usd/mtok",
                          show.usd(row["usd_per_mtok"]), row["by"])
            for row in rows
        ]  # fmt: skip
        shown = (show.answer(said), show.headlines(tiles))
        self._said.value = "".join(part._repr_mimebundle_()["text/html"] for part in shown)

    # What is shown

    def chart(self, is_alone: bool = True) -> alt.LayerChart:
        """The chart; with sliders of its own where it stands alone."""
        asked, prices, gpus = self.asked, self._prices(), self._gpus()
        title = f"Cost of a million {self._db.name(asked['model'])} tokens, {phrases.lengths(*asked['lengths'])}"
        gpus = [gpu for gpu in gpus if gpu in prices]
        full = {gpu: prices[gpu] * 1e6 / 3600 for gpu in gpus}
        lines = [
            row | {"usd": full[gpu] / row["tput"]}
            for gpu in gpus
            for row in self._line(asked["model"], asked["lengths"], gpu)
        ]
        marks = [
            {"point_id": row["point_id"], "system": row["gpu"].upper(), "speed": row[serving.SPEED],
             "usd": full[row["gpu"]] / row[serving.TPUT], "known": row["evidence"], "precision": row["precision"]}
            for row in self._curves(asked["model"], asked["lengths"]).rows if row["gpu"] in full
        ]  # fmt: skip
        if not marks:
            return theme.not_measured(title)
        return charts.explored(lines, marks, gpus, asked["speed"], asked["use"], title, is_alone)

    def _repr_mimebundle_(self, include=None, exclude=None) -> dict:
        if self._widget is None:
            self._make_widget()
        static = self.chart()._repr_mimebundle_()
        static = static[0] if isinstance(static, tuple) else static
        return {**static, **self._box._repr_mimebundle_()} | {"text/plain": static["text/plain"]}

    def _make_widget(self) -> None:
        import ipywidgets

        alt.JupyterChart.enable_offline()
        self._widget = alt.JupyterChart(self.chart(is_alone=False), embed_options={"actions": False})
        menus = ipywidgets.VBox([self.menus[name] for name in START])
        self._told = ipywidgets.Label()
        self._listen()
        right = ipywidgets.VBox([self._said, self._widget, self._told])
        self._box = ipywidgets.HBox([menus, right])

    def _listen(self) -> None:
        """Say below the chart what is picked; a chart drawn anew has selections of its own."""

        def tell(_=None):
            num = len(self.selection)
            self._told.value = f"{num} {'point' if num == 1 else 'points'} picked: view.selection" if num else HINT

        tell()
        if hasattr(self._widget.selections, "picked"):
            self._widget.selections.observe(tell, "picked")
