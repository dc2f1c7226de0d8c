"""The schema of `data/`: one strict row model per file, and the reader that enforces it.

Every column says its meaning, unit, range and, where it is closed, its vocabulary; the codebook
(`data/README.md`) and the typed DuckDB tables are made from these models. An empty cell is None:
the source does not state it. A file that breaks a rule is refused with one sentence that names the
file, the row (line of the file) and the field.
"""

import csv
import io
import itertools
import re
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import date as Day  # a column is called date
from pathlib import Path
from types import NoneType
from typing import Annotated, Any, Literal, get_args, get_origin

from pydantic import BaseModel, ConfigDict, Field, ValidationError, ValidationInfo, create_model, field_validator

from tokenfactory.errors import DataError
from tokenfactory.measurements.measured import BENCHMARK_COLUMNS

LONGEST_CELL = 4000  # characters


def required(meaning: str, unit: str | None = None, **rules) -> Any:
    return Field(description=meaning, json_schema_extra={"unit": unit}, **rules)


def optional(meaning: str, unit: str | None = None, **rules) -> Any:
    return Field(default=None, description=meaning, json_schema_extra={"unit": unit}, **rules)


SLUG = {"pattern": r"^[a-z0-9][a-z0-9.-]*$"}
GPU = {"pattern": r"^[a-z0-9]+$"}
SHA256 = {"pattern": r"^[0-9a-f]{64}$"}
COLOUR = {"pattern": r"^#[0-9a-f]{6}$"}
URL = {"pattern": r"^https?://\S+$"}
TEXT = {"min_length": 1}
TOK_PER_S_PER_GPU = {"unit": "tok/s/gpu", "gt": 0, "le": 500_000}
USD_PER_MTOK = {"unit": "usd/mtok", "gt": 0, "le": 1000}
PFLOPS = {"unit": "pflop/s", "gt": 0, "le": 1000}
SOURCE_KIND = "what was read: the owner of the figure, a copy of its text, or somebody writing about it"

PowerBasis = Literal[
    "allin_utility_provisioned",
    "board_tdp",
    "board_measured",
    "chassis",
    "critical_it",
    "rack_power_shelves",
    "system_measured",
]

SourceKind = Annotated[Literal["primary", "reprint", "press"], required(SOURCE_KIND)]
SourceUrl = Annotated[str, required("the page of the figure", **URL)]
Accessed = Annotated[Day, required("day the source was read", ge=Day(2020, 1, 1))]
Status = Annotated[
    Literal["measured", "published", "estimate", "guess"],
    required("measured; published by the one whose figure it is; estimated by somebody; or a guess"),
]


class Row(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False, str_max_length=LONGEST_CELL)


class OperatingPoint(Row):
    point_id: str = required("unique name of the point", **SLUG)
    gpu: str = required("GPU, as in gpus.csv", **GPU)
    system: str = required("what the GPUs are built into, as printed", **TEXT)
    model: str = required("language model, normalised; two releases shown as one keep both names", **SLUG)
    model_printed: str = required("the model's name at the source", **TEXT)
    framework: str | None = optional("serving engine, normalised (trt is TensorRT-LLM)", **SLUG)
    precision: Literal["fp4", "fp8", "bf16", "int4", "mixed"] | None = optional(
        "number format of the weights; nvfp4 and mxfp4 are fp4; mixed: attention and experts differ"
    )
    precision_printed: str | None = optional("the number format at the source", **TEXT)
    spec_decoding: Literal["none", "mtp"] | None = optional(
        "speculative decoding; mtp also covers EAGLE and DSpark; none: the source says it is off"
    )
    is_disaggregated: bool | None = optional("prefill and decode run on different GPUs")
    num_prefill_gpu: int | None = optional("GPUs of the prefill pool", "gpu", gt=0)
    num_decode_gpu: int | None = optional("GPUs of the decode pool", "gpu", gt=0)
    workload: Literal["fixed_length", "agentic", "other"] = required(
        "fixed_length: every request has the same nominal lengths; agentic: replayed sessions, whose total"
        " counts cached input; other: a data set, a pool alone, or not stated. Never mix them"
    )
    isl: int | None = optional("input sequence length", "tok", gt=0, le=10_000_000)
    osl: int | None = optional("output sequence length", "tok", gt=0, le=10_000_000)
    conc: int | None = optional("concurrent requests of the deployment; approximate on interpolated rows", gt=0)
    interactivity_tok_per_s_per_user: float | None = optional("output speed one user sees", "tok/s/user", gt=0, le=5000)
    interactivity_basis: Literal["printed", "reciprocal_tpot"] | None = optional(
        "whether the source prints the speed, or it is 1 / tpot_s", validate_default=True
    )
    total_tok_per_s_per_gpu: float | None = optional(
        "input and output tokens per second, over ALL deployed GPUs", **TOK_PER_S_PER_GPU
    )
    output_tok_per_s_per_gpu: float | None = optional(
        "output tokens per second, over ALL deployed GPUs", **TOK_PER_S_PER_GPU
    )
    output_tok_per_s_per_decode_gpu: float | None = optional(
        "output tokens per second over the decode GPUs only, as disaggregated results are printed",
        **TOK_PER_S_PER_GPU,
    )
    ttft_s: float | None = optional("time to first token", "s", gt=0, le=10_000)
    tpot_s: float | None = optional("time per output token after the first", "s", gt=0, le=100)
    latency_statistic: Literal["mean", "median", "p90"] | None = optional(
        "which statistic over requests the speed and the times are"
    )
    usd_per_mtok_total: float | None = optional("printed cost of a million input and output tokens", **USD_PER_MTOK)
    usd_per_mtok_input: float | None = optional("printed cost of a million input tokens", **USD_PER_MTOK)
    usd_per_mtok_output: float | None = optional("printed cost of a million output tokens", **USD_PER_MTOK)
    is_cost_consistent: bool | None = optional(
        "printed total cost and throughput agree, within rounding plus 2%, at the owning_hyperscaler price of"
        " 2026-04-15; empty where one of the two is missing"
    )
    total_tok_per_s_per_mw: float | None = optional(
        "total tokens per second and MW of all-in provisioned power", "tok/s/mw", gt=0, le=1_000_000_000
    )
    as_of: Day | None = optional("day of the measurement, else of the post (said in note)", ge=Day(2023, 1, 1))
    evidence: Literal["measured", "interpolated", "claimed"] = required("how the source came to the figure")
    duplicate_of: str | None = optional("the point_id that already holds this figure: count only one of them", **SLUG)
    source_kind: SourceKind
    source_url: SourceUrl
    source_title: str = required("title of the source", **TEXT)
    accessed: Accessed
    note: str | None = optional("what a reader must know about this row", **TEXT)

    @field_validator("interactivity_basis")
    @classmethod
    def _basis_goes_with_speed(cls, basis, info: ValidationInfo):
        if (basis is None) != (info.data.get("interactivity_tok_per_s_per_user") is None):
            raise ValueError("must be given exactly when interactivity_tok_per_s_per_user is")
        return basis


class Price(Row):
    price_id: str = required("unique name of the price", **SLUG)
    gpu: str = required("GPU, as in gpus.csv", **GPU)
    basis: Literal[
        "owning_hyperscaler",
        "owning_neocloud",
        "owning_estimate",
        "rental_3yr",
        "rental_1yr",
        "rental_assumption",
        "on_demand",
        "spot",
        "reserved",
        "market_index",
        "your_quote",
    ] = required("whose hour this is: see the table of price bases below")
    basis_printed: str = required("the basis in the words it was collected under", **TEXT)
    statistic: Literal["quote", "median", "mean", "low", "high", "index"] = required(
        "one quote, or which statistic of several"
    )
    usd_per_gpu_hour: float = required("price or cost of one GPU for one hour", "usd/gpu/h", gt=0, le=100)
    effective_from: Day | None = optional(
        "first day the owner's price holds; only rows with it answer 'the price on a day'", ge=Day(2023, 1, 1)
    )
    effective_to: Day | None = optional("first day it no longer holds; empty: not known to have ended")
    observed_on: Day | None = optional("day a quote was seen; it says nothing about other days", ge=Day(2023, 1, 1))
    provider: str = required("who sells the hour, or whose cost model it is", **TEXT)
    region: str | None = optional("cloud region", **TEXT)
    variant: str | None = optional("instance type or sub-basis; empty is the usual one", **TEXT)
    status: Status
    source_kind: SourceKind
    source_url: SourceUrl
    source_title: str = required("title of the source", **TEXT)
    accessed: Accessed
    note: str | None = optional("what a reader must know about this row", **TEXT)

    @field_validator("effective_to")
    @classmethod
    def _ends_after_it_starts(cls, end, info: ValidationInfo):
        return _ends_after_start(end, info)

    @field_validator("observed_on")
    @classmethod
    def _not_both_kinds_of_date(cls, seen, info: ValidationInfo):
        return _one_kind_of_date(seen, info)


