"""The codebook: `data/README.md`, made from the schema so that the two cannot drift apart.

`python -m tokenfactory.codebook > data/README.md` writes it again.
"""

from tokenfactory.measurements import adapters
from tokenfactory.warehouse import catalogue, files, measured, store
from tokenfactory.warehouse.schema import TABLES, Column, Table

FORMS = {
    "slug": "lower-case letters, digits, `.` and `-`",
    "gpu": "lower-case letters and digits",
    "sha256": "64 digits and letters from a to f",
    "url": "an http or https address",
    "colour": "six hexadecimal digits after `#`",
}
KINDS = {"int": "whole number", "float": "number", "bool": "true or false", "date": "date"}

INTRODUCTION = """\
# Data: what ships, and what every column means

*Made by `python -m tokenfactory.codebook > data/README.md`; the column tables are the schema that every
file is checked against. Change `warehouse/columns.csv`, `warehouse/measured.csv` or `codebook.py`, not this file.*

Small tables of published figures and assumptions, each row with its source. They are facts typed from public pages
on 2026-11-23 and 24, not copies of anybody's files. A page may be older than that day, and may have changed since.
Files that begin with lines of `#` are others' measurements under Apache-2.0, cut down; those lines are their notice.
"""

CONVENTIONS = """\
## Conventions

- UTF-8, comma, one header line (after the notice, where there is one), LF line ends, a point for decimals, no
  thousands separators, ISO dates.
- **An empty cell means that the source does not state it.** It is never zero, and never "no".
- Names end in their unit. A fraction is 0 to 1. `true` and `false` are the only truth values.
- *Total* tokens are input and output together; *output* tokens are generated ones. A figure per GPU counts **all
  deployed GPUs**, prefill and decode, unless its name says `per_decode_gpu`.
- `source_kind` says what was read: `primary` is the owner of the figure, `reprint` a copy of the owner's text,
  `press` somebody writing about it. A figure that exists only as reprint or press is weak evidence.
- `status` says how sure a price or power figure is: `measured`; `published` by the one whose figure it is;
  `estimate` by somebody, or marked temporary by its owner; `guess`.
- A figure met on two pages is kept twice only where the second row says `duplicate_of`: count it once.
- A GPU key means the same GPU in every file, and has a row in `gpus.csv`. What is in
  `hardware.csv` has a specification sheet.

**Two kinds of dates for prices and power.** A figure whose owner says from when on it holds has `effective_from`
(and `effective_to`, the first day it no longer holds). Only these rows answer "the price on a day"; within one
gpu, basis, provider, region and variant they never overlap. A quote that somebody saw has `observed_on`: it is
evidence for that day and for no other, so it never answers such a question.
"""

