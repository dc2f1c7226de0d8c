"""Charts that stand on more than one page, so that one question looks the same everywhere."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle, islice
from typing import TYPE_CHECKING

import altair as alt
import polars as pl

from tokenfactory.display import phrases, plots, theme
from tokenfactory.warehouse import vocabulary

if TYPE_CHECKING:
    from tokenfactory.methods.readings import Pair, SpeedTable

BEST = "best against best"  # the label of pairs under no condition, as in `methods.readings`

# An axis in words: 5 is "5x less", 0.5 "2x more"; what is equal has its word on the line.
_LESS_OR_MORE = "datum.value > 1 ? format(datum.value, '~r') + 'x less' : format(1 / datum.value, '.2~r') + 'x more'"

SPEED_TITLE = "tokens a second per user (log scale)"


def _log(padding: int = 12) -> alt.Scale:
    return alt.Scale(type="log", nice=False, padding=padding)


def _frame(rows: Sequence[Mapping]) -> pl.DataFrame:
    return pl.DataFrame([dict(row) for row in rows], infer_schema_length=None)


def _tips(words: Mapping[str, str], format: str = ".3r") -> list[alt.Tooltip]:
    """What the pointer is told: fields with their titles, numbers in a format."""
    return [
        alt.Tooltip(k, title=title, **({"format": format} if k.endswith(":Q") else {})) for k, title in words.items()
    ]


def _pieces(rows: Sequence[Mapping]) -> list[dict]:
    """Rows in the order of speeds with the piece of the line they are on: it ends where nothing was measured."""
    pieces, last = [], {}
    for row in rows:
        system, speed = row["system"], row["speed"]
        before, piece = last.get(system, (speed, 0))
        last[system] = (speed, piece + (speed > 1.1 * before))
        pieces.append(dict(row) | {"piece": f"{system} {last[system][1]}"})
    return pieces


def cost_curve(rows: Sequence[Mapping], gpus: Sequence[str], at: float, title: alt.Title) -> alt.Chart:
    """Cost of a million tokens against the speed of one user, a line for each system, the asked speed `at` marked.

    `rows` have system (as shown), speed [tok/s/user], usd [USD/Mtok], known and by (words for the tooltip), in the
    order of speeds; neighbours farther apart than a tenth are not joined. Colours are in the order of `gpus`.
    """
    if not rows:
        return theme.not_measured(title)
    frame = _frame(_pieces(rows))
    systems = list(dict.fromkeys(gpu.upper() for gpu in gpus))
    hues = [theme.gpu_colour(gpu) for gpu in dict.fromkeys(gpus)]
    colour = alt.Color("system:N", title=None, legend=None, scale=alt.Scale(domain=systems, range=hues))
    tips = {"system:N": "System", "usd:Q": "USD per million tokens", "speed:Q": "Tokens a second per user"}
    tips |= {"known:N": "Known", "by:N": "By"}
    base = alt.Chart(frame).encode(
        alt.X("speed:Q", title=SPEED_TITLE, scale=_log()),
        alt.Y("usd:Q", title="USD per million tokens (log scale)", scale=_log()),
        colour, tooltip=_tips(tips),
    )  # fmt: skip
    lines = base.mark_line(strokeWidth=2.5).encode(detail="piece:N")
    hits = base.mark_point(filled=True, size=14, opacity=0.9)
    ends = alt.Chart(frame.group_by("system", maintain_order=True).last()).encode(x="speed:Q", y="usd:Q", color=colour)
    names = ends.mark_text(align="left", dx=8, fontWeight="bold").encode(text="system:N")
    rule = alt.Chart(pl.DataFrame({"speed": [float(at)], "text": [f"{at:g}"]})).encode(x="speed:Q")
    asked = (
        rule.mark_rule(strokeDash=[3, 3], color=theme.NEUTRAL),
        rule.mark_text(align="left", dx=4, y=8).encode(text="text:N"),
    )
    return alt.layer(*asked, lines, hits, names).properties(width="container", height=320, title=title)


def pair_marks(pairs: Sequence[Pair], per_price: float) -> list[dict]:
    """Equally fast pairs as the marks of `ratio_curve`; `per_price` is the baseline's hour over the subject's [1]."""
    marks = []
    for pair in pairs:
        kind = "best of each" if pair.condition.label == BEST else pair.condition.label.removesuffix(" on both")
        low, high = (end * per_price for end in pair.band)
        mark = {"kind": kind, "speed": pair.speed, "ratio": pair.ratio * per_price, "low": low, "high": high}
        mark |= {"evidence": pair.evidence}
        mark |= {"wrong": "rests on a run known to answer wrongly" if pair.is_known_wrong else "none known"}
        by = (phrases.configuration(end.configuration) for end in (pair.subject, pair.baseline))
        marks.append(mark | {"by": " against ".join(by)})
    return marks


def pair_hues(kinds: Iterable[str], subject: str) -> dict[str, str]:
    """The colour of each kind of pair, the same on every page: "best of each" in grey, the others in their order."""
    kinds = sorted(set(kinds), key=lambda kind: (kind != "best of each", kind))
    shades = [theme.NEUTRAL, theme.gpu_colour(subject), theme.GOOD, "#8a5a00", theme.CDNA, "#0f7c8a", "#5b6770",
              "#b0448a"]  # fmt: skip
    return dict(zip(kinds, cycle(shades), strict=False))


def ratio_curve(marks: Sequence[Mapping], subject: str, title: alt.Title, claim: Mapping | None = None) -> alt.Chart:
    """How many times less a token costs on the subject, against the speed, one mark for each equally fast pair.

    `marks` have kind (what both have in common, or "best of each"), speed [tok/s/user], ratio (cost of the baseline
    over that of the subject), low and high (its band), evidence, wrong and by (words for the tooltip); `claim` is a
    mark of its own, with speed, ratio and text.
    """
    if not marks:
        return theme.not_measured(title)
    frame = _frame(marks)
    hues = pair_hues(frame["kind"], subject)
    kinds = list(hues)
    shades = alt.Scale(domain=kinds, range=list(hues.values()))
    shapes = alt.Scale(domain=kinds, range=list(islice(cycle(plots.SHAPES), len(kinds))))
    colour = alt.Color("kind:N", title=None, sort=kinds, legend=alt.Legend(symbolOpacity=1), scale=shades)
    shape = alt.Shape("kind:N", title=None, sort=kinds, scale=shapes)
    tips = {"kind:N": "Same on both", "ratio:Q": "Times less", "speed:Q": "Tokens a second per user"}
    tips = _tips(tips | {"by:N": "Pair", "wrong:N": "Doubt"})
    x = alt.X("speed:Q", title=SPEED_TITLE, scale=_log())
    steps = [step * 10.0**power for power in range(-4, 5) for step in (1, 2, 5) if (step, power) != (1, 0)]
    y = alt.Y("ratio:Q", title=None, scale=_log(), axis=alt.Axis(labelExpr=_LESS_OR_MORE, values=steps))
    base = alt.Chart(frame).encode(x, y, colour, tooltip=tips)
    bars = base.mark_rule(opacity=0.25).encode(alt.Y("low:Q"), alt.Y2("high:Q"))
    tie = alt.Chart(alt.InlineData([{}])).encode(y=alt.datum(1.0))
    word = tie.mark_text(align="left", dy=8, color=theme.NEUTRAL).encode(x=alt.value(4), text=alt.value("equal"))
    layers = [tie.mark_rule(strokeDash=[4, 3]), word, bars]
    for is_measured in (True, False):
        some = frame.filter((pl.col("evidence") == "measured") == is_measured)
        if len(some):
            points = alt.Chart(some).mark_point(size=70, filled=is_measured, opacity=1)
            layers.append(points.encode(x, y, colour, shape, tooltip=tips))
    if claim:
        at = alt.Chart(pl.DataFrame([dict(claim)])).encode(x="speed:Q", y="ratio:Q")
        layers.append(at.mark_point(color=theme.BAD, size=260, strokeWidth=1.5, filled=False))
        layers.append(at.mark_text(color=theme.BAD, align="right", dx=-4, dy=-24).encode(text="text:N"))
    return alt.layer(*layers).properties(width="container", height=310, title=title)


def explored(
    lines: Sequence[Mapping],
    marks: Sequence[Mapping],
    gpus: Sequence[str],
    at: float,
    use: float,
    title: str,
    is_alone: bool,
) -> alt.LayerChart:
    """The chart of `display.explore`: costs at full use over the parameter `use`, a rule at the parameter `at`.

    `lines` and `marks` have system, speed [tok/s/user] and usd [USD/Mtok] at full use; marks also a point_id, known and
    precision. Where it `is_alone` it has sliders of its own; otherwise the parameters are moved from outside.
    """
    systems = [gpu.upper() for gpu in gpus]
    colour = alt.Color("system:N", title=None, scale=alt.Scale(domain=systems, range=list(map(theme.gpu_colour, gpus))))
    x = alt.X("speed:Q", title=SPEED_TITLE, scale=_log())
    y = alt.Y("cost:Q", title="USD per million tokens (log scale)", scale=_log())
    sliders = {"use": alt.binding_range(min=0.05, max=1, step=0.05, name="Share of the hours used "),
               "speed": alt.binding_range(min=5, max=500, step=1, name="Tokens a second per user ")}  # fmt: skip
    moved = [
        alt.param(name=name, value=value, **({"bind": sliders[name]} if is_alone else {}))
        for name, value in (("use", use), ("speed", at))
    ]
    picked = alt.selection_point(name="picked", fields=["point_id"])
    tips = {"system:N": "System", "cost:Q": "USD per million", "speed:Q": "Tokens a second per user"}
    tips = _tips(tips | {"known:N": "Known", "precision:N": "Format"})

    def layer(rows):
        return alt.Chart(_frame(rows)).transform_calculate(cost="datum.usd / use")

    rule = alt.Chart(alt.InlineData([{}])).transform_calculate(asked="speed").mark_rule(strokeDash=[3, 3])
    points = layer(marks).mark_point(filled=True, size=45).add_params(picked)
    shown = [rule.encode(alt.X("asked:Q"))]
    if lines:
        shown += [layer(_pieces(lines)).mark_line(strokeWidth=2.5).encode(x, y, colour, detail="piece:N")]
    shown += [
        points.encode(
            x, y, colour, opacity=alt.when(picked).then(alt.value(0.9)).otherwise(alt.value(0.25)), tooltip=tips
        )
    ]
    return alt.layer(*shown).add_params(*moved).properties(width=560, height=320, title=title)


_STAR = "M0,-1L.29,-.4L.95,-.31L.48,.16L.59,.81L0,.5L-.59,.81L-.48,.16L-.95,-.31L-.29,-.4Z"
_SHAPES = ["circle", "square", "diamond", "cross", *(f"triangle-{side}" for side in ("up", "down", "left", "right"))]
_SHAPES += [_STAR, "wedge"]


def _shape_scale(gpus: Sequence[str]) -> alt.Scale:
    """The shape of each GPU, the same on every page: by its place among those with a colour of their own."""
    order = [gpu for gpu, colour in vocabulary.colours().items() if colour != theme.NEUTRAL]
    order += [gpu for gpu in gpus if gpu not in order]
    return alt.Scale(domain=gpus, range=[_SHAPES[order.index(gpu) % len(_SHAPES)] for gpu in gpus])


def system_curves(read: SpeedTable, scale: Mapping[str, float], at: float, title: alt.Title, *, axis: str) -> alt.Chart:
    """A figure of each system against the speed of one user: its band, its points, and the asked speed `at` marked.

    `scale` is by GPU the figure for each token per second and GPU; systems without one are left out. `axis` says what
    the figure is, with its unit.
    """
    drawn = [row for row in read.lines() if row["gpu"] in scale]
    if not drawn:
        return theme.not_measured(title)
    points = [row | {"by": phrases.configuration(row["by"])} for row in read.dots(drawn)]
    lines, dots = (
        _frame(
            row
            | {"system": row["gpu"].upper()}
            | {name: round(row[name] * scale[row["gpu"]], 4) for name in ("value", "low", "high") if name in row}
            for row in rows
        ).fill_nan(None)
        for rows in (drawn, points)
    )
    systems = lines["gpu"].unique(maintain_order=True).to_list()
    side = alt.Legend(title=None, orient="top", columns=5, labelExpr="upper(datum.label)", symbolOpacity=1)
    colour = {"scale": theme.gpu_scale(systems), "legend": side}
    x = alt.X("speed:Q", title=SPEED_TITLE, scale=_log())
    y = alt.Y(
        "value:Q",
        title=f"{axis} (log scale)",
        scale=_log(),
        axis=alt.Axis(format="~s", labelExpr=theme.COUNTS, tickCount=5),
    )
    tips = _tips({"system:N": "System", "speed:Q": "Tokens a second"})
    tips += _tips({"value:Q": axis[:1].upper() + axis[1:]}, ".3~s")
    base = alt.Chart(lines).encode(x, detail="piece:N", tooltip=[*tips, *_tips({"how:N": "Known"})])
    area = base.mark_area(opacity=0.13).encode(alt.Y("low:Q"), alt.Y2("high:Q"), alt.Fill("gpu:N", **colour))
    line = base.mark_line(strokeWidth=1.8).encode(y, alt.Stroke("gpu:N", **colour))
    shape = _shape_scale(systems)
    filled = alt.Scale(domain=["interpolated by InferenceX", "measured"], range=[0, 1])
    marks = alt.Chart(dots).mark_point(size=42, filled=False, strokeWidth=1.4, opacity=1).encode(
        x, y, alt.Stroke("gpu:N", **colour), alt.Fill("gpu:N", **colour), alt.Shape("gpu:N", legend=side, scale=shape),
        alt.FillOpacity("known:O", legend=None, scale=filled),
        tooltip=[*tips, *_tips({"known:N": "Known", "by:N": "By"})],
    )  # fmt: skip
    rule = alt.Chart(pl.DataFrame({"speed": [float(at)]})).mark_rule(strokeDash=[4, 3]).encode(x="speed:Q")
    return alt.layer(area, line, marks, rule).properties(width="container", height=360, title=title)


def system_marks(rows: Sequence[Mapping], title: alt.Title, *, axis: str, ticks: str = "~g") -> alt.Chart:
    """One mark for each system at one speed, with the band of its reading; hollow where it rests on no measurement.

    `rows` have label ("|" breaks the line), gpu, value, low, high, text, known and is_filled, in the order drawn;
    `axis` says what the value is, with its unit.
    """
    if not rows:
        return theme.not_measured(title)
    marks = _frame(rows).fill_nan(None)
    look = {"format": ticks} | ({"labelExpr": theme.COUNTS} if ticks.endswith("s") else {})
    x = alt.X("value:Q", title=f"{axis} (log scale)", scale=_log(40), axis=alt.Axis(**look, tickCount=4, grid=False))
    y = alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelExpr="split(datum.label, '|')", labelLimit=330))
    colour = {"scale": theme.gpu_scale(marks["gpu"]), "legend": None}
    tips = _tips({"text:N": "Value", "known:N": "Known"})
    base = alt.Chart(marks).encode(y, tooltip=tips)
    reach = base.mark_rule(strokeWidth=3, opacity=0.45).encode(
        alt.X("low:Q", title=f"{axis} (log scale)"), alt.X2("high:Q"), alt.Color("gpu:N", **colour)
    )
    filled = alt.FillOpacity("is_filled:O", legend=None, scale=alt.Scale(domain=[False, True], range=[0, 1]))
    dots = base.mark_point(size=110, strokeWidth=2, opacity=1, filled=False).encode(
        x, alt.Stroke("gpu:N", **colour), alt.Fill("gpu:N", **colour), filled
    )
    figures = base.mark_text(align="center", dy=-13).encode(x, text="text:N")
    return alt.layer(reach, dots, figures).properties(width="container", height=alt.Step(52), title=title)


def system_bars(rows: Sequence[Mapping], title: alt.Title, *, axis: str) -> alt.Chart:
    """A bar for each system, its figure in words at the end; in red where it is below zero.

    `rows` have label, gpu, value and text, in the order drawn; `axis` says what the value is, with its unit.
    """
    if not rows:
        return theme.not_measured(title)
    ends = [0.0, *(row["value"] for row in rows)]
    reach = max(ends) - min(ends)
    least = min(ends) - 0.03 * reach * (min(ends) < 0)  # so that no bar touches the names
    room = alt.Scale(domainMin=least, domainMax=max(ends) + 0.35 * reach, nice=False)
    frame = _frame(row | {"at": max(row["value"], 0.0)} for row in rows)
    tips = _tips({"label:N": "Fleet", "text:N": axis})
    y = alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=260))
    base = alt.Chart(frame).encode(y, tooltip=tips)
    colour = alt.condition("datum.value < 0", alt.value(theme.BAD), alt.Color("gpu:N", legend=None,
                           scale=theme.gpu_scale(frame["gpu"].unique(maintain_order=True))))  # fmt: skip
    labels = alt.Axis(format="~s", labelExpr=theme.COUNTS, tickCount=4)
    bars = base.mark_bar().encode(alt.X("value:Q", title=axis, scale=room, axis=labels), color=colour)
    texts = base.mark_text(align="left", dx=6).encode(alt.X("at:Q"), text="text:N")
    return alt.layer(bars, texts).properties(width="container", height=alt.Step(30), title=title)


def cost_bridge(steps: Sequence[Mapping], gpu: str, title: alt.Title) -> alt.Chart:
    """The same machine and the same tokens, priced in one way after another: what each step makes of the cost.

    `steps` have label, usd and idle, the part of it that idle hours cost [USD/Mtok], which is pale.
    """
    if not steps:
        return theme.not_measured(title)
    rows = [
        {"label": step["label"], "part": part, "usd": round(usd, 6), "order": order}
        for step in steps
        for order, (part, usd) in enumerate((("hours used", step["usd"] - step["idle"]), ("idle hours", step["idle"])))
    ]
    most = 1.15 * max(step["usd"] for step in steps)
    y = alt.Y("label:N", sort=None, title=None, axis=alt.Axis(labelLimit=300))
    tips = _tips({"label:N": "Way", "part:N": "Part", "usd:Q": "USD per million tokens"})
    parts = alt.Scale(domain=["hours used", "idle hours"], range=[1, 0.35])
    x = alt.X("usd:Q", title="USD per million tokens", scale=alt.Scale(domainMax=most, nice=False))
    side = alt.Legend(title=None, orient="top")
    bars = alt.Chart(_frame(rows)).mark_bar(color=theme.gpu_colour(gpu)).encode(
        x, y, alt.Opacity("part:O", scale=parts, legend=side), alt.Order("order:Q"), tooltip=tips
    )  # fmt: skip
    ends = alt.Chart(_frame({"label": s["label"], "usd": s["usd"], "text": phrases.money(s["usd"])} for s in steps))
    texts = ends.mark_text(align="left", dx=6).encode(alt.X("usd:Q"), y, text="text:N")
    return alt.layer(bars, texts).properties(width="container", height=alt.Step(34), title=title)


def power_budget(rows: Sequence[Mapping], title: alt.Title) -> alt.Chart:
    """Where the power of a site goes with each fleet: rows with fleet, part, order of the part and mw [MW]."""
    if not rows:
        return theme.not_measured(title)
    parts = list(dict.fromkeys(row["part"] for row in rows))
    shades = [theme.BLACKWELL, "#86b4ec", theme.NEUTRAL, "#d6dade", theme.BAD]
    side = alt.Legend(title=None, columns=len(parts))
    tips = [alt.Tooltip("fleet:N", title="Fleet"), alt.Tooltip("part:N", title="Part"), alt.Tooltip("mw:Q", title="MW")]
    x = alt.X("mw:Q", title="MW", stack="zero", scale=alt.Scale(nice=False))
    y = alt.Y("fleet:N", sort=None, title=None, axis=alt.Axis(labelLimit=260))
    colour = alt.Color("part:N", scale=alt.Scale(domain=parts, range=shades), legend=side)
    bars = alt.Chart(_frame(rows)).mark_bar().encode(x, y, colour, alt.Order("order:Q"), tooltip=tips)
    return bars.properties(width="container", height=alt.Step(34), title=title)


def claim_bars(rows: Sequence[Mapping], title: alt.Title) -> alt.Chart:
    """Claimed ratios against what points say: all pairs in grey, those under the claim's own conditions in blue.

    `rows` have claim, said, by and finding (words), claimed, low, high, stated_low, stated_high (ratios, or None).
    """
    if not rows:
        return theme.not_measured(title)
    numbers = dict.fromkeys(("claimed", "low", "high", "stated_low", "stated_high"), float)
    texts = {"claim": "Claim", "said": "As said", "by": "By", "finding": "Verdict"}
    frame = pl.DataFrame(rows, dict.fromkeys(texts, str) | numbers).with_columns(pl.col(*numbers).round_sig_figs(4))
    frame = frame.unique("claim", keep="first", maintain_order=True)
    log = alt.Scale(type="log", nice=False, padding=15)
    tips = _tips({f"{name}:N": label for name, label in texts.items()} | {"claimed:Q": "Claimed, times"}, ".3~r")
    base = alt.Chart(frame).encode(alt.Y("claim:N", title=None, sort=frame["claim"].to_list()), tooltip=tips)
    x = alt.X("low:Q", title="times as much (log scale)", scale=log)
    whole = base.mark_bar(size=6, color=theme.NEUTRAL, opacity=0.45).encode(x, alt.X2("high:Q"))
    stated = base.transform_filter("isValid(datum.stated_low)").mark_bar(size=13, color=theme.BLACKWELL, opacity=0.7)
    stated = stated.encode(alt.X("stated_low:Q"), alt.X2("stated_high:Q"))
    dot = base.mark_point(shape="diamond", size=90, filled=True, opacity=1, color=theme.BAD).encode(alt.X("claimed:Q"))
    tie = alt.Chart(pl.DataFrame({"ratio": [1.0]})).mark_rule(strokeDash=[4, 3]).encode(x="ratio:Q")
    return alt.layer(tie, whole, stated, dot).properties(width="container", height=alt.Step(30), title=title)