class Power(Row):
    power_id: str = required("unique name of the power figure", **SLUG)
    gpu: str = required("GPU, as in gpus.csv", **GPU)
    basis: PowerBasis = required("where the power is taken: see the table of power bases below")
    kw_per_gpu: float = required("power per GPU", "kw/gpu", gt=0, le=20)
    model: str | None = optional("language model that ran, of a measurement that names it", **SLUG)
    j_per_total_tok: float | None = optional(
        "energy per input and output token that the same run measured, on the same basis", "j/tok", gt=0, le=10_000
    )
    effective_from: Day | None = optional(
        "first day the owner's figure holds; only rows with it answer 'the power on a day'", ge=Day(2023, 1, 1)
    )
    effective_to: Day | None = optional("first day it no longer holds; empty: not known to have ended")
    observed_on: Day | None = optional("day of a measurement or of the page", ge=Day(2023, 1, 1))
    provider: str = required("who gives the figure", **TEXT)
    status: Status
    source_kind: SourceKind
    source_url: SourceUrl
    accessed: Accessed
    note: str | None = optional("what a reader must know about this row", **TEXT)

    @field_validator("effective_to")
    @classmethod
    def _ends_after_it_starts(cls, end, info: ValidationInfo):
        return _ends_after_start(end, info)

    @field_validator("observed_on")
    @classmethod
    def _not_both_kinds_of_date(cls, seen, info: ValidationInfo):
        return _one_kind_of_date(seen, info)


class Hardware(Row):
    hardware_id: str = required("unique name of the specification", **SLUG)
    gpu: str = required("GPU key used in every file", **GPU)
    is_reference: bool = required("the row notebooks use; exactly one per gpu")
    system: str = required("what the GPUs are built into", **TEXT)
    vendor: str = required("maker", **TEXT)
    generation: str = required("architecture", **TEXT)
    hbm_gb: float | None = optional("memory", "gb", gt=0, le=10_000)
    hbm_tb_per_s: float | None = optional("memory bandwidth", "tb/s", gt=0, le=1000)
    fp4_dense_pflops: float | None = optional("peak FP4, dense", **PFLOPS)
    fp4_sparse_pflops: float | None = optional("peak FP4, with sparsity", **PFLOPS)
    fp8_dense_pflops: float | None = optional("peak FP8, dense", **PFLOPS)
    fp8_sparse_pflops: float | None = optional("peak FP8, with sparsity", **PFLOPS)
    bf16_dense_pflops: float | None = optional("peak BF16, dense", **PFLOPS)
    bf16_sparse_pflops: float | None = optional("peak BF16, with sparsity", **PFLOPS)
    tdp_w: float | None = optional("thermal design power of the GPU", "w", gt=0, le=10_000)
    scale_up_gpus: int | None = optional("GPUs in one scale-up (NVLink or xGMI) domain", "gpu", gt=0)
    scale_up_gb_per_s: float | None = optional("scale-up bandwidth per GPU, one direction", "gb/s", gt=0, le=100_000)
    gpus_per_node: int | None = optional("GPUs in a node (GB200, GB300: a compute tray)", "gpu", gt=0)
    gpus_per_rack: int | None = optional("GPUs in a rack, where the rack is the product", "gpu", gt=0)
    cooling: Literal["air", "liquid"] | None = optional("cooling")
    source_kind: SourceKind
    source_url: SourceUrl
    accessed: Accessed
    note: str | None = optional("what a reader must know about this row", **TEXT)


class ApiPrice(Row):
    api_price_id: str = required("unique name of the tariff", **SLUG)
    model: str = required("language model, normalised", **SLUG)
    model_printed: str = required("the model's name at the source", **TEXT)
    provider: str = required("who sells the tokens", **TEXT)
    variant: str | None = optional("which of the provider's tariffs: peak, off-peak, discounted, fast", **TEXT)
    usd_per_mtok_input: float = required("price of a million input tokens that miss the cache", **USD_PER_MTOK)
    usd_per_mtok_output: float = required("price of a million output tokens", **USD_PER_MTOK)
    usd_per_mtok_cached_input: float | None = optional("price of a million cached input tokens", **USD_PER_MTOK)
    as_of: Day | None = optional("day the tariff held", ge=Day(2023, 1, 1))
    status: Literal["published", "undated"] = required("undated: a published tariff whose day is not known")
    precision: Literal["fp4", "fp8"] | None = optional("number format, where the provider states it")
    speed_tok_per_s: float | None = optional("output speed of one request", "tok/s/user", gt=0, le=5000)
    source_kind: SourceKind
    source_url: SourceUrl
    accessed: Accessed
    note: str | None = optional("what a reader must know about this row", **TEXT)

    @field_validator("status")
    @classmethod
    def _undated_goes_with_no_date(cls, status, info: ValidationInfo):
        if (status == "undated") != (info.data.get("as_of") is None):
            raise ValueError("must be 'undated' exactly when as_of is empty")
        return status


class Claim(Row):
    claim_id: str = required("unique name of the claim", **SLUG)
    claim_set: str = required("claims printed together: the cells of one table, or one post", **SLUG)
    row: Literal["rate", "flops_per_dollar", "tput", "mw", "cost"] | None = optional("row of the printed table")
    cell: Literal["subject", "baseline", "ratio"] | None = optional("column of the printed table")
    claimant: str = required("who says it", **TEXT)
    date: Day | None = optional("day it was said")
    statement_short: str = required("the claim in our words", **TEXT)
    metric: Literal[
        "usd_per_gpu_hour",
        "flops_per_dollar",
        "tok_per_s_per_gpu",
        "tok_per_s_per_mw",
        "cost_per_mtok",
        "perf_per_dollar",
        "interactivity",
        "agents_per_gpu",
        "agents_per_mw",
        "users_per_gpu",
        "flops_per_system",
    ] = required("what is compared or stated")
    subject: str = required("what the claim is about; where it is one GPU, its key", **TEXT)
    baseline: str | None = optional("what it is compared with; empty for an absolute figure", **TEXT)
    model: str | None = optional("language model, normalised", **SLUG)
    printed: str | None = optional("the figure as printed", **TEXT)
    printed_ulp: float | None = optional("one unit of the last printed digit, in the unit of value", gt=0)
    value: float | None = optional("the figure", gt=0)
    value_low: float | None = optional("low end of a range", gt=0)
    value_high: float | None = optional("high end of a range, or the value of an 'up to'", gt=0)
    unit: Literal[
        "x",
        "usd_per_gpu_hour",
        "pflops_per_usd_per_hour",
        "tok_per_s_per_gpu",
        "tok_per_s_per_mw",
        "usd_per_mtok",
        "profit_over_cost",
    ] = required("x is a ratio; the others are units of an absolute figure")
    conditions: str | None = optional("under which conditions, as far as the source says", **TEXT)
    source_kind: SourceKind
    source_url: SourceUrl
    accessed: Accessed

    @field_validator("cell")
    @classmethod
    def _cell_goes_with_row(cls, cell, info: ValidationInfo):
        if info.data.get("row") is None:
            raise ValueError("needs the row of the printed table")
        return cell


