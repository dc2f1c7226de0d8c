"""Two small executed notebooks with everything a report may have to show, and some that tries to break out of it."""

import json
from pathlib import Path

import altair as alt
import nbformat.v4 as nb
import polars as pl

from reportkit import index, page, plan, provenance, reports
from reportkit.source import Frame
from tokenfactory import warehouse
from tokenfactory.display import show, theme
from tokenfactory.display.show import Column, Headline, Link, number, usd
from tokenfactory.source import SOURCE
from tokenfactory.warehouse import files

HOSTILE = "<script>document.title='owned'</script><img src=x onerror=\"document.title='owned'\">\u2028</script>"

PARAMETERS = """
subject: str = "gb300"  # [gpu] the system to judge
price_date: str = "2026-04-15"  # [date] day whose prices are used
utilisation_frac: float = 0.6  # [frac] share of the hours that are sold
"""


def code(*outputs, source="rows", tags=()):
    """An executed cell that showed `outputs`: objects of `show`, charts, or outputs ready made.

    By default it depends on the query that the answer asked.
    """
    made = [
        o
        if isinstance(o, dict)
        else nb.new_output("execute_result", o._repr_mimebundle_(None, None), execution_count=1)
        for o in outputs
    ]
    return nb.new_code_cell(source, execution_count=1, outputs=made, metadata={"tags": list(tags)})


def displayed(**data):
    return nb.new_output("display_data", {mime.replace("_", "/"): content for mime, content in data.items()})


def charts() -> dict[str, alt.TopLevelMixin]:
    """One chart of each kind that notebooks draw."""
    gpus = ["h200", "b200", "gb300"]
    speeds = [20, 40, 60, 80, 100, 120]
    curve = pl.DataFrame(
        [
            {"gpu": gpu, "speed": speed, "cost": round((1.2 + 0.018 * speed) ** 2 / scale, 3), "is": kind}
            for gpu, scale in zip(gpus, (1.5, 6, 22), strict=True)
            for speed in speeds
            for kind in ["measured" if speed % 40 else "interpolated by the source"]
        ]
    )
    colour = alt.Color("gpu:N", title=None, scale=theme.gpu_scale(gpus))
    base = alt.Chart(curve).encode(
        x=alt.X("speed:Q", title="tok/s per user"),
        y=alt.Y("cost:Q", title="USD per million tokens (log scale)", scale=alt.Scale(type="log")),
        color=colour,
    )
    lines = base.mark_line() + base.mark_point().encode(
        shape=alt.Shape("gpu:N", title=None, scale=alt.Scale(domain=gpus)),
        fillOpacity=alt.FillOpacity(
            "is:O", title=None, scale=alt.Scale(domain=["measured", "interpolated by the source"], range=[1, 0])
        ),
        tooltip=["gpu:N", "speed:Q", "cost:Q"],
    )
    parts = pl.DataFrame(
        {
            "part": ["Servers and networking, of which a fifth is networking", "Electricity", "Data centre", "Staff"],
            "usd": [0.061, 0.014, 0.022, 0.009],
            "is": ["bought at list price, as everybody says", "metered", "metered", "assumed without a source"],
            "text": ["$0.061, nearly two thirds", "$0.014", "$0.022", "$0.009"],
        }
    )
    # The longest bar has a long text at its end, labels and legend are long too, and rows have a fixed height.
    x = alt.X("usd:Q", title="USD per million tokens", scale=alt.Scale(nice=False))
    bars = alt.Chart(parts).encode(x=x, y=alt.Y("part:N", sort=None, title=None))
    legend = alt.Color("is:N", title=None, legend=alt.Legend(orient="right", columns=1))
    bars = bars.mark_bar().encode(color=legend) + bars.mark_text(align="left", dx=5).encode(text="text:N")
    cells = pl.DataFrame(
        [
            {"price": p, "use": u, "ratio": round(40 * p / (3 * u), 1)}
            for p in (2, 3, 4, 5)
            for u in (0.4, 0.6, 0.8, 1.0)
        ]
    )
    grid = alt.Chart(cells).encode(
        x=alt.X("price:O", title="USD per GPU-hour"), y=alt.Y("use:O", title="share of hours sold")
    )
    heat = grid.mark_rect().encode(color=alt.Color("ratio:Q", title="times cheaper")) + grid.mark_text(
        color="#111"
    ).encode(text="ratio:Q")
    many = alt.Chart(pl.DataFrame({"watts": [i / 2 for i in range(300)], "tok": [(i * 37) % 101 for i in range(300)]}))
    dots = many.mark_point(color=theme.HOPPER).encode(x="watts:Q", y="tok:Q", tooltip=["watts:Q", "tok:Q"])
    hostile = alt.Chart(pl.DataFrame({"name": [HOSTILE, "plain"], "x": [1, 2]})).mark_bar().encode(
        x=alt.X("x:Q", title=HOSTILE), y=alt.Y("name:N", title=None), tooltip=["name:N"]
    )  # fmt: skip
    fill = {"width": "container"}
    return {
        "layered": lines.properties(
            **fill,
            height=320,
            title=alt.Title(
                "Blackwell serves fast users at a tenth of Hopper's cost, and the gap widens with speed",
                subtitle="Hollow points were interpolated by the source. Prices of April 2026, fully used",
            ),
        ),
        "bar": bars.properties(**fill, height=alt.Step(40), title="Servers are most of the cost of a token"),
        "heat map": heat.properties(**fill, height=260, title="The ratio at your price and utilisation"),
        "point": dots.properties(**fill, height=260, title="Three hundred operating points"),
        "hostile": hostile.properties(**fill, height=120, title=HOSTILE),
    }


