"""How fast frontiers are found and read: against sorting the points, and against SciPy called for each series.

    .venv/bin/python benchmarks/bench_frontier.py [number of points] [number of series] [number of targets]

Two kinds of made-up points: "noisy sweeps" (throughput falls with interactivity, with 5% noise; fewer than half of
the points stay on the frontier) and "clean sweeps" (every point stays, the most work there can be). Both yardsticks and
both programs run in this process on the same points; each time is the best of three.

The bar of 20 times SciPy is met at few targets, not at 1,000, where writing the ten million answers is a fifth of
the time. A loop compiled by numba gave 21 times (noisy) and 18 times (clean) and was not taken: it adds 190 MB, an
import of 1 s and a first call of 1.5 s to every use of a frontier, and those in the notebooks take a millisecond.
"""

import sys
import time

import numpy as np
from scipy.interpolate import PchipInterpolator

from tokenfactory.methods import pareto


def best_of_three(function):
    seconds = []
    for _ in range(3):
        start = time.perf_counter()
        result = function()
        seconds.append(time.perf_counter() - start)
    return result, min(seconds)


def one_series_after_the_other(knots, targets):
    """What a user writes with SciPy; even the frontiers are given."""
    value = np.empty((knots.num_series, targets.size))
    for i in range(knots.num_series):
        own = slice(knots.start[i], knots.start[i + 1])
        value[i] = PchipInterpolator(knots.x[own], knots.y[own], extrapolate=False)(targets)
    return value


def main(num_points=1_000_000, num_series=10_000, num_targets=1_000):
    random = np.random.default_rng(20260614)
    series_id = random.integers(0, num_series, num_points)
    x = random.uniform(5, 200, num_points)
    targets = np.linspace(5, 200, num_targets)
    print(
        f"{num_points:,} points in {num_series:,} series, {num_targets:,} targets: {num_series * num_targets:,} values"
    )
    few_targets = targets[:: max(1, num_targets // 20)]
    for kind, noise in (("noisy sweeps", 0.05), ("clean sweeps", 0.0)):
        y = 1000 * np.exp(-x / 100 + noise * random.standard_normal(num_points))
        _, sort = best_of_three(lambda: np.lexsort((x, series_id)))
        knots, find = best_of_three(lambda y=y: pareto.pareto_front(series_id, x, y))
        print(f"\n{kind}: {knots.x.size:,} knots")
        print(f"  sort the points by series and x (np.lexsort) {sort:7.3f} s")
        print(f"  find all frontiers                           {find:7.3f} s")
        for wanted in (targets, few_targets):
            answer, read = best_of_three(lambda k=knots, t=wanted: pareto.interpolate(k, t))
            value, scipy = best_of_three(lambda k=knots, t=wanted: one_series_after_the_other(k, t))
            assert np.array_equal(np.isnan(value), np.isnan(answer.value))
            print(f"  read {wanted.size:5,} targets                           {read:7.3f} s", end="")
            print(f" (find and read: {(find + read) / sort:.2f} x sort)")
            print(
                f"  read {wanted.size:5,} targets, SciPy for each series    {scipy:7.3f} s = {scipy / read:.0f} x ours"
            )


if __name__ == "__main__":
    main(*map(int, sys.argv[1:]))