class SiteInput(Row):
    key: str = required("unique name of the input", **SLUG)
    parameter: Literal[
        "allin_meaning",
        "facility_factor",
        "gco2_per_kwh",
        "idle_load_frac",
        "kw_per_rack",
        "l_per_it_kwh",
        "liquid_heat_frac",
        "load_frac",
        "max_kw_per_rack",
        "nodes_per_rack",
        "planning_headroom_frac",
        "pue",
        "unit_availability_frac",
    ] = required("what is assumed: see the table of parameters below")
    applies_to: str = required("kind of cooling, GPU, node, country or world; all: everything", **SLUG)
    value: float = required("the figure to use", "that of the row", ge=0, le=10_000)
    low: float | None = optional("low end of what is plausible", "that of the row", ge=0, le=10_000)
    high: float | None = optional(
        "high end of what is plausible", "that of the row", ge=0, le=10_000, validate_default=True
    )
    unit: Literal["x", "1", "frac", "kw", "gco2e/kwh", "l/kwh"] = required("x is a factor; 1 is a count")
    basis: PowerBasis | None = optional("power basis that the figure stands on or, for a factor, leads from")
    to_basis: PowerBasis | None = optional("power basis that a factor leads to")
    effective_from: Day | None = optional("first day of the power figures it holds for", ge=Day(2023, 1, 1))
    effective_to: Day | None = optional("first day it no longer holds; empty: not known to have ended")
    source_kind: SourceKind
    source_url: SourceUrl
    accessed: Accessed
    status: Status
    note: str | None = optional("what a reader must know about this row", **TEXT)

    @field_validator("value", "low", "high")
    @classmethod
    def _fits_its_parameter(cls, figure, info: ValidationInfo):
        parameter = info.data.get("parameter", "")
        if figure is None:
            return None
        if parameter == "pue" and figure < 1:
            raise ValueError(f"a PUE of {figure:g} is below 1: a site cannot draw less than its IT equipment")
        if parameter.endswith("_frac") and figure > 1:
            raise ValueError(f"{figure:g} is not a fraction from 0 to 1")
        return figure

    @field_validator("high")
    @classmethod
    def _range_holds_the_value(cls, high, info: ValidationInfo):
        low, value = info.data.get("low"), info.data.get("value")
        if (low is None) != (high is None):
            raise ValueError("must be given exactly when low is")
        if high is not None and value is not None and not low <= value <= high:
            raise ValueError(f"{low:g} to {high:g} does not hold the value {value:g}")
        return high

    @field_validator("to_basis")
    @classmethod
    def _leads_from_a_basis(cls, to_basis, info: ValidationInfo):
        if info.data.get("basis") is None:
            raise ValueError("needs basis, from which the factor leads")
        return to_basis

    @field_validator("effective_to")
    @classmethod
    def _ends_after_it_starts(cls, end, info: ValidationInfo):
        return _ends_after_start(end, info)


# The inputs of an owned hour, by the name they have in the formulas, with their units.
TCO_UNITS = {
    "building_life_year": "year",
    "building_usd_per_kw": "usd/kw",
    "colocation_usd_per_kw_year": "usd/kw/year",
    "installation_frac": "frac",
    "kw_per_gpu": "kw/gpu",
    "licence_usd_per_gpu_year": "usd/gpu/year",
    "life_year": "year",
    "load_frac": "frac",
    "maintenance_frac": "frac",
    "network_storage_frac": "frac",
    "pue": "x",
    "salvage_frac": "frac",
    "spares_frac": "frac",
    "staff_usd_per_gpu_year": "usd/gpu/year",
    "usd_per_kwh": "usd/kwh",
    "usd_per_system": "usd",
    "utilisation_frac": "frac",
    "wacc_frac": "frac",
}
# What changes over a life, which a cost of one hour does not ask for; in the same rows and profiles.
LIFETIME_UNITS = {
    "lead_year": "year",
    "rent_decline_frac": "frac",
    "software_growth_frac": "frac",
    "tax_frac": "frac",
    "token_price_decline_frac": "frac",
}
INPUT_UNITS = TCO_UNITS | LIFETIME_UNITS
EVERYTHING = frozenset({"all", "air", "liquid"})  # what an input of owning may be about, beside a GPU
MUST_BE_POSITIVE = {"building_life_year", "kw_per_gpu", "life_year", "load_frac", "usd_per_system", "utilisation_frac"}
MUST_BE_BELOW_ONE = {"rent_decline_frac", "tax_frac", "token_price_decline_frac"}


class TcoInput(Row):
    key: str = required("unique name of the input", **SLUG)
    profile: str = required(
        "whose figures: typical is everybody else's; a profile needs only the rows in which it differs", **SLUG
    )
    parameter: Literal[*INPUT_UNITS] = required("what is assumed: see the table of parameters below")
    applies_to: str = required("GPU, as in gpus.csv, or kind of cooling, air or liquid; all: everything", **GPU)
    value: float = required("the figure to use", "that of the row", ge=0, le=100_000_000)
    low: float = required("low end of what is plausible", "that of the row", ge=0, le=100_000_000)
    high: float = required("high end of what is plausible", "that of the row", ge=0, le=100_000_000)
    unit: Literal[*sorted(set(INPUT_UNITS.values()))] = required("unit of value, low and high; x is a factor")
    as_of: Day | None = optional("day the figure is about, else not stated", ge=Day(2023, 1, 1))
    source_kind: Literal["primary", "reprint", "press"] | None = optional(SOURCE_KIND)
    source_url: str | None = optional("the page of the figure", validate_default=True, **URL)
    accessed: Accessed
    status: Status
    note: str | None = optional("what a reader must know about this row", **TEXT)

    @field_validator("value", "low", "high")
    @classmethod
    def _fits_its_parameter(cls, figure, info: ValidationInfo):
        parameter = info.data.get("parameter", "")
        if parameter == "pue" and figure < 1:
            raise ValueError(f"a PUE of {figure:g} is below 1: a site cannot draw less than its IT equipment")
        if parameter == "wacc_frac" and figure >= 1:
            raise ValueError(f"a cost of capital of {figure:g} is not a fraction below 1")
        if parameter in MUST_BE_BELOW_ONE and figure >= 1:
            raise ValueError(f"{figure:g} leaves nothing after a year: it must be below 1")
        if parameter == "life_year" and 0 < figure < 1 / 12:
            raise ValueError(f"a life of {figure:g} years is shorter than a month")
        if parameter.endswith("_frac") and parameter != "software_growth_frac" and figure > 1:
            raise ValueError(f"{figure:g} is not a fraction from 0 to 1")
        if parameter in MUST_BE_POSITIVE and figure == 0:
            raise ValueError("must be above 0")
        return figure

    @field_validator("high")
    @classmethod
    def _range_holds_the_value(cls, high, info: ValidationInfo):
        low, value = info.data.get("low"), info.data.get("value")
        if low is not None and value is not None and not low <= value <= high:
            raise ValueError(f"{low:g} to {high:g} does not hold the value {value:g}")
        return high

    @field_validator("unit")
    @classmethod
    def _is_the_unit_of_its_parameter(cls, unit, info: ValidationInfo):
        parameter = info.data.get("parameter")
        if parameter and unit != INPUT_UNITS[parameter]:
            raise ValueError(f"{parameter} is in {INPUT_UNITS[parameter]}")
        return unit

    @field_validator("source_url")
    @classmethod
    def _source_goes_with_its_kind(cls, url, info: ValidationInfo):
        if (url is None) != (info.data.get("source_kind") is None):
            raise ValueError("must be given exactly when source_kind is")
        return url

    @field_validator("status")
    @classmethod
    def _without_a_source_it_is_a_guess(cls, status, info: ValidationInfo):
        if info.data.get("source_url") is None and status != "guess":
            raise ValueError("must be 'guess' where no source is given")
        return status