def numbered(cells):
    """A notebook whose cells are named by their place and count as executed in their order."""
    for place, cell in enumerate(cells, 1):
        cell["id"] = f"c{place:02}"
        if cell.cell_type == "code":
            cell["execution_count"] = place
    return nb.new_notebook(cells=cells)


def notebook():
    """The notebook with everything."""
    rows = [
        {"gpu": "HGX H200", "usd": 1.7312, "tok": 512.3, "mw": 295_900.0, "day": "2026-04-15", "source": None},
        {"gpu": "GB300 NVL72", "usd": 0.04951, "tok": 30_112.0, "mw": None, "day": "2026-04-15",
         "source": Link("example.org", "https://example.org/a?b=1&c=2")},
        {"gpu": HOSTILE, "usd": None, "tok": 1.0, "mw": 2.0, "day": "never",
         "source": Link("bad", "javascript:alert(1)")},
    ]  # fmt: skip
    columns = {
        "gpu": "System",
        "usd": Column("Cost of a million tokens", usd),
        "tok": Column("Tokens per second and GPU", number),
        "mw": Column("Tokens per second and megawatt", number),
        "day": "In force from",
        "source": Column("Source", missing="none stated"),
    }
    tiles = [
        Headline(
            "cost_ratio",
            "GB300 cheaper per token",
            35.02,
            "1",
            "35.0x",
            "at 117 tok/s per user",
            ("derived", "assumed"),
        ),
        Headline("usd_per_mtok", "A million tokens on GB300", 0.04951, "usd/mtok", "$0.0495", "owning hyperscaler"),
        Headline("per_mw", "Tokens per megawatt", None, "1", "not measured", HOSTILE),
        Headline("fourth", "A fourth number", 4.0, "1", "4.0", ""),
    ]
    shown = [code(chart, tags=["chart"]) for chart in charts().values()]
    return numbered(
        [
            nb.new_markdown_cell(
                "# What does a million tokens cost, and at what speed?\n\n"
                "**For** whoever must decide what to rent.\n\n"
                "* A ratio holds at **one speed per user**.\n* Prices differ."
            ),
            code(source=PARAMETERS, tags=["parameters"]),
            code(source="# Parameters\nutilisation_frac = 0.75\n", tags=["injected-parameters"]),
            code(displayed(text_plain="SETUP OUTPUT"), source="import secret_setup_code", tags=["setup"]),
            code(
                show.answer(
                    [
                        "At 117 tok/s per user a million tokens cost **$0.0495 on GB300 and $1.73 on H200: "
                        "35.0x cheaper**.",
                        "Over 14 equally fast published pairs, GB300 is between **4.1x and 63.6x cheaper**.",
                        show.flip(f"It flips when {HOSTILE} & more."),
                    ]
                ),
                source="rows = db.query('visible_code_is_a_defect')\nrows",
                tags=["answer"],
            ),
            code(show.headlines(tiles), tags=["answer"]),
            code(show.table(rows, columns, "What the systems cost", note="Prices of **April 2026**."), tags=["table"]),
            shown[0],
            nb.new_markdown_cell(
                "## How it is computed\n\n"
                "The cost $c$ of a million tokens follows from the price $p$ and throughput $t$:\n\n"
                r"$$c = \frac{p \cdot 10^6}{3600\, t}, \qquad t > 0, \qquad \frac{\partial \ln c}{\partial \ln p} = 1, "
                r"\qquad \frac{\partial \ln c}{\partial \ln t} = -1$$" + "\n\nSee [the other](02_other.ipynb) and "
                "[a source](https://example.org).\n\n| Letter | Meaning |\n|---|--:|\n| $p$ | 2.5 |\n"
            ),
            *shown[1:],
            code(show.note([f"Recomputed: largest difference **$0.005**. {HOSTILE}"]), tags=["check"]),
            code(
                displayed(text_html=HOSTILE, text_plain=HOSTILE), nb.new_output("stream", name="stdout", text=HOSTILE)
            ),
            code(displayed(text_plain="HIDDEN OUTPUT"), tags=["hide"]),
            nb.new_markdown_cell(f"# A second heading of the first level\n\nRaw {HOSTILE} in text, `a < b`."),
            code(
                show.provenance(
                    [{"table": "price_book", "num_rows": 12, "sources": 3, "dates": "2026-04-15", "sha256": "ab12cd34"}]
                ),
                tags=["provenance"],
            ),
        ]
    )


