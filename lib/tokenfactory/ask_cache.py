"""What a trace of one's own says of a prefix cache: hit rate by size, the size that is enough, and what it is worth."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date
from functools import partial
from operator import attrgetter
from pathlib import Path

import numpy as np

from reportkit import cluster
from tokenfactory.display import show
from tokenfactory.display.show import number, percent, usd
from tokenfactory.errors import NotMeasuredError, ParameterError, check_known
from tokenfactory.formulas import reuse
from tokenfactory.measurements import traces
from tokenfactory.measurements.traces import Read
from tokenfactory.methods import cache, cache_shards, pools
from tokenfactory.methods.architecture import Architecture

OFFLOAD = "dram"  # the tier whose price and bandwidth are taken
ENOUGH_FRAC = 0.9  # of all hits that are possible: the knee


def read(
    path: Path | str, *, block_tok: int | None, sample_frac: float = 1.0, scheduler: str | None = None
) -> tuple[Read, cache.Curve | None]:
    """A trace; with a scheduler only its requests, and the hits of one cache at every capacity.

    Parameters
    ----------
    path : the file, which each worker of a cluster can read under this name
    block_tok, sample_frac : as `traces.read` has them
    scheduler : address of a Dask scheduler on whose workers to read the trace in shards, or local

    Raises
    ------
    ParameterError : a sample is to be taken on a cluster
    """
    if scheduler is None:
        return traces.read(path, block_tok=block_tok, sample_frac=sample_frac), None
    if sample_frac < 1:
        raise ParameterError("--scheduler and --sample: a sample is small enough for one machine; take one of the two")
    with cluster.client(scheduler) as dask:
        run, num = cluster.calls(dask, scheduler), sum(dask.nthreads().values())
        read_one = partial(traces.read, Path(path).absolute(), block_tok=block_tok)
        shards = [dask.submit(read_one, shard=(i, num), pure=False) for i in range(num)]
        whole, orders = traces.joined(path, run(traces.without_blocks, shards))
        return whole, cache_shards.curve(dask.map(attrgetter("trace"), shards, pure=False), orders, run=run)


def answer(
    warehouse, read: Read, found: cache.Curve | None = None, *, model: str, gpu: str, speed: float, on: date | str,
    utilisation_frac: float,
) -> dict:  # fmt: skip
    """Curve, knee and dollars of a trace, as data for a program; ParameterError names an unknown model or GPU.

    Parameters
    ----------
    found : the hits of the trace, where they are known
    speed : slowest speed per user that counts [tok/(s user)]
    on : day of the prices, or latest
    utilisation_frac : share of the paid hours that is used [0..1]
    """
    check_known("model", [model], warehouse.vocabulary("model"))
    check_known("gpu", [gpu], warehouse.vocabulary("gpu"))
    trace = read.trace
    if found is None and read.sample_frac < 1:
        found = cache.sample(trace.block, trace.start, frac=read.sample_frac, num_blocks=read.num_blocks)
        largest = max(part.hits.size for part in found.parts) / read.sample_frac
    else:
        found = found or cache.curve(cache.of_trace(trace))
        largest = found.hits.size - 1
    grid = np.unique(np.geomspace(1, max(largest, 2), 2000).astype(int))
    reached = found.hit_frac(grid)
    knee = int(grid[np.argmax(reached >= ENOUGH_FRAC * reached[-1])])
    hours = float(trace.time_s[-1] - trace.time_s[0]) / 3600
    told = {
        "trace": {
            "format": read.format, "requests": int(trace.time_s.size), "sessions": int(np.unique(trace.session).size),
            "blocks": read.num_blocks, "block_tok": trace.block_tok, "input_tok": int(trace.input_tok.sum()),
            "output_tok": int(trace.output_tok.sum()), "hours": hours, "sample_frac": read.sample_frac,
            "notes": list(read.notes),
        },
        "model": model, "gpu": gpu, "bound_frac": float(reached[-1]),
        "curve": [_at(found, size, trace.block_tok) for size in _round_sizes(10 / read.sample_frac, largest)],
        "knee": _at(found, knee, trace.block_tok),
    }  # fmt: skip
    try:
        value = _worth(warehouse, model=model, gpu=gpu, speed=speed, on=on, utilisation_frac=utilisation_frac)
        told["dollars"] = value | _at_knee(value, told, hours, trace.block_tok * read.num_blocks)
    except NotMeasuredError as error:
        told["dollars"], told["not_measured"] = None, str(error)
    return told


def _round_sizes(smallest: float, largest: float) -> list[int]:
    sizes = [step * 10**power for power in range(10) for step in (1, 2, 5)]
    return [size for size in sizes if max(smallest, largest / 3000) <= size < largest] + [int(largest)]


def _at(found, blocks: int, block_tok: int) -> dict:
    error = float(found.error_frac(blocks)) if isinstance(found, cache.Sampled) else 0.0
    return {"capacity_tok": blocks * block_tok, "hit_frac": float(found.hit_frac(blocks)), "error_frac": error}


def _worth(warehouse, *, model: str, gpu: str, speed: float, on: date | str, utilisation_frac: float) -> dict:
    """What computing, loading and keeping a million tokens cost; NotMeasuredError where nobody knows."""
    memory = memory_of(warehouse, model)
    points = warehouse.query(
        """SELECT isl, osl, num_prefill_gpu, num_decode_gpu, total_tok_per_s_per_gpu, interactivity_tok_per_s_per_user
           FROM points WHERE model = $model AND gpu = $gpu AND num_prefill_gpu > 0 AND num_decode_gpu > 0
           AND evidence = 'measured' AND isl >= 8 * osl ORDER BY point_id""",
        model=model, gpu=gpu,
    ).to_dicts()  # fmt: skip
    price = warehouse.price(gpu=gpu, basis="owning_hyperscaler", on=warehouse.day(on))["usd_per_gpu_hour"]
    here = pools.best(points, min_speed=speed, usd_per_gpu_hour=price, utilisation_frac=utilisation_frac)
    if here is None:
        raise NotMeasuredError(f"no system of {gpu} with pools was measured for {model} at {speed:g} tok/s per user")
    loaded = here.usd_per_mtok_loaded(gb_per_mtok=memory["gb_per_mtok"], gb_per_s=memory["gb_per_s"])
    return memory | {"usd_per_mtok_fresh": here.usd_per_mtok_fresh, "usd_per_mtok_loaded": loaded}


def memory_of(warehouse, model: str, byte_per_value: float = 1.0) -> dict:
    """What a million cached tokens take of host memory, and what keeping them for an hour costs.

    Returns
    -------
    gb_per_mtok [GB/Mtok], usd_per_gb [USD/GB], gb_per_s [GB/s], life_year [year], storage_usd_per_mtok_hour
    [USD/(Mtok h)], and ways: how these are known

    Raises
    ------
    NotMeasuredError : the size of a cached token is not known
    """
    rows = warehouse.query(
        "FROM model_architectures WHERE model = $model AND attention <> 'other' ORDER BY model", model=model
    ).to_dicts()
    if not rows:
        raise NotMeasuredError(f"the size of a cached token of {model} is not known")
    size = Architecture.from_row(rows[0])
    tier = warehouse.query(
        """SELECT parameter, value, status FROM memory_tiers WHERE tier = $tier AND applies_to = 'all'
           UNION ALL SELECT parameter, value, status FROM tco_inputs
           WHERE profile = 'typical' AND parameter = 'life_year' AND applies_to = 'all' ORDER BY parameter""",
        tier=OFFLOAD,
    )
    gb = reuse.kv_gb_per_mtok(kv_value_per_tok=size.kv_per_tok + size.index_per_tok, byte_per_value=byte_per_value)
    ways = show.known("published", *tier.to_dicts())  # the size is that of a published configuration file
    found = dict(tier.select("parameter", "value").rows()) | {"gb_per_mtok": gb, "ways": ways}
    how = {name: found[name] for name in ("gb_per_mtok", "usd_per_gb", "life_year")}
    return found | {"storage_usd_per_mtok_hour": reuse.storage_usd_per_mtok_hour(**how)}


def _at_knee(value: Mapping, told: Mapping, hours: float, asked_tok: int) -> dict:
    knee = told["knee"]
    spared = value["usd_per_mtok_fresh"] - value["usd_per_mtok_loaded"]
    saved = knee["hit_frac"] * asked_tok * spared / 1e6 / hours if hours else None
    return {
        "knee_gb": knee["capacity_tok"] * value["gb_per_mtok"] / 1e6,
        "memory_usd_per_hour": knee["capacity_tok"] * value["storage_usd_per_mtok_hour"] / 1e6,
        "saved_usd_per_hour": saved,
        "input_usd_per_mtok": reuse.input_usd_per_mtok(
            usd_per_mtok_fresh=value["usd_per_mtok_fresh"], usd_per_mtok_cached=value["usd_per_mtok_loaded"],
            cached_frac=knee["hit_frac"]),
        "break_even_residence_h": spared / value["storage_usd_per_mtok_hour"],
    }  # fmt: skip


def text(told: Mapping) -> list[str]:
    """The answer for a terminal, line by line."""
    trace, worth, knee = told["trace"], told["dollars"], told["knee"]
    per_mtok = worth and worth["gb_per_mtok"]
    rows = [row | {"gb": per_mtok and row["capacity_tok"] * per_mtok / 1e6} for row in told["curve"]]
    share = {"render": lambda value: percent(value, 1), "is_number": True}
    columns = {"capacity_tok": show.Column("Tokens", number), "hit_frac": show.Column("Hit rate", **share)}
    columns |= {"gb": show.Column("GB", number)} if per_mtok else {}
    columns |= {"error_frac": show.Column("Standard error", **share)} if trace["sample_frac"] < 1 else {}
    lines = [show.table(rows, columns, f"{trace['requests']:,} requests in {number(trace['hours'], 2)} hours").plain()]
    holds = knee["capacity_tok"]
    size = f"{number(holds / 1e6)} million" if holds >= 1e6 else f"{holds:,}"
    room = f"A cache of {size} tokens hits {percent(knee['hit_frac'], 1)}."
    lines.append(f"Seen before: {percent(told['bound_frac'], 1)} of the input. {room}")
    if worth is None:
        return [*lines, f"Dollars are not measured: {told['not_measured']}.", *trace["notes"]]
    memory = f"{number(worth['knee_gb'])} GB of host memory, {usd(worth['memory_usd_per_hour'])} an hour"
    lines.append(f"{told['model']} on {told['gpu'].upper()}: that is {memory}.")
    lines.append(f"It spares {usd(worth['saved_usd_per_hour'])} of prefill an hour.")
    costs = f"{usd(worth['input_usd_per_mtok'])} with it and {usd(worth['usd_per_mtok_fresh'])} without"
    lines.append(f"A million input tokens cost {costs}.")
    wait = number(worth["break_even_residence_h"], 2)
    return [*lines, f"A prefix is worth keeping if it is used again within {wait} hours.", *trace["notes"]]