class Workload(Row):
    workload_id: str = required("unique name of the workload", **SLUG)
    name: str = required("what was counted, in a few words", **TEXT)
    counts: Literal["request", "task", "day"] = required("what the tokens are the mean of")
    model: str | None = optional("language model that took the tokens, normalised", **SLUG)
    input_tok: float | None = optional("mean input tokens, cached ones included", "tok", gt=0, le=1e13)
    cached_input_tok: float | None = optional("of these, read from a prefix cache", "tok", ge=0, le=1e13)
    output_tok: float = required("mean output tokens, thinking included", "tok", gt=0, le=1e13)
    success_frac: float | None = optional("share of the tasks that were finished rightly", "frac", gt=0, le=1)
    num_counted: int | None = optional("requests or tasks behind the mean", gt=0)
    as_of: Day | None = optional("day of the count, else of its publication", ge=Day(2023, 1, 1))
    status: Status
    source_kind: SourceKind
    source_url: SourceUrl
    accessed: Accessed
    note: str | None = optional("what a reader must know about this row", **TEXT)

    @field_validator("cached_input_tok")
    @classmethod
    def _cached_is_part_of_input(cls, cached, info: ValidationInfo):
        if (given := info.data.get("input_tok")) is None or cached > given:
            raise ValueError("must be given with input_tok, and not be above it")
        return cached

    @field_validator("success_frac")
    @classmethod
    def _only_a_task_succeeds(cls, success, info: ValidationInfo):
        if info.data.get("counts") != "task":
            raise ValueError("must be empty where no tasks are counted")
        return success


class LoadSlot(Row):
    curve_id: str = required("unique name of the curve", **SLUG)
    slot: int = required("number of the slot of time, from 0 on without a gap", ge=0, le=100_000)
    slot_hour: float = required("length of a slot", "h", gt=0, le=24)
    demand: float = required("mean demand in the slot", "that of the row", ge=0, le=1e15)
    unit: Literal["nodes", "tok/s"] = required("unit of demand")
    status: Status
    source_kind: SourceKind
    source_url: SourceUrl
    accessed: Accessed
    note: str | None = optional("what a reader must know about this row", **TEXT)


class Depreciation(Row):
    schedule: str = required("name of the schedule", **SLUG)
    year: int = required("year of service, the first one is 1", "year", ge=1, le=40)
    frac: float = required("share of the price that is written off in that year", "frac", gt=0, le=1)
    source_kind: SourceKind
    source_url: SourceUrl
    accessed: Accessed
    note: str | None = optional("what a reader must know about this row", **TEXT)


class Change(Row):
    change_id: str = required("unique name of the change", **SLUG)
    what: Literal["software", "token_price"] = required(
        "software: throughput of the same hardware; token_price: price of tokens of equal quality"
    )
    subject: str = required("what changed", **TEXT)
    first_value: float = required("the figure on the first day; 1 where only a ratio is printed", gt=0)
    last_value: float = required("the figure on the last day, in the same unit", gt=0)
    first_day: Day = required("first day", ge=Day(2020, 1, 1))
    last_day: Day = required("last day; the change a year follows from the two")
    status: Status
    source_kind: SourceKind
    source_url: SourceUrl
    accessed: Accessed
    note: str | None = optional("what a reader must know about this row", **TEXT)

    @field_validator("last_day")
    @classmethod
    def _is_after_the_first(cls, last, info: ValidationInfo):
        first = info.data.get("first_day")
        if first is not None and last <= first:
            raise ValueError(f"must be later than first_day ({first})")
        return last


class RecordedTrace(Row):
    trace: str = required("unique name of the trace", **SLUG)
    name: str = required("what was recorded, in a few words", **TEXT)
    block_tok: int = required("tokens of a full block", "tok", gt=0, le=65_536)
    as_of: Day | None = optional("day of its publication", ge=Day(2023, 1, 1))
    licence: str = required("licence of the source", **TEXT)
    source_kind: SourceKind
    source_url: SourceUrl
    accessed: Accessed
    note: str | None = optional("what a reader must know about this row", **TEXT)


class TraceRequest(Row):
    trace: str = required("the trace, as in traces.csv", **SLUG)
    request: int = required("number of the request in its trace, from 0 in the order of arrival", ge=0)
    time_s: float = required("arrival since the trace began", "s", ge=0)
    input_tok: int = required("input tokens", "tok", gt=0, le=10_000_000)
    output_tok: int = required("output tokens", "tok", ge=0, le=10_000_000)
    prefix_of: int | None = optional("an earlier request that begins with the same blocks", ge=0)
    prefix_blocks: int = required("how many blocks both begin with; all further blocks are new", ge=0)

    @field_validator("prefix_blocks")
    @classmethod
    def _shared_with_an_earlier_one(cls, blocks, info: ValidationInfo):
        earlier = info.data.get("prefix_of")
        if (blocks > 0) != (earlier is not None):
            raise ValueError("must be above 0 exactly when prefix_of is given")
        if earlier is not None and earlier >= info.data.get("request", earlier + 1):
            raise ValueError(f"are shared with request {earlier}, which is not an earlier one")
        return blocks


class MemoryTier(Row):
    key: str = required("unique name of the figure", **SLUG)
    tier: Literal["hbm", "dram", "remote-dram", "ssd"] = required(
        "where keys and values are kept: on the GPU, in its host, in another host, or on a disk of flash memory"
    )
    parameter: Literal["usd_per_gb", "gb_per_s", "gb_per_gpu"] = required(
        "price of the memory; bandwidth to the GPUs; or how much there is beside each GPU"
    )
    applies_to: str = required("GPU, as in gpus.csv; all: every one", **GPU)
    value: float = required("the figure to use", "that of the row", gt=0, le=100_000)
    low: float = required("low end of what was printed or is plausible", "that of the row", gt=0, le=100_000)
    high: float = required("high end of it", "that of the row", gt=0, le=100_000)
    unit: Literal["usd/gb", "gb/s", "gb/gpu"] = required("unit of value, low and high")
    as_of: Day | None = optional("day the figure is about, else not stated", ge=Day(2023, 1, 1))
    status: Status
    source_kind: SourceKind
    source_url: SourceUrl
    accessed: Accessed
    note: str | None = optional("what a reader must know about this row", **TEXT)

    @field_validator("high")
    @classmethod
    def _range_holds_the_value(cls, high, info: ValidationInfo):
        low, value = info.data.get("low", high), info.data.get("value", high)
        if not low <= value <= high:
            raise ValueError(f"{low:g} to {high:g} does not hold the value {value:g}")
        return high

    @field_validator("unit")
    @classmethod
    def _is_that_of_the_parameter(cls, unit, info: ValidationInfo):
        parameter = info.data.get("parameter", unit)
        if unit.replace("/", "_per_") != parameter:
            raise ValueError(f"{unit} is not the unit of {parameter}")
        return unit


class ModelName(Row):
    model: str = required("language model, as in every other file", **SLUG)
    name: str = required("what people call it", **TEXT)
    aliases: str | None = optional("keys and names it has at sources, small letters, with blanks between", **TEXT)


class GpuName(Row):
    gpu: str = required("GPU, as in every other file", **GPU)
    name: str = required("what people call it", **TEXT)
    vendor: str = required("maker", **TEXT)
    generation: str = required("architecture", **TEXT)
    colour: str = required("its colour in charts; grey for one that is seldom drawn", **COLOUR)
    aliases: str | None = optional("names in full device names that its key does not cover, with | between", **TEXT)


class PrecisionName(Row):
    precision: str = required("number format, as in every other file", **SLUG)
    aliases: str | None = optional("names it has at sources, small letters, with blanks between", **TEXT)