AFTER = {
    "operating_points": """\
`deepseek-r1` on InferenceX pages is the 0528 checkpoint and is entered as `deepseek-r1-0528`; `glm-5-5.1`,
`minimax-m2.5-m2.7` and `deepseek-v3-r1` are names under which the source pools two releases.

Rows with `evidence` = `interpolated` come from pages that interpolate cost and throughput separately. Where the
curve is steep the two printed figures contradict each other: those rows have `is_cost_consistent` = `false`, and
`note` says by how much. The tolerance is the rounding of both figures plus 2%.
""",
    "price_book": """\
| basis | whose hour |
|---|---|
| `owning_hyperscaler` | cost of owning at hyperscaler volume, SemiAnalysis AI Cloud TCO model as used by InferenceX |
| `owning_neocloud` | the same for a neocloud; InferenceX dropped this tier on 2026-09-07 |
| `owning_estimate` | cost of owning, worked out by somebody else |
| `rental_3yr` | rent under a 3-year commitment, same model |
| `rental_1yr` | rent under a 1-year contract |
| `rental_assumption` | a rent somebody assumed for a calculation of their own |
| `on_demand` | rent by the hour, list price or offer |
| `spot` | rent by the hour, can be taken away |
| `reserved` | reserved capacity: blocks of days, or years with prepayment |
| `market_index` | level of a published rent index |
| `your_quote` | what you pay or were offered; rows of scenario files are `your_quote_` and the file's name |

**How old a price is.** It is known to hold until its end or, while it has none, until `accessed`; a quote on the day it
was seen. One that was last known to hold more than 90 days before the book was last read, or on no known day, is marked
as old where pages list prices. A scheduled report refuses prices that were last known to hold more than 180 days ago.

Costs of owning and rents are different things: never put them into one average. The InferenceX series has
`provider` = `InferenceX TCO` and three epochs: from 2026-03-18 (the first public version of the file), from
2026-07-31, and from 2026-09-08 (rents only). On 2026-07-31 itself unrounded values were live for some hours.
""",
    "power_book": """\
| basis | where the power is taken |
|---|---|
| `allin_utility_provisioned` | all-in provisioned power: GPU, host and network; to 2026-07-13 with the facility |
| `board_tdp` | thermal design power of the GPU alone |
| `board_measured` | mean power of the GPU board during a run, without host and cooling |
| `chassis` | rated power of an 8-GPU server over 8 |
| `critical_it` | IT power of a rack or cluster over its GPUs, without cooling and losses |
| `rack_power_shelves` | installed power supplies of a rack over its GPUs, which is capacity and not consumption |
| `system_measured` | measured power of a whole system, boundary as its author defines it |

The InferenceX series (`provider` = `InferenceX TCO`) was revised on 2026-07-14, two weeks before its prices. The
later figures are lower by 11 to 22% for every GPU but GB300 (1% higher): the older ones are labelled utility
power, and GB300 had simply taken over the figure of GB200. Ratios per MW change with it.
""",
    "workloads": """\
Two questions: how much input real traffic has per output token, and how much of it comes from a cache; and how many
tokens a finished task takes. `input_tok` counts cached input too. Azure's public traces of 2023 are not copied here;
Mooncake's of 2025 is in `trace_requests.csv`.
""",
    "trace_requests": """\
A prompt is cut into blocks of `block_tok` tokens (see `traces.csv`), the last of which may be shorter; a block is the
same as another one where it and all before it are. So each request begins with the first `prefix_blocks` blocks of the
request `prefix_of`, and its other blocks were never seen before. `methods.cache.expand` makes numbers of blocks of
that, `methods.cache.compact` the other way round. Made from Mooncake's file, (c) the Mooncake authors, Apache-2.0.
""",
    "memory_tiers": """\
Bandwidths are per GPU for `dram`, per server of eight GPUs for `remote-dram`, and per drive for `ssd`. That of HBM is
in `hardware.csv`. Prices are those of the memory alone.
""",
    "cache_effects": """\
Measurements of others, on their models and traffic; no two rows of different `setup` may be compared. `before` and
`after` of the two rows `agentx-possible` are the possible and the actual hit rate of one run.
""",
    "claims": """\
The 15 rows with `row` and `cell` are the printed table of NVIDIA's article of April 2026: five rows, each with a
`baseline` (HGX H200), a `subject` (GB300 NVL72) and a `ratio`. `printed` is the figure as it stands there and
`printed_ulp` one unit of its last printed digit, which the rounding audit needs. The article was read as a
reprint; its original address and the picture of the table were not seen. `pflops_per_usd_per_hour` is what that
table calls FLOPS per dollar: PFLOP/s over the price of an hour.
""",
    "site_inputs": """\
| parameter | applies to | what it is |
|---|---|---|
| `pue` | cooling | power usage effectiveness: from IT power to the utility meter |
| `facility_factor` | cooling | what the first InferenceX figures contained of the facility, from their revision |
| `allin_meaning` | all | times this, an InferenceX all-in figure since its revision is critical IT power |
| `load_frac` | all | mean power over provisioned power while serving |
| `planning_headroom_frac` | all | power kept free over the rated draw |
| `liquid_heat_frac` | GPU | share of the heat that leaves by liquid; 0 is an air-cooled server |
| `max_kw_per_rack` | cooling | most IT power that one rack position can be cooled at |
| `kw_per_rack` | GPU | IT power of a rack that is bought whole, as published |
| `nodes_per_rack` | node | most servers that stand in one rack |
| `gco2_per_kwh` | country | greenhouse gas of electricity |
| `l_per_it_kwh` | country | water used at the site for a kWh of IT energy; all: where no row is about the country |
| `idle_load_frac` | all | power of a system that waits, over its provisioned power |
| `unit_availability_frac` | all | share of the time in which a rack or node works |

A factor with `basis` and `to_basis` is the only way from one power basis to another. A `value` between `low` and
`high` is a choice inside a published range unless `note` says otherwise; `guess` marks what has no source of its own.
""",
    "kernels_all_to_all": """\
Three tables of kernels add up to a decode step of DeepSeek-V3 or R1 (`methods/decode.py`). No all-to-all of GB300 was
published: GB200's stands for it, and pages say so. One of B200 or B300 beyond eight GPUs was not published either.
`python tests/tools/reduce_kernels.py` makes these files from their owner's.
""",
    "predictions": """\
A prediction stands from the day it was registered, with a hash of the code and tables that made it, and is never
edited. The view `prediction_scores` holds it against the first measured point of its configuration.
""",
    "tco_inputs": """\
| parameter | what it is |
|---|---|
| `usd_per_system` | price of a server or rack; `hardware.csv` says how many GPUs it has |
| `network_storage_frac` | scale-out network and storage, as a share of the system's price |
| `installation_frac`, `spares_frac` | delivery to acceptance, and spare systems, as a share of the system's price |
| `life_year`, `salvage_frac` | economic life, and what is left at its end as a share of the capital |
| `wacc_frac` | cost of capital a year |
| `colocation_usd_per_kw_year` | rent of a contracted kilowatt of IT power without energy; twelve monthly rents |
| `building_usd_per_kw`, `building_life_year` | a building of one's own in its place; never both |
| `kw_per_gpu` | IT power with host and network |
| `load_frac`, `pue` | power drawn over that power, and facility over IT; the typical rows are in `site_inputs.csv` |
| `usd_per_kwh` | electricity |
| `maintenance_frac` | maintenance and spare parts a year, as a share of the capital |
| `staff_usd_per_gpu_year`, `licence_usd_per_gpu_year` | staff, and software licences |
| `utilisation_frac` | share of the hours in which the rated throughput is sold |
| `lead_year` | time from the payment to the first token |
| `token_price_decline_frac`, `rent_decline_frac` | fall a year of what tokens are sold for, and of rents |
| `software_growth_frac` | growth a year of the throughput of the same hardware |
| `tax_frac` | rate of income tax |

A **profile** is a layer: its rows replace the `typical` ones, and a row about a GPU goes before one about its kind of
cooling, and that before `all`. `hyperscaler` was chosen, inside published ranges, to come near the owning price of
March 2026 for H200 and GB300; it is not the model behind that price. `utilisation-05` to `-85` are scenarios;
`conservative`, `moderate` and `advanced` are the named cases of notebook 12.
""",
    "load_curves": """\
A curve of your own is a file `load/NAME.csv` with the header `time,demand`: the start of each hour, and its mean tokens
per second. Its name is then a `curve_id`. Azure's and Mooncake's traces are summed by the minute here.
""",
    "changes": """\
The change a year is `cashflow.yearly_change_frac`. Tariffs and rents on several days are in `api_prices.csv` and
`price_book.csv` already and are not repeated here.
""",
}

