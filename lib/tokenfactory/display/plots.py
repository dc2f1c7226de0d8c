"""The few forms in which notebooks draw, made from rows and axes; charts of one question on many pages are `charts`.

A form takes rows (mappings) and an `Axis` for each direction. Colours go by system where the values of the colour's
key are systems as shown, such as "GB300"; other values bring colours of their own. No rows give "not measured".
"""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

import altair as alt
import polars as pl

from tokenfactory.display import theme

HUES = (theme.BLACKWELL, theme.HOPPER, theme.CDNA, theme.GOOD, theme.NEUTRAL, theme.BAD, "#8a5a00", "#0f7c8a")
DASHES = ((1, 0), (7, 3), (2, 3), (1, 4))
SHAPES = ("circle", "square", "triangle-up", "diamond", "triangle-down", "cross", "triangle-right")


@dataclass(frozen=True)
class Axis:
    """What an axis shows.

    Parameters
    ----------
    key : of the rows
    title : in words, with its unit
    is_log : whether equal ratios are equally far apart
    format : of the labels and tooltips, as d3 writes it
    has_zero : whether a linear axis begins at zero
    padding : room at both ends [px]
    kind : Q for numbers, T for days, O for a few numbers side by side
    """

    key: str
    title: str | None
    is_log: bool = False
    format: str | None = None
    has_zero: bool = False
    padding: int = 12
    kind: str = "Q"

    def encoding(self, channel: type, key: str | None = None):
        """The axis as one of Altair's channels, of `key` in the place of its own."""
        scale = {"T": alt.Scale(padding=self.padding), "O": alt.Undefined}.get(self.kind)
        if scale is None:
            same = {"nice": False, "padding": self.padding}
            scale = alt.Scale(type="log", **same) if self.is_log else alt.Scale(zero=self.has_zero, **same)
        axis = {"format": self.format} if self.format else {}
        axis |= {"labelAngle": 0} if self.kind == "O" else {}
        axis |= {"labelExpr": theme.COUNTS} if (self.format or "").endswith("s") else {}
        title = f"{self.title} (log scale)" if self.is_log and self.title else self.title
        return channel(f"{key or self.key}:{self.kind}", title=title, scale=scale, axis=alt.Axis(**axis))

    def tip(self) -> alt.Tooltip:
        title = self.title or self.key
        plain = self.format or (".3~r" if self.kind == "Q" else None)
        return alt.Tooltip(f"{self.key}:{self.kind}", title=title[:1].upper() + title[1:], **_given(format=plain))


def _given(**options) -> dict:
    return {name: value for name, value in options.items() if value is not None}


def frame(rows: Iterable[Mapping]) -> pl.DataFrame:
    """Rows as the data of a chart, numbers to six digits: more are never seen, and differ between machines."""
    plain = [{k: float(f"{v:.6g}") if isinstance(v, float) else v for k, v in row.items()} for row in rows]
    return pl.DataFrame(plain, infer_schema_length=None)


def _values(rows: Sequence[Mapping], key: str) -> list:
    return list(dict.fromkeys(row[key] for row in rows))


def colour(rows: Sequence[Mapping], key: str | None, hues: Mapping[str, str] | str | None = None, channel=alt.Color):
    """The colour of each value of a key: its own of `hues`, that of a system, or the next; of no key `hues`."""
    if key is None:
        return getattr(alt, f"{channel.__name__}Value")(hues or theme.BLACKWELL)
    values = _values(rows, key)
    own = {value: theme.gpu_colour(str(value).split(",")[0].lower()) for value in values}
    if hues is None and set(own.values()) == {theme.NEUTRAL}:
        own = {value: HUES[i % len(HUES)] for i, value in enumerate(values)}
    chosen = [(hues or own).get(value, theme.NEUTRAL) for value in values]
    legend = alt.Legend(title=None) if len(values) > 1 else None
    return channel(f"{key}:N", scale=alt.Scale(domain=values, range=chosen), legend=legend, title=None)