class CacheEffect(Row):
    effect_id: str = required("unique name of the effect", **SLUG)
    means: Literal["routing", "shared pool", "offload", "none"] = required(
        "what was changed; none: a figure without a change, such as a hit rate in production"
    )
    name: str = required("what was compared, in a few words", **TEXT)
    setup: str = required("on what, with which traffic", **TEXT)
    metric: Literal["hit rate", "throughput", "time to first token", "end-to-end time", "cost", "model switches"] = (
        required("what was measured")
    )
    before: float | None = optional("the figure without it, in the unit of the row", ge=0)
    after: float | None = optional("the figure with it", ge=0)
    unit: Literal["frac", "tok/s", "req/s", "s", "x"] = required(
        "unit of before and after; x: only their ratio is told"
    )
    ratio: float | None = optional("after over before, as printed or computed from both", gt=0)
    as_of: Day | None = optional("day of the publication", ge=Day(2023, 1, 1))
    status: Status
    source_kind: SourceKind
    source_url: SourceUrl
    accessed: Accessed
    note: str | None = optional("what a reader must know about this row", **TEXT)

    @field_validator("ratio")
    @classmethod
    def _is_that_of_the_figures(cls, ratio, info: ValidationInfo):
        before, after = info.data.get("before"), info.data.get("after")
        if before and after and abs(ratio * before / after - 1) > 0.02:
            raise ValueError(f"{ratio:g} is not {after:g} over {before:g}")
        return ratio


class AttentionKernel(Row):
    gpu: str = required("GPU it was measured on", **GPU)
    precision: Literal["fp4", "fp8"] = required("format of the attention weights; the KV cache is FP8")
    num_heads: int = required("attention heads on the GPU: 128 over the size of tensor parallelism", gt=0, le=128)
    num_tokens: int = required("tokens of the step on the GPU", "tok", gt=0)
    context_tok: int = required("context of each", "tok", gt=0)
    latency_ms: float = required("one multi-head latent attention module of DeepSeek-V3", "ms", gt=0)


class ExpertKernel(Row):
    gpu: str = required("GPU it was measured on", **GPU)
    precision: Literal["fp4", "fp8"] = required("format of the expert weights")
    ep: int = required("GPUs that share the 256 experts", "gpu", gt=0)
    skew: float = required("exponent of the power law that chose the experts, evened out by a load balancer", ge=0)
    num_tokens: int = required("tokens of the step over all these GPUs", "tok", gt=0)
    latency_ms: float = required("routed experts of one layer: hidden size 7168, eight of 256 experts", "ms", gt=0)


class AllToAllKernel(Row):
    gpu: str = required("GPU it was measured on", **GPU)
    link: Literal["nvlink", "infiniband"] = required("infiniband: islands of eight GPUs, joined at 400 Gb/s a GPU")
    library: Literal["trt-one-sided", "trt-two-sided", "deepep", "deepep-hopper"] = required(
        "kernels that exchange the tokens; deepep-hopper is an older measurement that stands for H100 and H200"
    )
    precision: Literal["fp4", "fp8"] = required("format in which tokens are dispatched")
    ep: int = required("GPUs that exchange", "gpu", gt=0)
    num_tokens: int = required("tokens of the step on each GPU", "tok", gt=0)
    prepare_ms: float | None = optional("preparing, where the library does it apart", "ms", gt=0)
    dispatch_ms: float = required("sending tokens to their experts", "ms", gt=0)
    combine_ms: float = required("sending results back in BF16", "ms", gt=0)
    low_precision_combine_ms: float | None = optional("the same in fewer bits, where the library can", "ms", gt=0)


class KernelSystem(Row):
    gpu: str = required("GPU, as in gpus.csv", **GPU)
    scale_out_gb_per_s: float = required("network out of the scale-up domain, per GPU, one direction", "gb/s", gt=0)


def _size(meaning: str, unit: str | None = None) -> Any:
    return optional(meaning, unit, gt=0, le=10_000_000)


class ModelArchitecture(Row):
    model: str = required("language model, as in operating_points.csv", **SLUG)
    model_printed: str = required("the model's name at the source", **TEXT)
    attention: Literal["mla", "sparse-mla", "gqa", "window-gqa", "linear-gqa", "other"] = required(
        "kind of attention; other has parts that these numbers do not count, so it has no bound"
    )
    num_layers: int = required("layers", gt=0)
    num_dense_layers: int = required("of them with one dense network in place of experts", ge=0)
    hidden_size: int = required("width of a token", gt=0)
    vocab_size: int = required("tokens of the vocabulary", gt=0)
    num_experts: int = required("routed experts of a layer", gt=0)
    experts_per_tok: int = required("experts that a token goes to", gt=0)
    num_shared_experts: int = required("experts that every token goes to", ge=0)
    expert_ffn_size: int = required("inner width of an expert", gt=0)
    dense_ffn_size: int | None = _size("inner width of a dense layer's network")
    num_heads: int = required("attention heads", gt=0)
    num_kv_heads: int = required("heads that share keys and values", gt=0)
    head_dim: int | None = _size("width of a head")
    q_lora_rank: int | None = _size("rank of the compressed queries")
    kv_lora_rank: int | None = _size("rank of the compressed keys and values, which are what is cached")
    rope_dim: int | None = _size("part of a head that knows its place")
    nope_dim: int | None = _size("part of a head that does not")
    v_head_dim: int | None = _size("width of a value head")
    num_window_layers: int | None = _size("layers that look back over a window only")
    window_tok: int | None = _size("that window", "tok")
    num_linear_layers: int | None = _size("layers of linear attention, whose state does not grow")
    linear_key_size: int | None = _size("keys of such a layer: heads times width")
    linear_value_size: int | None = _size("values of such a layer: heads times width")
    index_topk: int | None = _size("tokens that sparse attention picks", "tok")
    index_size: int | None = _size("index queries of sparse attention: heads times width")
    index_head_dim: int | None = _size("index keys of sparse attention, cached beside the others")


class AcceptanceLength(Row):
    curve: str = required("model, method and mode", **SLUG)
    model: str = required("language model, as in operating_points.csv", **SLUG)
    is_thinking: bool = required("reasoning was on")
    depth: int = required("tokens that are drafted a step", gt=0, le=64)
    acceptance_length: float = required("mean tokens a step yields, the one that is always right included", ge=1, le=65)

    @field_validator("acceptance_length")
    @classmethod
    def _no_more_than_drafted(cls, length, info: ValidationInfo):
        if (depth := info.data.get("depth")) is not None and length > depth + 1:
            raise ValueError(f"{length:g} tokens cannot come of {depth} drafted ones and one more")
        return length


class ServingRecipe(Row):
    gpu: str = required("GPU, as in gpus.csv", **GPU)
    model: str = required("language model, as in operating_points.csv", **SLUG)
    framework: str = required("serving engine", **SLUG)
    precision: Literal["fp4", "fp8"] = required("number format of the weights")
    isl: int = required("input length", "tok", gt=0)
    osl: int = required("output length", "tok", gt=0)
    conc: int = required("requests in flight", gt=0)
    decode_num_workers: int = required("decode workers", gt=0)
    decode_tp: int = required("GPUs of a decode worker", "gpu", gt=0)
    decode_ep: int = required("GPUs of it that share the experts", "gpu", gt=0)
    decode_dp_attention: bool = required("data-parallel attention of decode")
    depth: int = required("tokens that are drafted a step; 0 without speculation", ge=0, le=64)


class Prediction(Row):
    prediction_id: str = required("unique name of the prediction", **SLUG)
    registered_on: Day = required("day it was registered", ge=Day(2026, 11, 1))
    code_sha256: str = required("hash of the model's code and kernel tables on that day", **SHA256)
    status: Literal["PROSPECTIVE"] = required("made before anybody had measured the point")
    model: str = required("language model, as in operating_points.csv", **SLUG)
    gpu: str = required("GPU, as in gpus.csv", **GPU)
    precision: Literal["fp4", "fp8"] = required("number format of the weights")
    spec_decoding: Literal["none", "mtp"] = required("speculative decoding")
    depth: int = required("tokens that are drafted a step; 0 without speculation", ge=0, le=64)
    acceptance_length: float = required("mean tokens a step yields, an assumption", ge=1, le=65)
    acceptance_low: float = required("low end of that assumption", ge=1, le=65)
    acceptance_high: float = required("high end of that assumption", ge=1, le=65)
    ep: int = required("GPUs of a decode worker, which share the experts", "gpu", gt=0)
    batch: float = required("requests in flight per decode GPU", gt=0)
    isl: int = required("input length", "tok", gt=0)
    osl: int = required("output length", "tok", gt=0)
    interactivity_tok_per_s_per_user: float = required("speed that is predicted", "tok/s/user", gt=0)
    interactivity_low: float = required("the same at acceptance_low", "tok/s/user", gt=0)
    interactivity_high: float = required("the same at acceptance_high, by the fastest kernels", "tok/s/user", gt=0)
    output_tok_per_s_per_decode_gpu: float = required("throughput that is predicted", "tok/s/gpu", gt=0)
    stand_ins: str | None = optional("kernels that stand for ones nobody measured", **TEXT)