RECIPES = """\
## How to add something

Append a row, save as CSV in UTF-8, run `make data`. A row that breaks a rule is refused with its file, line and
column; nothing is repaired silently.

- **A GPU**: a row in `gpus.csv` with key, name and colour, and one in `hardware.csv` with `is_reference` = `true`.
  Then at least one price with `effective_from` in `price_book.csv` and one power figure in `power_book.csv`; without
  them the question is answered "not measured".
- **A model**: a row in `models.csv`; `aliases` are the keys that it has at sources.
- **A price**: a row in `price_book.csv`. If it replaces an older one of the same series, give the older row an
  `effective_to` equal to the new `effective_from`. Who reads a source again and finds the price unchanged gives
  the row the new day in `accessed`.
- **Your own numbers**: a scenario file with your quotes and inputs of owning. `scenarios/mine.yaml` is a worked
  example: copy it, change it, `make report SCENARIO=` its name. Its prices are the basis `your_quote_` and the name of
  the file, its inputs a profile of that name; nobody else's report reads them.
- **A claim**: a row in `claims.csv` with its own `claim_set`. To audit a printed table, give all its cells one
  `claim_set`, the same `row` within a line, `cell`, `printed` and `printed_ulp`.
- **Measured power or energy**: ingest the benchmark's own file, or a plain CSV with `avg_power_w` (a GPU board) or
  `system_power_w` (at the wall) beside a throughput. A published figure is a row in `power_book.csv` with the basis
  `board_measured` or `system_measured`, `observed_on`, and `model` and `j_per_total_tok` where the source gives them.
- **An operating point**: a row in `operating_points.csv`. Give `isl`, `osl`, the speed per user and the total
  throughput over all deployed GPUs, or the point takes part in no frontier. If only the decode pool's output is
  known, it belongs into `output_tok_per_s_per_decode_gpu`. Leave `is_cost_consistent` empty unless a cost is printed.
"""

