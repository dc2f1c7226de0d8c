"""Questions of the command line: fetch the rows, ask the methods, say the answer as text or as data for a program."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import date
from weakref import WeakKeyDictionary

from tokenfactory.display import phrases, show
from tokenfactory.display.show import between, number, times, usd, words
from tokenfactory.errors import NotMeasuredError, check_known
from tokenfactory.methods import claims, serving

OWNER = "InferenceX TCO"  # prices and powers of one owner, so that systems stand on one footing

_PRICES = """
    SELECT gpu, basis, usd_per_gpu_hour, effective_from, effective_to FROM price_book
    WHERE provider = $owner AND variant IS NULL AND effective_from IS NOT NULL ORDER BY price_id"""
_POWERS = """
    SELECT gpu, basis, kw_per_gpu, effective_from, effective_to FROM power_book
    WHERE provider = $owner AND effective_from IS NOT NULL ORDER BY power_id"""

# What `models` lists
MODELS = """SELECT model, isl || '/' || osl AS lengths, string_agg(DISTINCT gpu, ' ' ORDER BY gpu) AS gpus,
                   count(*) AS num_points, min(interactivity_tok_per_s_per_user) AS slowest,
                   max(interactivity_tok_per_s_per_user) AS fastest, max(as_of) AS newest
            FROM points GROUP BY model, isl, osl ORDER BY model, isl, osl"""
ONE_MODEL = """SELECT gpu, isl || '/' || osl AS lengths, precision || ', ' || spec_decoding AS format,
                      count(*) AS num_points, min(interactivity_tok_per_s_per_user) AS slowest,
                      max(interactivity_tok_per_s_per_user) AS fastest, max(as_of) AS newest
               FROM points WHERE model = $model GROUP BY gpu, isl, osl, format ORDER BY gpu, isl, osl, format"""

MODEL_COLUMNS = {
    "model": ("Model", False), "gpu": ("GPU", False), "lengths": ("Input/output tokens", False),
    "format": ("Format, speculation", False), "gpus": ("GPUs", False), "num_points": ("Points", True),
    "slowest": ("tok/s per user, from", True), "fastest": ("to", True), "newest": ("Newest", False),
}  # fmt: skip


def _rows(warehouse, sql: str, **parameters) -> list[dict]:
    return warehouse.query(sql, **parameters).rows(named=True)


# What a million tokens costs at equal speed


def compare(warehouse, *, model: str, isl: int, osl: int, speeds: Sequence[float], gpus=None, on: date) -> dict:
    """The equal-speed table at owning prices and all-in power in force on a day, as data for a program."""
    check_known("model", [model], warehouse.vocabulary("model"))
    check_known("gpu", gpus or (), warehouse.vocabulary("gpu"))
    prices = warehouse.prices(basis="owning_hyperscaler", on=on)
    powers = warehouse.powers(basis="allin_utility_provisioned", on=on)
    day = "SELECT max(effective_from) AS day FROM price_on($on) WHERE provider = $owner AND basis = $basis"
    priced_from = warehouse.query(day, owner=OWNER, on=on, basis="owning_hyperscaler")["day"][0]
    points = warehouse.points()
    lengths = _lengths_of(points, model)
    if (isl, osl) not in lengths:
        known = [f"{i}/{o}" for i, o in lengths]
        paste = _command(model, *next(iter(lengths), (isl, osl)), speeds[0])
        raise NotMeasuredError(
            f"no point of {model} at {isl}/{osl} tokens; lengths with points: {', '.join(known) or 'none'}; try {paste}"
        )
    curves = serving.Curves.of(points, model=model, isl=isl, osl=osl)
    rows = serving.table(
        curves, speeds, gpus or curves.gpus, usd_per_gpu_hour=prices, kw_per_gpu=powers, isl=isl, osl=osl
    )
    return {
        "model": model, "isl": isl, "osl": osl, "token_scope": "total", "prices_on": str(on),
        "prices_from": priced_from and str(priced_from), "price_age_day": priced_from and (on - priced_from).days,
        "price_owners": {row["gpu"]: prices.by[row["gpu"]] for row in rows if row["gpu"] in prices},
        "price_basis": "owning_hyperscaler", "power_basis": "allin_utility_provisioned", "band": "90%",
        "rows": [_plain(row) for row in rows],
        "other_lengths": [
            {"isl": i, "osl": o, "gpus": found} for (i, o), found in lengths.items() if (i, o) != (isl, osl)
        ],
    }  # fmt: skip


OLD_PRICE_DAY = 90  # as in the warehouse's price_ages


def _lengths_of(points: Sequence[Mapping], model: str) -> dict[tuple[int, int], list[str]]:
    """The lengths at which a model has points, and the GPUs that have them."""
    found: dict = {}
    for row in points:
        if row["model"] == model:
            found.setdefault((row["isl"], row["osl"]), set()).add(row["gpu"])
    return {lengths: sorted(found[lengths]) for lengths in sorted(found)}


def _command(model: str, isl: int, osl: int, speed: float, gpu: str | None = None) -> str:
    command = f"tokenfactory compare --model {model} --isl {isl} --osl {osl} --at {speed:g}"
    return command + (f" --gpu {gpu}" if gpu else "")


def _plain(row: Mapping) -> dict:
    """A row of the table as plain values."""
    reading = {"nearest": row["nearest"], "at_least": row["at_least"]}
    named = {"configuration": row["configuration"] and str(row["configuration"])}
    named["source_page"] = (row["configuration"] and row["configuration"].page) or None
    for name, one in reading.items():
        named |= {name: one and str(one.configuration), f"{name}_speed": one and one.speed}
    kept = {name: value for name, value in row.items() if name != "answer"}
    return {name: None if value != value else value for name, value in {**kept, **named}.items()}


def compare_text(answer: Mapping) -> list[str]:
    """The same as a table, and sentences: faster and cheaper, not measured and what is, the age of the prices."""
    costs = phrases.apart(*(row["usd_per_mtok"] for row in answer["rows"]), render=phrases.cell)
    bands = [_band(row["usd_per_mtok_low"], row["usd_per_mtok_high"]) for row in answer["rows"]]
    rows = [{**row, "cost": c, "cost_band": b} for row, c, b in zip(answer["rows"], costs, bands, strict=True)]
    columns = {
        "speed": show.Column("tok/s per user", "{:g}".format, is_number=True),
        "gpu": show.Column("GPU", str.upper),
        "cost": show.Column("USD per Mtok", is_number=True),
        "cost_band": show.Column("90% band", missing=""),
        "tput": show.Column("tok/s per GPU", number),
        "tok_per_s_per_mw": show.Column("tok/s per MW", number),
        "num_gpu_per_1000_users": show.Column("GPUs per 1,000 users", number),
        "how": "How known",
        "configuration": show.Column("Serving configuration", missing=""),
    }
    lengths = f"{answer['isl']}/{answer['osl']}"
    caption = f"{answer['model']}, {lengths} tokens, total tokens, owning price of {answer['prices_on']}"
    lines = [show.table(rows, columns, caption)._repr_mimebundle_()["text/plain"]]
    for row in rows:
        if row["at_least_speed"] and row["at_least_speed"] > row["speed"] and row["usd_per_mtok_at_least"]:
            lines.append(
                f"{row['gpu'].upper()} at {row['speed']:g} or faster: {usd(row['usd_per_mtok_at_least'])} at "
                f"{row['at_least_speed']:g} tok/s per user ({row['at_least']})"
            )
        if row["why_not"]:
            asked = answer["model"], answer["isl"], answer["osl"]
            paste = f": {_command(*asked, row['nearest_speed'], row['gpu'])}" if row["nearest"] else ""
            lines.append(f"{row['why_not']}{paste}")
    if any(row["why_not"] for row in rows):
        lines += [
            f"Other lengths: {_command(answer['model'], one['isl'], one['osl'], rows[0]['speed'])} has points of "
            f"{', '.join(map(str.upper, one['gpus']))}"
            for one in answer["other_lengths"]
        ]
    lines += [line.replace("**", "") for line in phrases.owners(answer["price_owners"], answer["price_owners"])]
    if answer["price_age_day"] and answer["price_age_day"] > OLD_PRICE_DAY:
        lines.append(
            f"The newest of these prices is of {answer['prices_from']}, {answer['price_age_day']} days before the day "
            "asked for: it may no longer hold"
        )
    return lines


def _band(low: float | None, high: float | None) -> str | None:
    return None if low is None or high is None else " to ".join(phrases.apart(low, high, render=phrases.cell))


# Claims


def audit(warehouse, claim: str) -> claims.SetAudit:
    """Everything there is to say of a claim set, or of one claim and the set that it was printed in."""
    sets = dict(warehouse.query("SELECT claim_id, claim_set FROM claims ORDER BY claim_id").rows())
    check_known("claim", [claim], {*sets.values(), *sets})
    if claim in sets.values():
        return _audit_of_set(warehouse, claim)
    found = _audit_of_set(warehouse, sets[claim])
    return replace(found, verdicts=[pair for pair in found.verdicts if pair[0]["claim_id"] == claim])


# What claims are held against, by warehouse: a notebook asks for every set, and learning from the points takes longest.
_EVIDENCE: WeakKeyDictionary = WeakKeyDictionary()


def _evidence(warehouse) -> dict:
    points = warehouse.points()
    printed = _rows(
        warehouse,
        """SELECT point_id, gpu, model, total_tok_per_s_per_gpu, interactivity_tok_per_s_per_user, isl, osl, precision,
                  spec_decoding, evidence, source_url FROM operating_points ORDER BY point_id""",
    )
    generations = warehouse.query("SELECT gpu, generation FROM hardware WHERE is_reference ORDER BY gpu").rows()
    published = (*printed, *(row for row in points if row["origin"] != "published"))
    return {
        "points": points,
        "published": sorted(published, key=lambda row: row["point_id"]),
        "specs": _rows(warehouse, "SELECT gpu, spec, value FROM hardware_specs ORDER BY gpu, spec"),
        "gpus_of": claims.gpus_by_name(generations),
        "prices": claims.tiers(_rows(warehouse, _PRICES, owner=OWNER), "usd_per_gpu_hour"),
        "powers": claims.tiers(_rows(warehouse, _POWERS, owner=OWNER), "kw_per_gpu"),
        "learned": serving.learn_bands(points),
    }


def _audit_of_set(warehouse, claim_set: str) -> claims.SetAudit:
    of_set = _rows(
        warehouse,
        """SELECT claim_id, claim_set, row, cell, claimant, date, statement_short, metric, subject, baseline,
                  model, printed, printed_ulp, value, value_low, value_high, unit, conditions, source_kind, source_url
           FROM claims WHERE claim_set = $claim_set ORDER BY claim_id""",
        claim_set=claim_set,
    )
    if warehouse not in _EVIDENCE:
        _EVIDENCE[warehouse] = _evidence(warehouse)
    return claims.audit_set(of_set, **_EVIDENCE[warehouse])


# Where a claim was read: whoever has it from the press alone has not checked that it was said.
_READ = {
    "primary": "read at its owner's", "reprint": "unchecked, read in a copy alone",
    "press": "unchecked, known from the press alone",
}  # fmt: skip


def audit_text(found: claims.SetAudit) -> list[str]:
    """The audit in sentences, one a line."""
    lines = _table_lines(found) if found.table else []
    for claim, verdict in found.verdicts:
        figure = claim["printed"] or _figure(claim)
        lines.append(f"{claim['claim_id']}: {claim['statement_short']} ({figure})")
        lines.append(f"  {_READ[claim['source_kind']]}: {claim['source_url']}")
        lines.append(f"  understood: {verdict.claim}")
        lines.append(f"  {verdict.finding}: {verdict.reason}")
        if verdict.stated:
            lines.append(f"  under its conditions the points say {_span(verdict.stated[0], verdict.stated[-1])}")
        if verdict.grid:
            low, middle, high = verdict.grid
            lines.append(
                f"  over {verdict.num_cells} places of the grid: lowest {times(low.ratio)}, median "
                f"{times(middle.ratio)}, highest {times(high.ratio)}; below 1 at {verdict.num_below_1}"
            )
            lines += [f"  lowest: {low.where}", f"  highest: {high.where}"]
        if verdict.flips:
            lines.append(f"  below 1 only with: {'; '.join(verdict.flips)}")
    lines.append(f"Not disclosed: {', '.join(found.undisclosed) or 'nothing that was looked for'}")
    return lines


def _figure(claim: Mapping) -> str:
    if claim["value"] is not None:
        return times(claim["value"]) if claim["unit"] == "x" else f"{claim['value']:g} {words(claim['unit'])}"
    if claim["value_high"] is None:
        return "no figure"
    low = f"{times(claim['value_low'])} to " if claim["value_low"] is not None else "up to "
    return low + times(claim["value_high"])


def _span(low: claims.Cell, high: claims.Cell) -> str:
    return times(low.ratio) if low == high else between(low.ratio, high.ratio, times)


def _table_lines(found: claims.SetAudit) -> list[str]:
    table = found.table
    names = {"subject": table.subject.upper(), "baseline": table.baseline.upper()}
    lines = [f"A printed table of {len(table.cells)} cells: {names['subject']} against {names['baseline']}"]
    for what, constants, unit in (("price", table.price, "USD per GPU-hour"), ("power", table.power, "kW per GPU")):
        lines.append(
            f"  {what}: {constants.name} ({names['subject']} {constants.subject:g}, {names['baseline']} "
            f"{constants.baseline:g} {unit})"
            if constants
            else f"  {what}: no published figures explain it"
        )
    for column, name in names.items():
        allowed = table.throughput[column]
        if odd := table.odd[column]:
            cells = f"{odd[0]} does not fit" if len(odd) == 1 else f"{', '.join(odd)} do not fit each other or"
            lines.append(f"  {name} contradicts itself: {cells} the other cells")
            lines += [f"    {cell}: {_tok(interval)}" for cell, interval in allowed.items() if cell != "all"]
        else:
            lines.append(f"  {name}: one throughput gives every value cell, {_tok(allowed['all'])}")
            lines += [
                f"    inside it: {row['point_id']}, {row[serving.TPUT]:g} tok/s per GPU"
                for row in found.matches[column]
            ]
    for row, value in table.from_printed.items():
        if row not in table.ratios:
            printed = table.cells[row, "ratio"].text
            lines.append(f"  {row}: printed {printed}, the printed values give {times(value, 3)}: "
                         f"{table.printed_verdicts[row]}")  # fmt: skip
    for row, interval in table.ratios.items():
        ratio = _interval(interval)
        printed = table.cells[row, "ratio"].text if (row, "ratio") in table.cells else "not printed"
        verdict = table.verdicts.get(row, "")
        as_printed = (
            f", {times(table.from_printed[row], 4)} from the printed values" if row in table.from_printed else ""
        )
        lines.append(f"  {row}: printed {printed}{as_printed}, the unrounded values allow {ratio}: {verdict}")
    for convention, interval in table.conventions.items():
        lines.append(f"  all ratios follow at once if {convention}, with a throughput ratio of {_interval(interval)}")
    if table.ratios and not table.conventions and not any(table.odd.values()):
        lines.append("  under no common rounding do all ratios follow at once")
    for row, of in table.elsewhere.items():
        if of:
            ends = min(of, key=lambda name: of[name].low), max(of, key=lambda name: of[name].high)
            spans = " to ".join(f"{_interval(of[name])} ({name})" for name in dict.fromkeys(ends))
            lines.append(f"  {row}: the same throughputs with every published {_BEHIND[row]} give {spans}")
    lines += [f"  FLOPS per dollar: {e.name}, {e.how}: {e.subject:.4g} and {e.baseline:.4g}" for e in table.flops]
    if found.alike:
        alike = ", ".join(f"{times(ratio)} {name}" for name, ratio in found.alike.items())
        lines.append(f"  FLOPS per dollar, like for like: {alike}")
    return lines


_BEHIND = {"cost": "price", "mw": "power"}


def _tok(interval) -> str:
    return f"{between(interval.low, interval.high, show.digits(6))} tok/s per GPU"


def _interval(interval) -> str:
    return times(interval.low) if interval.low == interval.high else between(interval.low, interval.high, times)


def audit_data(found: claims.SetAudit) -> dict:
    """The audit as data for a program."""
    table = found.table

    def ends(intervals: Mapping) -> dict:
        return {name: [interval.low, interval.high] for name, interval in intervals.items()}

    def places(of: tuple | None, names: tuple) -> dict | None:
        return of and dict(zip(names, map(cell, of), strict=True))

    def cell(of: claims.Cell | None) -> dict | None:
        return of and {"ratio": of.ratio, "low": of.low, "high": of.high, "where": of.where}

    return {
        "claim_set": found.claim_set,
        "table": table
        and {
            "subject": table.subject, "baseline": table.baseline, "is_consistent": table.is_consistent,
            "odd_cells": table.odd, "price": table.price and table.price.name,
            "power": table.power and table.power.name,
            "tok_per_s_per_gpu": {column: ends(of) for column, of in table.throughput.items()},
            "ratios": ends(table.ratios), "ratios_of_printed_values": table.from_printed,
            "verdicts": table.verdicts, "printed_verdicts": table.printed_verdicts,
            "contradicts_itself": table.contradicts_itself, "conventions": ends(table.conventions),
            "elsewhere": {row: ends(of) for row, of in table.elsewhere.items()},
            "kw_from_cells": ends(table.kw_from_cells),
            "flops_per_dollar": [e.name for e in table.flops], "flops_per_dollar_alike": found.alike,
            "matching_points": {column: [row["point_id"] for row in of] for column, of in found.matches.items()},
        },
        "claims": [
            {
                "claim_id": claim["claim_id"], "finding": verdict.finding, "reason": verdict.reason,
                "source_kind": claim["source_kind"], "source_url": claim["source_url"],
                "stated": places(verdict.stated, ("lowest", "highest")),
                "grid": places(verdict.grid, ("lowest", "median", "highest")),
                "num_places": verdict.num_cells, "num_below_1": verdict.num_below_1,
                "below_1_only_with": verdict.flips,
                "num_matches": verdict.num_matches, "match": cell(verdict.match),
                "understood": str(verdict.claim), "undisclosed": verdict.claim.undisclosed,
            }
            for claim, verdict in found.verdicts
        ],
        "undisclosed": found.undisclosed,
    }  # fmt: skip