class KnownWrong(Row):
    key: str = required("unique name of the row", **SLUG)
    run_id: str | None = optional("run whose points are marked, of the configuration named here", **TEXT)
    point_id: str | None = optional("published point that is marked", **SLUG, validate_default=True)
    gpu: str | None = optional("GPU, as in gpus.csv", **GPU)
    model: str | None = optional("language model, normalised", **SLUG)
    framework: str | None = optional("serving engine, normalised", **SLUG)
    precision: str | None = optional("number format, normalised", **TEXT)
    spec_decoding: str | None = optional("speculative decoding, normalised", **SLUG)
    status: Literal["stated", "likely"] = required(
        "stated by the owner of this very run; likely: a page that shows the figures of such a run, or of one alike"
    )
    reason: str = required("what is known to be wrong", **TEXT)
    source_url: SourceUrl
    accessed: Accessed

    @field_validator("point_id")
    @classmethod
    def _marks_a_run_or_a_point(cls, point, info: ValidationInfo):
        if (point is None) == (info.data.get("run_id") is None):
            raise ValueError("must be given exactly when run_id is not")
        return point


class DerivedCalibration(Row):
    gpu: str = required("GPU, as in gpus.csv", **GPU)
    num_pairs: int = required("runs of it that were measured and derived", gt=0)
    tput_bias: float = required("median of derived over measured throughput, which was divided out", "x", gt=0, le=10)
    speed_bias: float = required("the same of the speed per user", "x", gt=0, le=10)
    low: float = required("low end of the band over the point", "x", gt=0, le=1)
    high: float = required("high end of the band over the point", "x", ge=1, le=100)
    learned_from: Literal["own runs", "runs of all GPUs"] = required("whose runs gave the ends of the band")
    median_after: float = required("median of derived over measured with the bias divided out", "x", gt=0, le=10)
    inside_frac: float = required("share of the GPU's own runs inside the band", "frac", ge=0, le=1)
    source_url: SourceUrl
    accessed: Accessed


# The rules of the columns of a benchmark file, by type and, before that, by name.
_BENCHMARK_RULES = {
    "VARCHAR": (str, TEXT),
    "VARCHAR[]": (str, TEXT),
    "BIGINT": (int, {"gt": 0, "le": 10_000_000}),
    "DOUBLE": (float, {"gt": 0, "le": 500_000}),
    "BOOLEAN": (bool, {}),
    "DATE": (Day, {"ge": Day(2023, 1, 1)}),
    "point_id": (str, SLUG),
    "gpu": (str, GPU),
    "model": (str, SLUG),
    "evidence": (Literal["measured", "derived"], {}),
    "run_url": (str, URL),
}
_BENCHMARK_NEEDS = {
    *("point_id", "evidence", "gpu", "model", "is_disagg", "num_gpu", "isl_tok", "osl_tok", "conc"),
    *("total_tok_per_s_per_gpu", "interactivity_tok_per_s_per_user", "date", "run_url"),
}


def _benchmark_field(column) -> tuple:
    kind, rules = _BENCHMARK_RULES.get(column.name) or _BENCHMARK_RULES[column.type]
    if column.name in _BENCHMARK_NEEDS:
        return kind, required(column.meaning, column.unit or None, **rules)
    return kind | None, optional(column.meaning, column.unit or None, **rules)


# A measured point that ships: columns, units and meanings are those of the table of measured points.
Benchmark = create_model("Benchmark", __base__=Row, **{c.name: _benchmark_field(c) for c in BENCHMARK_COLUMNS})


def _ends_after_start(end: Day, info: ValidationInfo) -> Day:
    start = info.data.get("effective_from")
    if start is None:
        raise ValueError("needs effective_from")
    if end <= start:
        raise ValueError(f"must be later than effective_from ({start})")
    return end


def _one_kind_of_date(seen: Day, info: ValidationInfo) -> Day:
    if info.data.get("effective_from"):
        raise ValueError("must be empty where effective_from is given")
    return seen


# One problem of a whole file: the index of the row, the field, and the sentence.
Problem = tuple[int, str, str]


def _duplicates_exist(rows: list[dict]) -> Iterable[Problem]:
    first_hand = {row["point_id"] for row in rows if row["duplicate_of"] is None}
    for i, row in enumerate(rows):
        if row["duplicate_of"] is not None and row["duplicate_of"] not in first_hand:
            yield i, "duplicate_of", f"'{row['duplicate_of']}' is not the point_id of a row that is no duplicate itself"


def _one_reference_per_gpu(rows: list[dict]) -> Iterable[Problem]:
    num_references = Counter(row["gpu"] for row in rows if row["is_reference"])
    for i, row in enumerate(rows):
        if num_references[row["gpu"]] != 1:
            yield i, "is_reference", f"{num_references[row['gpu']]} rows of {row['gpu']} are true; exactly one must be"


def intervals_apart(*series: str) -> Callable[[list[dict]], Iterable[Problem]]:
    """The rows of one series that have effective_from must follow each other without overlap."""

    def problems(rows):
        dated = [i for i, row in enumerate(rows) if row["effective_from"] is not None]
        dated.sort(key=lambda i: ([rows[i][c] or "" for c in series], rows[i]["effective_from"]))
        for before, after in itertools.pairwise(dated):
            earlier, later = rows[before], rows[after]
            end = earlier["effective_to"]
            if all(earlier[c] == later[c] for c in series) and (end is None or end > later["effective_from"]):
                yield (
                    after,
                    "effective_from",
                    f"{later['effective_from']} falls into the time of another row with the same"
                    f" {', '.join(series)} ({earlier['effective_from']} to {end or 'now'})",
                )

    return problems


def _one_undated_row(*series: str) -> Callable[[list[dict]], Iterable[Problem]]:
    """Of the rows of one series without effective_from there is at most one."""

    def problems(rows):
        seen = set()
        for i, row in enumerate(rows):
            key = tuple(row[c] for c in series)
            if row["effective_from"] is None and key in seen:
                yield i, series[0], f"another row already says {' of '.join(key)}"
            elif row["effective_from"] is None:
                seen.add(key)

    return problems


def _one_row(*series: str) -> Callable[[list[dict]], Iterable[Problem]]:
    """There is at most one row of a series, so that no look-up has to choose."""

    def problems(rows):
        num_rows = Counter(tuple(row[c] for c in series) for row in rows)
        for i, row in enumerate(rows):
            if num_rows[tuple(row[c] for c in series)] > 1:
                yield i, series[0], f"there is another row of {', '.join(row[c] for c in series)}"

    return problems


def _slots_without_gap(rows: list[dict]) -> Iterable[Problem]:
    """The slots of a curve are numbered from 0 on, in one length and unit."""
    num_slots = Counter(row["curve_id"] for row in rows)
    first = {}
    for i, row in enumerate(rows):
        like = first.setdefault(row["curve_id"], row)
        if row["slot"] >= num_slots[row["curve_id"]]:
            yield (
                i,
                "slot",
                f"{row['slot']} of {num_slots[row['curve_id']]}: the slots of a curve go from 0 on, each once",
            )
        for field in ("slot_hour", "unit"):
            if row[field] != like[field]:
                yield i, field, f"is {row[field]} here and {like[field]} elsewhere in {row['curve_id']}"


