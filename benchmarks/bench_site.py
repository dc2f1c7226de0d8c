"""How fast fleets are planned: one plan of 8 systems and 6 limits, and 1,000 scenarios on two cores.

    .venv/bin/python benchmarks/bench_site.py [number of scenarios] [number of processes]

Each scenario is a made-up site of 1, 10, 100 or 1,000 MW with limits on power, both kinds of cooling, rack positions,
capital and demand, with a spare for each system in use. Plans are timed by their processor time, which a loaded machine
stretches less than the clock; both are printed for the scenarios together.
"""

import math
import sys
import time
from concurrent.futures import ProcessPoolExecutor

import numpy as np

from tokenfactory.formulas.power_figure import ALLIN_UTILITY, CRITICAL_IT, OnBasis
from tokenfactory.methods import fleets

SIZES_MW = (1, 10, 100, 1000)


def scenario(seed):
    random = np.random.default_rng(seed)
    systems = []
    for i in range(8):
        is_rack = i % 2 == 0
        it = random.uniform(1.2, 2.4)
        systems.append(
            fleets.System(
                f"system {i}",
                "rack" if is_rack else "node",
                72 if is_rack else 8,
                OnBasis(it, CRITICAL_IT),
                OnBasis(it * random.uniform(1.05, 1.5), ALLIN_UTILITY),
                tok_per_s_per_gpu=random.uniform(500, 6000),
                liquid_heat_frac=0.94 if is_rack else 0.0,
                units_per_rack=1 if is_rack else int(random.integers(1, 5)),
                usd_per_gpu=random.uniform(2e4, 6e4),
                usd_per_gpu_year=random.uniform(5e3, 2e4),
            )
        )
    kw = 1000 * SIZES_MW[seed % len(SIZES_MW)]
    limits = fleets.Site(
        OnBasis(kw, ALLIN_UTILITY if random.random() < 0.5 else CRITICAL_IT),
        headroom_frac=0.1,
        air_kw=kw * random.uniform(0.3, 0.8),
        liquid_kw=kw * random.uniform(0.4, 0.9),
        num_racks=math.ceil(kw * random.uniform(0.01, 0.05)) + 5,
        usd=kw * random.uniform(1e4, 4e4) + 2e7,
        tok_per_s=kw * random.uniform(500, 3000) + 2e5,
        num_spare_units=1,
    )
    return limits, systems


def planned(seed):
    limits, systems = scenario(seed)
    start = time.process_time()
    if seed % 3:
        fleet = fleets.most_gain(limits, systems, usd_per_mtok=0.2, utilisation_frac=0.6)
    else:
        fleet = fleets.most_tokens(limits, systems, utilisation_frac=0.6)
    return time.process_time() - start, sum(n > 0 for n in fleet.num_serving)


def main(num_scenarios=1000, num_processes=2):
    planned(1)  # imports the solver
    seconds = min(planned(1)[0] for _ in range(5))
    print(f"one plan of 8 systems and 6 limits: {seconds:.3f} s (allowed 0.3 s)")

    start, times, kinds = time.perf_counter(), [], []
    with ProcessPoolExecutor(num_processes) as pool:
        for done, (took, num_kinds) in enumerate(pool.map(planned, range(num_scenarios), chunksize=10), 1):
            times.append(took)
            kinds.append(num_kinds)
            if done % max(1, num_scenarios // 10) == 0:
                print(f"  {done:>5,} of {num_scenarios:,} scenarios, {time.perf_counter() - start:5.1f} s", flush=True)
    total = time.perf_counter() - start
    print(f"{num_scenarios:,} scenarios on {num_processes} processes: {total:.1f} s (allowed 30 s for 1,000)")
    idle = sum(times) / num_processes
    print(f"  {idle:.1f} s of processor time each: {idle / total:.0%} of the elapsed time, the rest waited for others")
    share = np.mean(np.array(kinds) > 1)
    print(f"  median {np.median(times):.3f} s, slowest {max(times):.3f} s; {share:.0%} mixed fleets")


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