def _told_apart(rows: Sequence[Mapping], key: str, channel: type, looks: Sequence):
    values = _values(rows, key)
    shown = [list(look) if isinstance(look, tuple) else look for look in looks]
    scale = alt.Scale(domain=values, range=[shown[i % len(shown)] for i in range(len(values))])
    return channel(f"{key}:N", scale=scale, title=None, legend=alt.Legend(title=None))


def _tips(rows: Sequence[Mapping], words: Mapping[str, str], *axes: Axis) -> list[alt.Tooltip]:
    named = [
        alt.Tooltip(f"{key}:N", title=title[:1].upper() + title[1:]) for key, title in words.items() if key in rows[0]
    ]
    return [*named, *(axis.tip() for axis in axes)]


def lines(
    rows: Sequence[Mapping], x: Axis, y: Axis, *, hue: str | None = "gpu", hues: Mapping[str, str] | str | None = None,
    dash: str | None = None, is_step: bool = False, has_points: bool = False,
) -> alt.LayerChart | None:  # fmt: skip
    """A line for each value of `hue` and `dash`, and for each `piece` of one where rows say so; None for no rows."""
    if not rows:
        return None
    more = {"interpolate": "step-after"} if is_step else {}
    words = _given(**{key: key.capitalize() for key in (hue, dash) if key})
    words |= {"gpu": "System"} if hue == "gpu" else {}
    hued = colour(rows, hue, hues)
    encodings = [_told_apart(rows, dash, alt.StrokeDash, DASHES)] if dash else []
    encodings += [alt.Detail("piece:N")] if "piece" in rows[0] else []
    base = alt.Chart(frame(rows)).encode(x.encoding(alt.X), y.encoding(alt.Y))
    # A line tells the pointer nothing of its values; a point under the pointer does, seen or not.
    hits = base.encode(tooltip=_tips(rows, words, x, y))
    hits = hits.mark_point(filled=True).encode(hued) if has_points else hits.mark_point(size=150, opacity=0)
    return alt.layer(base.mark_line(**more).encode(hued, *encodings), hits)


def points(
    rows: Sequence[Mapping], x: Axis, y: Axis, *, hue: str = "gpu", hues: Mapping[str, str] | str | None = None,
    shape: str | None = None, words: Mapping[str, str] | None = None,
) -> alt.Chart | None:  # fmt: skip
    """A mark for each row; `words` are keys of the tooltip and how each is called. None for no rows."""
    if not rows:
        return None
    encodings = [x.encoding(alt.X), y.encoding(alt.Y), colour(rows, hue, hues)]
    encodings += [_told_apart(rows, shape, alt.Shape, SHAPES)] if shape else []
    drawn = alt.Chart(frame(rows)).mark_point(size=80, filled=True, opacity=0.9)
    return drawn.encode(*encodings, tooltip=_tips(rows, words or {"gpu": "System"}, x, y))


def _place(rows: Sequence[Mapping], side: str | None) -> dict:
    places = alt.Y("place:N", sort=_values(rows, "place"), title=None, axis=alt.Axis(labelLimit=280))
    return {"y": places} | ({"yOffset": alt.YOffset(f"{side}:N", sort=_values(rows, side))} if side else {})


def hatch(hue: str, num_stripes: int = 14) -> alt.LinearGradient:
    """Slanted stripes of a colour: a gradient without transitions, as Vega-Lite has no pattern."""
    ends = [i / (2 * num_stripes) for i in range(2 * num_stripes + 1)]
    stops = []
    for i, (start, end) in enumerate(pairwise(ends)):
        shade = hue if i % 2 == 0 else "rgba(127,127,127,0.08)"
        stops += [alt.GradientStop(color=shade, offset=round(at, 4)) for at in (start, end)]
    return alt.LinearGradient(gradient="linear", stops=stops, x1=0, y1=0, x2=1, y2=1)


