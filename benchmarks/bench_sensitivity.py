"""Speed and memory of the Monte Carlo, against NumPy drawing the same random numbers in the same run.

The model is the whole owned hour of two systems with a cost per million tokens each, and their ratio.
"""

import resource
import statistics
import sys
import time

import numpy as np

from tokenfactory.formulas import cost, finance
from tokenfactory.methods.sensitivity import LogNormal, Triangular, Uniform, simulate

COMMON = {
    "wacc_frac": Triangular(0.06, 0.09, 0.13),
    "life_year": Triangular(3, 4, 6),
    "salvage_frac": Triangular(0, 0.15, 0.35),
    "colocation_usd_per_kw_year": Triangular(1560, 2340, 2608),
    "usd_per_kwh": Triangular(0.06, 0.083, 0.12),
    "load_frac": Triangular(0.5, 0.8, 1.0),
    "maintenance_frac": Triangular(0.01, 0.03, 0.05),
    "staff_usd_per_gpu_year": Triangular(200, 700, 2000),
    "licence_usd_per_gpu_year": Uniform(0, 8760),
}
OF_ONE = {
    "usd_per_gpu": (Triangular(26_000, 36_000, 55_000), Triangular(46_000, 64_000, 78_000)),
    "kw_per_gpu": (Triangular(1.27, 1.37, 1.73), Triangular(1.67, 2.12, 2.33)),
    "pue": (Triangular(1.25, 1.4, 1.54), Triangular(1.05, 1.12, 1.22)),
    "utilisation_frac": (Triangular(0.05, 0.6, 0.85), Triangular(0.05, 0.6, 0.85)),
    "tok_per_s_per_gpu": (LogNormal(93.25, 0.2), LogNormal(5930, 0.2)),
}
INPUTS = COMMON | {f"{name}_{i}": both[i] for name, both in OF_ONE.items() for i in (0, 1)}


def model(**inputs):
    common = {name: inputs[name] for name in COMMON}
    usd_per_mtok = []
    for i in (0, 1):
        own = {name: inputs[f"{name}_{i}"] for name in OF_ONE}
        sold = {name: own.pop(name) for name in ("tok_per_s_per_gpu", "utilisation_frac")}
        hour = finance.owned_usd_per_gpu_hour(**common, **own)
        usd_per_mtok.append(cost.usd_per_mtok(usd_per_gpu_hour=hour, **sold))
    return {"first": usd_per_mtok[0], "second": usd_per_mtok[1], "ratio": usd_per_mtok[0] / usd_per_mtok[1]}


def numpy_alone(num_draws, chunk=1 << 14):
    """The same distributions by NumPy's own functions, drawn and thrown away."""
    random = np.random.default_rng(1)
    draws = {
        Triangular: lambda one, size: random.triangular(one.low, one.mode, one.high, size),
        Uniform: lambda one, size: random.uniform(one.low, one.high, size),
        LogNormal: lambda one, size: random.lognormal(np.log(one.median), one.sigma, size),
    }
    for start in range(0, num_draws, chunk):
        for one in INPUTS.values():
            draws[type(one)](one, min(chunk, num_draws - start))


def seconds(work):
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def main():
    num_draws = int(sys.argv[1]) if len(sys.argv) > 1 else 10_000_000
    small = [seconds(lambda: simulate(model, INPUTS, num_draws=100_000, seed=1)) for _ in range(5)]
    print(f"100,000 draws: {statistics.median(small):.3f} s (goal: 0.3 s)")
    reference = seconds(lambda: numpy_alone(num_draws))
    for workers in (1, 2):
        ours = seconds(lambda n=workers: simulate(model, INPUTS, num_draws=num_draws, seed=1, num_workers=n))
        print(
            f"{num_draws:,} draws of {len(INPUTS)} inputs, {workers} worker(s): {ours:.2f} s,"
            f" {ours / reference:.2f} times NumPy's drawing alone ({reference:.2f} s; goal: 3 times)"
        )
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    print(f"peak memory of the process: {peak:.0f} MB (goal: 200 MB)")


if __name__ == "__main__":
    main()