def other():
    """A notebook with nothing but text: no chart, no answer, no parameters."""
    return numbered([nb.new_markdown_cell("# How sure are we?\n\nNothing is measured yet.")])


NOTEBOOKS = {"01_sample": notebook, "02_other": other}
PAGES = ["index.html", "summary.html", *(f"{name}.html" for name in NOTEBOOKS)]


TRACE = [
    '{"sql": "SELECT price_id, usd_per_gpu_hour FROM price_book WHERE gpu = $gpu ORDER BY price_id", '
    '"params": {"gpu": "gb300"}, "result": "abc", "cell": 5, "line": 1}'
]
TITLE = "GB300 NVL72 against HGX H200"


def frame(pages=(), title=TITLE, made_on="2026-04-05"):
    return Frame(SOURCE.suite, title, made_on, pages)


def parameters(made) -> dict:
    """The parameters in force in a sample notebook, as a job tells them."""
    of = {tag: cell.source for cell in made.cells for tag in cell.metadata.get("tags", ())}
    known = plan.parse_parameters(of.get("parameters", ""), "", SOURCE.kinds)
    given = {"utilisation_frac": 0.75} if "injected-parameters" in of else {}
    return plan.Job(plan.Notebook(Path(), "", {}, known), "default", given).told


def make_ledger(made, name):
    """The ledger of a sample notebook; its answer asked for prices."""
    about = {"source": SOURCE, "built": warehouse.build(), "files": files.hashes(), "library": "0123456789abcdef"}
    about |= {"parameters": parameters(made)}
    return provenance.make(made, name=name, trace=TRACE if name == "01_sample" else [], **about)


def write_site(folder: Path) -> Path:
    """Make the pages of the sample notebooks, what stands beside them, their index and their summary."""
    notebooks = {name: make() for name, make in NOTEBOOKS.items()}
    pages = [{"href": f"{name}.html", "title": page.title(made)} for name, made in notebooks.items()]
    about = frame(pages)
    entries, texts = [], {}
    for name, made in notebooks.items():
        kept = make_ledger(made, name)
        place = reports.place("provenance", name)
        (folder / place).write_text(json.dumps(kept))
        for href, rows in page.data_files(made, name).items():
            (folder / href).parent.mkdir(exist_ok=True)
            (folder / href).write_text(rows)
        downloads = [{"href": place, "title": reports.DOWNLOADS["provenance"]}]
        more = {"ledger": kept, "downloads": downloads, "parameters": parameters(made)}
        texts[f"{name}.html"] = page.export(made, about, name=name, **more)
        entries.append(index.entry(made, name, kept))
    scenarios = [{"href": "swapped/index.html", "title": "The other way round", "description": "Takes no side."}]
    texts["index.html"] = index.index(about, entries, scenarios=scenarios)
    texts["summary.html"] = index.summary(about, entries)
    for name, text in texts.items():
        text = index.with_scenarios(text, title=TITLE, here=name, links=scenarios)
        (folder / name).write_text(text, encoding="utf-8")
    return folder