def steered(
    grid: Sequence[Mapping], known: Sequence[Mapping], hues: Mapping[str, str], controls: tuple, title: alt.Title
) -> alt.LayerChart:
    """Speed over batch from step times, for the GPUs and accepted tokens that a reader sets, beside measured points.

    `grid` has ep, kind, batch and ms, the time of a step; `known` has kind, batch, ep and speed [tok/(s user)];
    `controls` are the parameters of Altair named size (ep) and yields (tokens a step).
    """
    shades = alt.Scale(domain=list(hues), range=list(hues.values()))
    axes = [
        alt.X("batch:Q", title="requests in flight per decode GPU").scale(type="log", nice=False, padding=12),
        alt.Y("speed:Q", title="tok/s per user").scale(type="log"),
        alt.Color("kind:N", title=None, scale=shades),
    ]
    line = alt.Chart(frame(grid)).transform_filter("datum.ep == size")
    layers = [line.transform_calculate(speed="1000 * yields / datum.ms").mark_line().encode(*axes)]
    if known:
        tips = [alt.Tooltip("speed:Q", title="Tokens a second", format=".3r")]
        tips += [alt.Tooltip("batch:Q", title="Requests a GPU", format=".3r"), alt.Tooltip("ep:Q", title="GPUs")]
        layers.append(alt.Chart(frame(known)).mark_point(size=90).encode(*axes, tooltip=tips))
    return alt.layer(*layers).add_params(*controls).properties(width="container", height=300, title=title)


def spans(
    rows: Sequence[Mapping], x: Axis, *, hue: str | None = "gpu", hues: Mapping[str, str] | str | None = None,
    is_side_by_side: bool = False, fades: bool = False, has_column: bool = False,
) -> alt.LayerChart | None:  # fmt: skip
    """A bar from `low` to `high` at each `place`, with `text` at its right end, and a tick at `mid` where there is one.

    `told` is what the pointer is told in the place of `text`. `is_side_by_side` puts the bars of one place under each
    other by `hue`; `fades` draws those faint whose `is_weak` holds: dashed, or hatched where there is one colour;
    `has_column` puts the texts in a column beside the chart, where nothing crosses them. None for no rows.
    """
    if not rows:
        return None
    base = alt.Chart(frame(rows)).encode(**_place(rows, hue if is_side_by_side else None))
    hued = colour(rows, hue, hues)
    if hue and all(str(row["place"]).startswith(str(row[hue])) for row in rows):
        hued = hued.legend(None)  # each bar says whose it is
    told = {"told": "Input at this end"} if "told" in rows[0] else {"text": x.title or "Value"}
    tips = _tips(rows, {"place": "What", "gpu": "System"} | told)
    start = x.encoding(alt.X, "low")
    look = {"height": 10} if "mid" in rows[0] else {}
    bars = base.mark_bar(opacity=0.75 if "mid" in rows[0] else 1, **look).encode(start, hued, x2="high:Q", tooltip=tips)
    layers = [bars]
    if fades:
        weak = base.transform_filter("datum.is_weak")
        if hue is None:
            weak = weak.mark_bar(color=hatch(hues or theme.BLACKWELL)).encode(start, x2="high:Q", tooltip=tips)
        else:
            hollow = [colour(rows, hue, hues, channel) for channel in (alt.Fill, alt.Stroke)]
            weak = weak.mark_bar(fillOpacity=0.12, strokeWidth=1.5, strokeDash=[4, 3])
            weak = weak.encode(start, *hollow, x2="high:Q", tooltip=tips)
        layers = [bars.transform_filter("!datum.is_weak"), weak]
    if "mid" in rows[0]:
        layers.append(base.mark_tick(thickness=3, size=18).encode(x.encoding(alt.X, "mid"), hued, tooltip=tips))
    if "text" in rows[0]:
        at = alt.XValue("width") if has_column else x.encoding(alt.X, "high")
        layers.append(base.mark_text(align="left", dx=6).encode(at, text="text:N"))
    return alt.layer(*layers)