def _adds_up(rows: list[dict]) -> Iterable[Problem]:
    """A schedule writes off the whole price, to the rounding of its table."""
    total = Counter()
    for row in rows:
        total[row["schedule"]] += row["frac"]
    for i, row in enumerate(rows):
        if abs(total[row["schedule"]] - 1) > 0.001:
            yield i, "frac", f"the shares of {row['schedule']} add up to {total[row['schedule']]:g}, not to 1"


def _prefixes_fit(rows: list[dict]) -> Iterable[Problem]:
    """Requests are numbered and in time, and nobody shares more than the earlier request has."""
    before: dict[str, dict] = {}
    for i, row in enumerate(rows):
        last = before.get(row["trace"])
        if row["request"] != (last["request"] + 1 if last else 0):
            yield i, "request", "requests of a trace are numbered from 0 without a gap"
        if last and row["time_s"] < last["time_s"]:
            yield i, "time_s", f"time goes back from {last['time_s']:g} to {row['time_s']:g} s"
        before[row["trace"]] = row


@dataclass(frozen=True)
class Table:
    """One file of `data/`, or several of one form, and the table it becomes.

    may_lack_columns : a column of which a file states nothing need not stand in it
    """

    name: str
    file: str
    model: type[Row]
    key: tuple[str, ...]
    description: str
    grain: str
    checks: tuple[Callable[[list[dict]], Iterable[Problem]], ...] = ()
    may_lack_columns: bool = False

    def files(self, folder: Path) -> list[Path]:
        """The files in the data folder: one that must be there, or all that match."""
        return sorted(folder.glob(self.file)) if self.has_several_files else [folder / self.file]

    @property
    def has_several_files(self) -> bool:
        return "*" in self.file


TABLES: dict[str, Table] = {
    table.name: table
    for table in (
        Table(
            "operating_points",
            "operating_points.csv",
            OperatingPoint,
            ("point_id",),
            "what a model was seen to do on a GPU",
            "one published operating point",
            (_duplicates_exist,),
        ),
        Table(
            "benchmarks",
            "benchmarks/*.csv",
            Benchmark,
            ("point_id",),
            "what runs of the InferenceX benchmark measured",
            "one measured operating point of one run",
            may_lack_columns=True,
        ),
        Table(
            "derived_calibration",
            "derived_calibration.csv",
            DerivedCalibration,
            ("gpu",),
            "how well throughput follows from latencies, on runs known both ways",
            "one GPU",
        ),
        Table(
            "known_wrong_runs",
            "known_wrong_runs.csv",
            KnownWrong,
            ("key",),
            "which runs gave wrong answers, fast as they were",
            "one run of one configuration, or one published point",
        ),
        Table(
            "price_book",
            "price_book.csv",
            Price,
            ("price_id",),
            "what an hour of a GPU costs",
            "one price of one GPU on one basis, for a time or on a day",
            (intervals_apart("gpu", "basis", "provider", "region", "variant"),),
        ),
        Table(
            "power_book",
            "power_book.csv",
            Power,
            ("power_id",),
            "how much power a GPU stands for",
            "one power figure of one GPU on one basis, for a time or on a day",
            (intervals_apart("gpu", "basis", "provider"),),
        ),
        Table(
            "hardware",
            "hardware.csv",
            Hardware,
            ("hardware_id",),
            "what a GPU is",
            "one published set of specifications of a GPU; several per GPU where sources differ",
            (_one_reference_per_gpu,),
        ),
        Table(
            "api_prices",
            "api_prices.csv",
            ApiPrice,
            ("api_price_id",),
            "what tokens are sold for",
            "one tariff of a model at a provider",
        ),
        Table(
            "workloads",
            "workloads.csv",
            Workload,
            ("workload_id",),
            "what users ask for: tokens of real traffic, and of a finished task",
            "one published mean",
        ),
        Table(
            "claims",
            "claims.csv",
            Claim,
            ("claim_id",),
            "what somebody says",
            "one published ratio or headline figure to audit",
        ),
        Table(
            "site_inputs",
            "site_inputs.csv",
            SiteInput,
            ("key",),
            "what a site adds to its servers: cooling, losses, reserves, carbon and water",
            "one assumption about a site, with its range",
            (_one_undated_row("parameter", "applies_to"), intervals_apart("parameter", "applies_to")),
        ),
        Table(
            "tco_inputs",
            "tco_inputs.csv",
            TcoInput,
            ("key",),
            "what owning a GPU costs, input by input",
            "one assumption of one profile, with its range",
            (_one_row("profile", "parameter", "applies_to"),),
        ),
        Table(
            "gpus",
            "gpus.csv",
            GpuName,
            ("gpu",),
            "which GPUs there are, what they are called and how they are drawn",
            "one GPU; every other file names only these",
        ),
        Table(
            "precisions",
            "precisions.csv",
            PrecisionName,
            ("precision",),
            "which number formats there are, and what sources call them",
            "one number format",
        ),
        Table(
            "models",
            "models.csv",
            ModelName,
            ("model",),
            "what people call a model; one without a row is called by its key",
            "one model",
        ),
        Table(
            "load_curves",
            "load_curves.csv",
            LoadSlot,
            ("curve_id", "slot"),
            "how demand goes up and down: a day of a service, an hour of requests",
            "one slot of time of one curve",
            (_slots_without_gap,),
        ),
        Table(
            "depreciation",
            "depreciation.csv",
            Depreciation,
            ("schedule", "year"),
            "how fast a price may be written off from taxable income",
            "one year of one schedule",
            (_adds_up,),
        ),
        Table(
            "changes",
            "changes.csv",
            Change,
            ("change_id",),
            "how fast software and token prices moved",
            "one figure on two days",
        ),
        Table(
            "traces",
            "traces.csv",
            RecordedTrace,
            ("trace",),
            "whose requests were recorded, and how",
            "one recorded trace",
        ),
        Table(
            "trace_requests",
            "trace_requests.csv",
            TraceRequest,
            ("trace", "request"),
            "real requests, in the order in which they came, and which earlier ones they continue",
            "one request of one trace",
            (_prefixes_fit,),
        ),
        Table(
            "memory_tiers",
            "memory_tiers.csv",
            MemoryTier,
            ("key",),
            "where keys and values of tokens can be kept: how much room, at what price, and how fast",
            "one figure of one tier",
        ),
        Table(
            "cache_effects",
            "cache_effects.csv",
            CacheEffect,
            ("effect_id",),
            "what shared caches, offload and routing were measured to do",
            "one published measurement",
        ),
        Table(
            "kernels_attention",
            "kernels_attention.csv",
            AttentionKernel,
            ("gpu", "precision", "num_heads", "num_tokens", "context_tok"),
            "how long attention of one layer takes",
            "one measured kernel",
        ),
        Table(
            "kernels_experts",
            "kernels_experts.csv",
            ExpertKernel,
            ("gpu", "precision", "ep", "skew", "num_tokens"),
            "how long the experts of one layer take",
            "one measured kernel",
        ),
        Table(
            "kernels_all_to_all",
            "kernels_all_to_all.csv",
            AllToAllKernel,
            ("gpu", "link", "library", "precision", "ep", "num_tokens"),
            "how long tokens travel between GPUs in one layer",
            "one measured exchange",
        ),
        Table(
            "kernel_systems",
            "kernel_systems.csv",
            KernelSystem,
            ("gpu",),
            "how fast the network between scale-up domains is",
            "one GPU",
        ),
        Table(
            "model_architectures",
            "model_architectures.csv",
            ModelArchitecture,
            ("model",),
            "what a language model is made of",
            "one model",
        ),
        Table(
            "acceptance_lengths",
            "acceptance_lengths.csv",
            AcceptanceLength,
            ("curve", "depth"),
            "how many drafted tokens are right",
            "one depth of one curve",
        ),
        Table(
            "serving_recipes",
            "serving_recipes.csv",
            ServingRecipe,
            (
                "gpu",
                "model",
                "framework",
                "precision",
                "isl",
                "osl",
                "conc",
                "decode_num_workers",
                "decode_tp",
                "decode_ep",
                "depth",
            ),
            "how a recipe of InferenceX decodes, and how many tokens it drafts, which results do not say",
            "one recipe at one concurrency",
        ),
        Table(
            "predictions",
            "predictions.csv",
            Prediction,
            ("prediction_id",),
            "what the decode model says of points that nobody has measured",
            "one prediction, registered before its measurement",
        ),
    )
}


