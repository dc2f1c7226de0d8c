"""A cache in tiers: how much fits into each memory, what is hit with it, and what input then costs."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from tokenfactory.formulas import reuse
from tokenfactory.methods.cache import Curve
from tokenfactory.methods.pools import Pools


@dataclass(frozen=True)
class Tier:
    """One memory: its room [TB], infinite for as much as is bought, bandwidth [GB/s] and price [USD/GB]."""

    name: str
    room_tb: float
    gb_per_s: float
    usd_per_gb: float


@dataclass(frozen=True)
class Filled:
    """A tier and all faster ones together: their room [TB] and the share of the input that is hit with it [0..1].

    `input_usd_per_mtok` is a million tokens of input, hits loaded from where they lie [USD/Mtok]; `residence_h` how
    long a prefix is worth keeping in this tier [h].
    """

    tier: Tier
    room_tb: float
    hit_frac: float
    input_usd_per_mtok: float
    residence_h: float


def fill(
    tiers: Sequence[Tier], curve: Curve, pools: Pools, *, block_tok: int, gb_per_mtok: float, life_year: float
) -> list[Filled]:
    """Fill tiers from the fastest on.

    Parameters
    ----------
    curve : hits of every size of a cache, in blocks of `block_tok` [tok]
    gb_per_mtok : memory of a million cached tokens [GB/Mtok]
    life_year : years over which memory is written off [year]

    Notes
    -----
    With the hit rate h_k of the first k tiers, the loading cost l_k of each and the cost f of a computed million:
    c_k = (1 - h_k) f + sum_i (h_i - h_(i-1)) l_i. The fastest tier has the blocks that are used again soonest.
    """
    found, room, before, loading = [], 0.0, 0.0, 0.0
    for tier in tiers:
        room += tier.room_tb
        blocks = room * 1e9 / (gb_per_mtok * block_tok)
        hit = float(curve.hit_frac(blocks))
        load = pools.usd_per_mtok_loaded(gb_per_mtok=gb_per_mtok, gb_per_s=tier.gb_per_s)
        loading, before = loading + (hit - before) * load, hit
        stored = reuse.storage_usd_per_mtok_hour(
            gb_per_mtok=gb_per_mtok, usd_per_gb=tier.usd_per_gb, life_year=life_year
        )
        worth = reuse.break_even_residence_h(
            usd_per_mtok_fresh=pools.usd_per_mtok_fresh, usd_per_mtok_cached=load, storage_usd_per_mtok_hour=stored
        )
        found.append(Filled(tier, room, hit, (1 - hit) * pools.usd_per_mtok_fresh + loading, worth))
    return found


def usd_per_hour(
    curve: Curve, pools: Pools, *, block_tok: int, hours: float, gb_per_mtok: float, gb_per_s: float,
    storage_usd_per_mtok_hour: float,
) -> tuple[np.ndarray, np.ndarray]:  # fmt: skip
    """Of every size of a cache, in blocks: what its hits spare of prefill, and what its memory costs [USD/h].

    Parameters
    ----------
    hours : length of the trace [h]
    gb_per_s : bandwidth of the memory [GB/s]
    storage_usd_per_mtok_hour : cost of keeping a million tokens for an hour [USD/(Mtok h)]
    """
    loaded = pools.usd_per_mtok_loaded(gb_per_mtok=gb_per_mtok, gb_per_s=gb_per_s)
    saved = curve.hits * (pools.usd_per_mtok_fresh - loaded) * block_tok / 1e6 / hours
    return saved, np.arange(curve.hits.size) * storage_usd_per_mtok_hour * block_tok / 1e6