def marks(
    rows: Sequence[Mapping], x: Axis, *, hue: str = "what", hues: Mapping[str, str] | str | None = None
) -> alt.LayerChart | None:
    """Marks of several kinds along one line for each `place`, with `text` at each. None for no rows."""
    if not rows:
        return None
    base = alt.Chart(frame(rows)).encode(**_place(rows, None))
    tips = _tips(rows, {"place": "What", hue: "Which", "text": x.title or "Value"})
    shape = _told_apart(rows, hue, alt.Shape, ("diamond", "circle", "square"))
    dots = base.mark_point(size=130, filled=True, opacity=0.9).encode(
        x.encoding(alt.X), colour(rows, hue, hues), shape, tooltip=tips
    )
    texts = alt.Chart(frame(row | {"place_of_text": place} for row, place in _text_places(rows, x, hue)))
    names = texts.encode(**_place(rows, None)).encode(x.encoding(alt.X), text="text:N")
    places = {"below": 15, "above": -13, "high": -26}
    here = {place: names.transform_filter(alt.datum.place_of_text == place) for place in places}
    return alt.layer(dots, *(here[place].mark_text(dy=dy) for place, dy in places.items()))


CLOSE = 0.25  # of the range that an axis shows: nearer texts would overlap beside a phone's labels


def _text_places(rows: Sequence[Mapping], x: Axis, hue: str) -> list[tuple[Mapping, str]]:
    """Where the text of each mark stands: of the first kind below, of others above, higher if the last one is close."""
    at = [math.log(row[x.key]) if x.is_log else row[x.key] for row in rows]
    reach, last, placed = max(at) - min(at), {}, []
    for i in sorted(range(len(rows)), key=lambda i: at[i]):
        row, place = rows[i], "below"
        if row[hue] != rows[0][hue]:
            before, was = last.get(row["place"], (-math.inf, "high"))
            place = "high" if at[i] - before < CLOSE * reach and was == "above" else "above"
            last[row["place"]] = at[i], place
        placed.append((row, place))
    return placed


def rule(
    channel: str, *values: float, text: str = "", hue: str = theme.NEUTRAL, row: int = 0, at_end: bool = False
) -> alt.LayerChart:
    """Dashed lines across a chart at values of its x or y, the first one with a text.

    `row` counts the texts at the top; `at_end` puts a text before its place: left of an x, at the right end of a y.
    """
    at = alt.Chart(pl.DataFrame({channel: [float(f"{v:.6g}") for v in values]}, schema={channel: pl.Float64}))
    drawn = at.mark_rule(strokeDash=[4, 3], color=hue).encode(**{channel: f"{channel}:Q"})
    if not (text and values):
        return alt.layer(drawn)
    told = alt.Chart(pl.DataFrame({channel: [float(values[0])], "text": [text]})).encode(text="text:N")
    side = {"x": "width" if at_end else 4} if channel == "y" else {"y": 8 + 18 * row}
    place = {"align": "right", "dx": -4} if at_end else {"align": "left", "dx": 4}
    name = told.mark_text(dy=-6, **place, **side).encode(**{channel: f"{channel}:Q"})
    return alt.layer(drawn, name.properties(name=f"rule_{channel}{row}"))  # pages draw a halo around texts of this name


def titled(
    chart: alt.Chart | None, finding: str, subtitle: str = "", *, height: int | None = 300, step: int | None = None
):
    """A chart as wide as its page under its finding; "not measured" in the place of none.

    `height` is in pixels, or `step` the pixels of each place.
    """
    title = alt.Title(finding, subtitle=subtitle)
    if chart is None:
        return theme.not_measured(title)
    return chart.properties(width="container", height=alt.Step(step) if step else height, title=title)