def python_type(annotation: Any) -> type:
    """The type behind `T | None` and `Literal[...]`."""
    inner = [a for a in get_args(annotation) if a is not NoneType] if NoneType in get_args(annotation) else [annotation]
    return str if get_origin(inner[0]) is Literal else inner[0]


DUCKDB_TYPES = {str: "VARCHAR", int: "BIGINT", float: "DOUBLE", bool: "BOOLEAN", Day: "DATE"}


def columns(table: Table) -> dict[str, str]:
    """The columns of a table in their order, with their DuckDB types."""
    return {name: DUCKDB_TYPES[python_type(f.annotation)] for name, f in table.model.model_fields.items()}


@dataclass(frozen=True)
class File:
    """What was read of one file: its header, how many lines of notice stand above that, and typed rows."""

    path: Path
    num_notes: int
    header: list[str]
    rows: list[dict]
    lines: list[int]


def read_table(table: Table, path: str | Path) -> list[dict]:
    """All rows of one file, typed; refuses the first thing that breaks the schema with a DataError."""
    return _read(table, [Path(path)])[0].rows


def read_all(folder: str | Path) -> dict[str, list[dict]]:
    """All files of a data folder by table name, and the rule between them: every gpu is a known one."""
    return {name: [row for file in read for row in file.rows] for name, read in read_files(folder).items()}


def read_files(folder: str | Path) -> dict[str, list[File]]:
    """The same, file by file."""
    read = {name: _read(table, table.files(Path(folder))) for name, table in TABLES.items()}
    known = {row["gpu"] for file in read["gpus"] for row in file.rows}
    for name, column, also in (
        ("hardware", "gpu", set()),
        ("operating_points", "gpu", set()),
        ("benchmarks", "gpu", set()),
        ("price_book", "gpu", set()),
        ("power_book", "gpu", set()),
        ("tco_inputs", "applies_to", EVERYTHING),
        ("kernel_systems", "gpu", set()),
        ("serving_recipes", "gpu", set()),
        ("predictions", "gpu", set()),
    ):
        for file in read[name]:
            for row, line in zip(file.rows, file.lines, strict=True):
                if row[column] not in known | also:
                    message = f"'{row[column]}' has no row in gpus.csv; add one first"
                    raise DataError(file.path.name, message, row=line, field=column)
    return read


def _read(table: Table, paths: Iterable[Path]) -> list[File]:
    forms = {name: CELL_FORMS.get(python_type(f.annotation)) for name, f in table.model.model_fields.items()}
    read, seen = [], {}
    for path in paths:
        num_notes, header, records = _records(table, path)
        file = File(path, num_notes, header, [], [])
        for line, cells in records:
            row = _validated(table, path.name, line, cells, forms)
            key = tuple(row[c] for c in table.key)
            if key in seen:
                there = f"row {seen[key][1]}" + ("" if seen[key][0] == path else f" of {seen[key][0].name}")
                message = f"{', '.join(map(str, key))} is already in {there}"
                raise DataError(path.name, message, row=line, field=table.key[0])
            seen[key] = path, line
            file.rows.append(row)
            file.lines.append(line)
        for check in table.checks:
            for i, field, message in check(file.rows):
                raise DataError(path.name, message, row=file.lines[i], field=field)
        read.append(file)
    return read


def _records(table: Table, path: Path) -> tuple[int, list[str], Iterable[tuple[int, dict[str, str]]]]:
    """Number of lines of notice, the header, and line number and filled cells of every record."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise DataError(path.name, f"cannot be read: {error.strerror}") from error
    try:
        text = raw.decode("utf-8-sig")  # spreadsheets put a mark in front
    except UnicodeDecodeError as error:
        line = raw[: error.start].count(b"\n") + 1
        raise DataError(path.name, "is not UTF-8 text; save it as CSV in UTF-8", row=line) from error
    num_notes = num_notice_lines(text)
    lines = io.StringIO(text, newline="")
    for _ in range(num_notes):
        lines.readline()
    reader = csv.reader(lines, strict=True)
    try:
        header = next(reader, None)
    except csv.Error as error:
        raise DataError(path.name, f"is not well-formed CSV: {error}", row=num_notes + 1) from error
    if header is None:
        raise DataError(path.name, "is empty; the first line must name the columns")
    _check_header(table, path.name, header, num_notes + 1)
    return num_notes, header, _cells(path.name, reader, header, num_notes)


def _cells(file: str, reader, header: list[str], num_notes: int) -> Iterable[tuple[int, dict[str, str]]]:
    line = num_notes + reader.line_num + 1
    try:
        for cells in reader:
            if cells and len(cells) != len(header):
                raise DataError(file, f"has {len(cells)} cells, but there are {len(header)} columns", row=line)
            if cells:
                yield line, {name: cell for name, cell in zip(header, cells, strict=True) if cell != ""}
            line = num_notes + reader.line_num + 1
    except csv.Error as error:
        raise DataError(file, f"is not well-formed CSV: {error}", row=line) from error


def num_notice_lines(text: str) -> int:
    """How many lines that begin with # a file has before its columns: the notice of its owner."""
    return sum(1 for _ in itertools.takewhile(lambda line: line.startswith("#"), text.splitlines()))


def _check_header(table: Table, file: str, header: list[str], line: int) -> None:
    fields = table.model.model_fields
    needed = [name for name, field in fields.items() if field.is_required() or not table.may_lack_columns]
    for problem, names in (
        ("appears twice", [name for name, n in Counter(header).items() if n > 1]),
        ("is not a column of this file", [name for name in header if name not in fields]),
        ("is missing", [name for name in needed if name not in header]),
    ):
        if names:
            raise DataError(file, f"column '{_shown(names[0])}' {problem}", row=line)


# pydantic alone would also take 1_000, yes, or seconds since 1970: a file has one way to write a value.
CELL_FORMS = {
    int: (re.compile(r"-?[0-9]+"), "a whole number"),
    float: (re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?"), "a number (plain digits, a point for decimals)"),
    bool: (re.compile(r"true|false"), "true or false"),
    Day: (re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}"), "a date (YYYY-MM-DD)"),
}


def _validated(table: Table, file: str, line: int, cells: dict[str, str], forms: dict) -> dict:
    for name, cell in cells.items():
        form = forms[name]
        if form and not form[0].fullmatch(cell):
            raise DataError(file, f"'{_shown(cell)}' is not {form[1]}", row=line, field=name)
    try:
        return dict(table.model.model_validate_strings(cells))
    except ValidationError as invalid:
        error = invalid.errors(include_url=False)[0]
        raise DataError(file, in_words(error), row=line, field=str(error["loc"][0])) from None


BOUNDS = {"greater_than": "above", "greater_than_equal": "at least", "less_than_equal": "at most"}


def in_words(error: dict) -> str:
    """One sentence for one pydantic error."""
    kind, rules, given = error["type"], error.get("ctx", {}), _shown(str(error["input"]))
    if kind == "missing":
        return "is empty, but must be given"
    if kind == "value_error":
        return str(rules["error"])
    if kind == "literal_error":
        return f"'{given}' is not one of {rules['expected']}".replace(" or ", ", ")
    if kind == "string_pattern_mismatch":
        return f"'{given}' does not have the form {rules['pattern']}"
    if kind == "string_too_long":
        return f"is longer than {rules['max_length']} characters"
    if kind.startswith("date"):
        return f"'{given}' is not a date (YYYY-MM-DD)"
    if kind == "finite_number":
        return f"'{given}' is not a finite number"
    if kind in BOUNDS:
        return f"{given} must be {BOUNDS[kind]} {next(iter(rules.values()))}"
    return f"'{given}' is refused: {error['msg']}"


def _shown(cell: str) -> str:
    return cell if len(cell) <= 60 else cell[:60] + "..."