LICENCES = """\
## Licences and attribution

The tables hold facts and figures, each cited; no sentence and no file was copied, and rows are re-expressed in the
schema above. They are published under the licence of this repository (Apache-2.0) as far as a compilation of
facts can be licensed. The exceptions are the files with a notice in their first lines: kernels and sizes of models of
NVIDIA aiconfigurator, and acceptance lengths of InferenceX, included under Apache-2.0 (see `NOTICE`).

- Benchmark figures: InferenceX (formerly InferenceMAX) by SemiAnalysis, benchmark code under Apache-2.0; attribution
  to InferenceX is required. Prices and all-in power are published constants of the SemiAnalysis AI Cloud TCO
  model. The repository of its dashboard is under GPL-3.0; values and dates were read there, no code was taken.
- GPU Markets states CC BY 4.0 for its fixings. Other indices and rate cards keep their owners' terms.
- Names of products belong to their owners. Nothing here is an official InferenceX or MLPerf result.
"""

# What was collected and does not ship, by file: row and reason. A careful reader would not rely on these.
LEFT_OUT = {
    "operating_points.csv": {
        "unknown-deepseek-r1-0528-fp4-none-dynamo-trt": "the GPU is shown only in a picture that was not seen",
        "unknown-deepseek-r1-0528-fp4-mtp-dynamo-trt": "the GPU is shown only in a picture that was not seen",
        "gb200-deepseek-r1-0528-fp4-8192in1024out-t11585p2": "the post prints 11,585.2 for GB200 and for GB300; its"
        " own gain of 57% by disaggregation fits GB300 only",
        "gb300-deepseek-r1-nvfp4-sglang-131072in8192out-o226p2": "total or output tokens not stated, which differ"
        " 17-fold at these lengths; its ratio is kept as a claim",
        "gb300-deepseek-r1-fp4-mtp-trt-llm-dynamo": "throughput of a whole submission of unknown size",
        "h200-deepseek-r1-t90": "a printed cell, kept as claims; `inferencex-dsr1-h200-fp8-mtp-dynamo-trt-1k1k-c44` is"
        " the measured point behind it",
        "gb300-deepseek-r1-t6000": "a printed cell, kept as claims;"
        " `inferencex-dsr1-gb300-fp4-mtp-dynamo-trt-1k1k-c1229` is the measured point behind it",
        "h100-llama-3p3-70b-vllm-i30": "read on a copy of a profile page, undated, token scope not stated",
        "mi300x-llama-3p3-70b-vllm-i30": "read on a copy of a profile page, undated, token scope not stated",
        "gb300-unknown-o15277p8": "the model is not named",
        "b200-gpt-oss-120b-fp4-trt-t60000": "token scope not stated; kept as claim `nv-b200-gptoss-60k`",
        "b200-deepseek-v3p2-vllm-2048in512out-t546": "total or output tokens not stated",
        "b200-glm-5-vllm-2048in512out-t267": "total or output tokens not stated",
        "b200-minimax-m2p5-vllm-2048in512out-t2210": "total or output tokens not stated",
    },
    "price_book.csv": {
        "13 rates printed in posts and in a guide for writers": "they repeat the InferenceX constants, undated",
        "h200 1.41 and gb300 2.65, NVIDIA, April 2026": "cells of the audited table, kept as claims",
        "gb300 5.00 and vr200 8.50, market rent of July 2026": "they repeat the 3-year rents of InferenceX",
        "h100 4.916 and h200 5.408, AWS Capacity Blocks": "read on an unofficial mirror; ended in 2024",
        "2.00 to 2.50 for h100 and h200, major clouds, May 2026": "one range for two GPUs, far below every other"
        " source of that month",
        "rtx6000pro 9.99": "a placeholder, live from 2026-07-23 to 26",
    },
    "power_book.csv": {
        "gb200 0.972, rack": "a page gives 70 kW for a rack that all others put at 120 kW and more",
        "b200 2.17, June 2026": "a post repeats the InferenceX constant",
        "rtx6000pro 9.99": "a placeholder, live from 2026-07-23 to 26",
    },
    "hardware.csv": {
        "b300 by itkb.uw.cz": "rounded figures; its FP8 peak (7 PFLOPS dense) contradicts all others",
        "mi355x by svethardware.cz": "an FP4 peak with sparsity that the maker does not claim",
    },
    "api_prices.csv": {"gpt-oss-120b at Baseten": "a speed without a price"},
    "tco_inputs.csv": {
        "usd_per_system of vr200, 7,803,148 by Morgan Stanley": "no specification sheet and no kind of cooling",
        "usd_per_kwh of the European Union, 0.1902 EUR": "in euro; there is no table of exchange rates",
        "liquid-cooling parts of a GB300 rack, 49,860": "part of the price of the rack",
        "400G network endpoint, 4,390": "one part of `network_storage_frac`",
        "a whole site at 45 to 55 billion USD a GW": "systems and building together; counted twice beside them",
    },
}


