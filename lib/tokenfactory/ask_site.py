"""What may stand on a site, what its tokens sell for, what a GPU costs its owner: rows of the warehouse, for pages."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import date

from tokenfactory.formulas import cost, finance
from tokenfactory.formulas.power_figure import ALLIN_UTILITY
from tokenfactory.methods import halls, restate
from tokenfactory.warehouse.query import OWNER, Warehouse

SELLER = "DeepSeek"  # whose newest tariffs price tokens where nothing else is said
# Of a building of one's own these; of colocation, which pages take, another one.
_NOT_TAKEN = ("utilisation_frac", "building_usd_per_kw", "building_life_year")


def ground(
    warehouse: Warehouse, *, price_basis: str, price_date: str | date, power_date: str | date, power_owner: str = OWNER
) -> halls.Ground:
    """All that says how many racks fit, on days or "latest"; every page that counts racks asks here."""
    assumed = warehouse.query(
        """SELECT key, parameter, applies_to, value, low, high, unit, basis, to_basis, effective_from, effective_to,
                  status, source_url, note FROM site_inputs ORDER BY key"""
    )
    units = warehouse.query(
        """SELECT gpu, arg_max(value, spec)::INTEGER AS gpu_per_unit,
                  CASE max(spec) WHEN 'gpus_per_rack' THEN 'rack' ELSE 'node' END AS unit
           FROM hardware_specs WHERE spec IN ('gpus_per_node', 'gpus_per_rack') AND value IS NOT NULL
           GROUP BY gpu ORDER BY gpu"""
    )
    return halls.Ground(
        halls.Assumptions.of_rows(assumed.iter_rows(named=True)),
        units.rows_by_key("gpu", named=True, unique=True),
        warehouse.power_rows(basis=ALLIN_UTILITY, on=power_date, owner=power_owner),
        warehouse.prices(basis=price_basis, on=price_date),
    )


def first_power_day(warehouse: Warehouse) -> date:
    """The day of the first all-in power figures of the owner."""
    return warehouse.query(
        """SELECT min(effective_from) AS day FROM power_book WHERE basis = $basis AND provider = $owner ORDER BY day""",
        basis=ALLIN_UTILITY,
        owner=OWNER,
    ).item()


def tariffs(warehouse: Warehouse, *, model: str, isl: int, osl: int) -> list[dict]:
    """Dated tariffs of a model, and the newest of `SELLER`, as prices of a million tokens of a mix, the newest first.

    A tariff without the date of a model's release stands for all releases.

    Returns
    -------
    rows with provider, variant, model, as_of, speed_tok_per_s, source_url, is_newest (of `SELLER`) and usd_per_mtok
    """
    rows = warehouse.query(
        """SELECT provider, variant, model, as_of, speed_tok_per_s, usd_per_mtok_input, usd_per_mtok_output, source_url,
                  provider = $seller AND as_of = max(as_of) FILTER (provider = $seller) OVER () AS is_newest
           FROM api_prices WHERE as_of IS NOT NULL QUALIFY is_newest OR starts_with($model, model)
           ORDER BY is_newest DESC, as_of DESC, provider, variant, api_price_id""",
        seller=SELLER,
        model=model,
    )
    names = ("usd_per_mtok_input", "usd_per_mtok_output")
    return [
        row | {"usd_per_mtok": cost.blended_usd_per_mtok(**{n: row[n] for n in names}, input_per_output=isl / osl)}
        for row in rows.iter_rows(named=True)
    ]


def volumes(warehouse: Warehouse) -> list[dict]:
    """Published counts of tokens a day, the smallest first: name, tok_per_day, as_of, source_url."""
    return warehouse.query(
        """SELECT name, coalesce(total_tok, input_tok + output_tok) AS tok_per_day, as_of, source_url
           FROM workloads WHERE counts = 'day' ORDER BY tok_per_day, name"""
    ).to_dicts()


def owned(warehouse: Warehouse, gpus: Iterable[str], *, profile: str) -> dict[str, dict]:
    """What a GPU costs who owns it, by the inputs of a profile, for each whose price is published.

    Returns
    -------
    by GPU capital and resale [USD/GPU], running [USD/(GPU year)] and hour [USD/(GPU h)], all hours paid
    """
    found = {}
    for gpu in gpus:
        rows = warehouse.query(
            """SELECT parameter, value, status, source_url FROM tco_inputs_for($gpu, $profile) ORDER BY parameter""",
            gpu=gpu,
            profile=profile,
        )
        given = {name: value for name, value in rows.select("parameter", "value").rows() if name not in _NOT_TAKEN}
        if "usd_per_system" not in given:
            continue
        parts = finance.system_parts(**given)
        shares = ("usd_per_system", "gpu_per_system", "network_storage_frac", "installation_frac", "spares_frac")
        capital = finance.usd_per_gpu_installed(**{name: given[name] for name in shares})
        hour = sum(parts.values())
        running = 8760 * (hour - parts["capital"])
        found[gpu] = {"capital": capital, "resale": capital * given["salvage_frac"], "running": running, "hour": hour}
    return found


def printed_ratios(warehouse: Warehouse, book: Sequence[Mapping], assumed: halls.Assumptions) -> list[dict]:
    """Every printed ratio of tokens per megawatt, on the power figures of its day and on later ones.

    `book` and `assumed` are as in `restate.power_sets`. Returns rows of `restate.printed_ratio`, with gpus (both, in
    words), claimant and printed (the ratio as it was printed).
    """
    cells = warehouse.query(
        """SELECT claim_set, "row", claimant, date, subject, baseline, subject_printed, subject_value, subject_ulp,
                  baseline_printed, baseline_value, baseline_ulp, ratio_printed, source_url
           FROM claim_cells ORDER BY claim_set, "row" ASC"""
    )
    rows, owners = [], [row for row in book if row["effective_from"]]
    for part in cells.partition_by("claim_set"):
        table = part.rows_by_key("row", named=True, unique=True)
        if "mw" not in table:
            continue
        claim = table["mw"]
        systems, prices = {role: claim[role] for role in restate.ROLES}, {}
        for role, gpu in systems.items():
            price = warehouse.price(gpu=gpu, basis="owning_hyperscaler", on=claim["date"])
            prices[role] = price["usd_per_gpu_hour"]
        sets = restate.power_sets(owners, systems, claim["date"], assumed)
        told = {"gpus": " over ".join(map(str.upper, systems.values())), "claimant": claim["claimant"]}
        told |= {"printed": claim["ratio_printed"]}
        rows += [row | told for row in restate.printed_ratio(table, sets, prices)]
    return rows
