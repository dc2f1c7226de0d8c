"""What is asked of every formula: its hand-worked vectors, and the same result for every kind of argument."""

from collections.abc import Callable, Sequence

import numpy as np
import pandas as pd
import polars as pl
import pytest


def tests_of(vectors: Sequence[tuple[Callable, dict, float]]) -> tuple[Callable, Callable]:
    """Two tests over (function, arguments, expected): the value, and that arrays, Series and expressions give it."""
    ids = [f"{function.__name__}-{i}" for i, (function, _, _) in enumerate(vectors)]
    each = pytest.mark.parametrize(("function", "arguments", "expected"), vectors, ids=ids)

    @each
    def vector(function, arguments, expected):
        assert function(**arguments) == pytest.approx(expected, rel=5e-6)

    @each
    def every_kind(function, arguments, expected):
        plain = function(**arguments)
        twice = {name: [value, value] for name, value in arguments.items()}
        results = {kind.__name__: function(**{name: kind(pair) for name, pair in twice.items()})
                   for kind in (np.array, pd.Series, pl.Series)}  # fmt: skip
        expression = function(**{name: pl.col(name) for name in twice})
        results["expression"] = pl.DataFrame(twice).select(result=expression)["result"]
        for kind, result in results.items():
            assert list(map(float, result)) == pytest.approx([plain, plain], rel=1e-13), kind

    return vector, every_kind