PLAIN_CSV = """\
hardware,model,framework,precision,num_gpu,isl_tok,osl_tok,conc,total_tok_per_s,output_tok_per_s,median_tpot_s,date
h200,deepseek-r1-0528,sglang,fp8,8,8192,1024,64,6815.2,757.2,0.04016,2026-05-20
"""

MEASUREMENTS = """\
## Measurements: files you have, and what becomes of them

`tokenfactory ingest PATH...` reads files, folders and zips into a snapshot, a folder under `data/snapshots/` that is
not tracked and whose tables never change; `tokenfactory pull MODEL...` does the same with answers of the public
InferenceX API. The snapshot made or asked for last is the one in use: a model that it has measured is read from
there alone, any other from `operating_points.csv`. `tokenfactory doctor FILE` says beforehand what would be read,
repaired and excluded. A row that cannot be used stands in `excluded_rows` with its file, index and field; rows read
= points + repeats merged + rows of other tables + excluded.

Facts in a folder hold below it, the nearest word first, from the folder above what was named. Rows of one's own that
repeat one setting on one day are one point, their median, with its spread. An open loop (a rate, a ramp, all at once)
is of the kind `other`, whatever is added. An ingest without a single point makes no snapshot.

A format is told by what a file holds, never by its name:

{formats}

Load-test tools see a deployment from outside and do not know its hardware. What rows do not state may stand in a
file `token-factory.yaml` beside them, as lines `field: value`; what a row states goes before it. Fields: {facts}.

### The plain CSV template

For measurements of any other tool: a CSV file whose header names fields. A row needs `hardware`, `model`, `num_gpu`, a
throughput and, for requests of fixed lengths, `isl_tok`, `osl_tok` and `conc`. `total_tok_per_s` and its parts are
of the whole deployment, the fields in `..._per_gpu` are per GPU (see `rate_scope`). An empty cell is not stated; a
column that is no field is refused, so that a misspelt one is seen. The smallest useful file:

```csv
{plain_csv}```

| field | type | unit | meaning |
|---|---|---|---|
{fields}

### What was repaired

`repairs` of a point lists what was done to it, by these codes:

| code | meaning |
|---|---|
{repairs}

### Which points are the latest

`as_of` is the day that counts as today.

| ask for | and get |
|---|---|
{latest}
"""


def render() -> str:
    """The text of `data/README.md`."""
    parts = [
        INTRODUCTION,
        _files(),
        CONVENTIONS,
        *(_section(table) for table in TABLES.values()),
        _views(),
        RECIPES,
        *_measurements(),
        _left_out(),
        LICENCES,
    ]
    return "\n".join(parts)


def _measurements() -> list[str]:
    """The tables of a snapshot, what they are made from, and how."""
    modules = [f"| `{m.NAME}` | {_first_paragraph(m.__doc__)} | {m.SOURCE} |" for m in adapters.modules()]
    macros = [(macro.stem, macro.read_text()) for macro in sorted((files.SQL / "latest").glob("*.sql"))]
    text = MEASUREMENTS.format(
        formats="\n".join(["| adapter | it reads | source |", "|---|---|---|", *modules]),
        facts=", ".join(f"`{name}`" for name in measured.FACTS),
        plain_csv=PLAIN_CSV,
        fields=_columns(measured.FIELDS.values()),
        repairs="\n".join(f"| `{code}` | {meaning} |" for code, meaning in measured.REPAIRS.items()),
        latest="\n".join(f"| `{name}(as_of := ...)` | {catalogue.header(sql)} |" for name, sql in macros),
    )
    return [text, *(_measured_section(name, table) for name, table in measured.TABLES.items())]


def _measured_section(name: str, table: measured.Table) -> str:
    description = table.description[:1].upper() + table.description[1:]
    head = [f"### {name}", "", f"{description}. One row is {table.grain}.", ""]
    head += ["| column | type | unit | meaning |", "|---|---|---|---|"]
    return "\n".join([*head, _columns(table.columns), ""])


def _columns(columns) -> str:
    words = {"VARCHAR": "text", "BIGINT": "whole number", "DOUBLE": "number", "BOOLEAN": "true or false"}
    words |= {"DATE": "date", "VARCHAR[]": "list of texts"}
    return "\n".join(f"| `{c.name}` | {words[c.type]} | {c.unit} | {c.meaning} |" for c in columns)


def _first_paragraph(text: str) -> str:
    return " ".join(text.split("\n\n")[0].split())


VIEWS = """\
## Views and macros

What notebooks ask. `db.tables()` lists them, `db.describe("points")` explains the columns; the examples can be pasted
into `tokenfactory sql` or the duckdb shell.

| view or macro | meaning | example |
|---|---|---|
{rows}
"""


def _views() -> str:
    sqls = [(files.SQL / f"{name}.sql").read_text() for name in sorted(store.VIEWS)]
    rows = [f"| `{catalogue.name_of(s)}` | {catalogue.header(s)} | `{catalogue.example(s)}` |" for s in sqls]
    return VIEWS.format(rows="\n".join(rows))


def _files() -> str:
    rows = [f"| [`{t.file}`](#{t.name}) | {t.description} | {t.grain} |" for t in TABLES.values()]
    return "\n".join(["| file | it says | one row is |", "|---|---|---|", *rows, ""])


def _section(table: Table) -> str:
    rows = [
        f"| `{c.name}` | {KINDS.get(c.kind, 'text')} | {c.unit} | {_allowed(c)} | {c.meaning} |"
        for c in table.columns.values()
    ]
    head = [
        f"## {table.name}",
        "",
        f"`{table.file}`: {table.description}. One row is {table.grain}. Key: `{', '.join(table.key)}`.",
        "",
        "| column | type | unit | allowed | meaning |",
        "|---|---|---|---|---|",
    ]
    after = ["", AFTER[table.name].rstrip()] if table.name in AFTER else []
    return "\n".join([*head, *rows, *after, ""])


def _allowed(column: Column) -> str:
    """Vocabulary, form or range, and whether the cell may be empty."""
    said = [f"`{value}`" for value in column.values]
    said += [FORMS[column.kind]] if column.kind in FORMS else []
    said += [f"{sign.replace('>=', '≥').replace('<=', '≤')} {limit}" for sign, limit in column.bounds]
    return ", ".join(said) + ("" if column.is_required else "; may be empty" if said else "may be empty")


def _left_out() -> str:
    rows = [f"| `{file}` | {row} | {reason} |" for file, rows in LEFT_OUT.items() for row, reason in rows.items()]
    head = ["## What was left out, and why", "", "| file | row | reason |", "|---|---|---|"]
    return "\n".join([*head, *rows, ""])


if __name__ == "__main__":
    print(render(), end="")
