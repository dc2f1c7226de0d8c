"""Where a ratio comes from: one factor per cause, by LMDI or by Shapley values."""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence

from tokenfactory.errors import ParameterError


def lmdi(base: Sequence[Mapping[str, float]], new: Sequence[Mapping[str, float]]) -> dict[str, float]:
    """Split the change of a sum of products into one factor per cause, without a rest.

    Parameters
    ----------
    base, new : the same classes before and after, each a product of the same named factors

    Returns
    -------
    factors by cause; their product is the ratio of the sums

    Notes
    -----
    LMDI-I: exp sum_i L(V_i', V_i) / L(V', V) ln(x_i'/x_i), L(a, b) = (a - b)/ln(a/b). The weights do not sum to 1, so
    a cause that is the same everywhere need not come out as itself.

    References
    ----------
    Ang, Energy Policy 33 (2005) 867, https://doi.org/10.1016/j.enpol.2003.10.010

    Examples
    --------
    >>> lmdi([{"price": 2, "amount": 3}], [{"price": 4, "amount": 3}])
    {'price': 2.0, 'amount': 1.0}
    """
    if len(base) != len(new) or not base or any(a.keys() != b.keys() for a, b in zip(base, new, strict=True)):
        raise ParameterError("both sides of a decomposition must have the same classes with the same factors")
    if any(value <= 0 for side in (base, new) for one in side for value in one.values()):
        raise ParameterError("a decomposition needs positive factors: a class that was not there has no logarithm")
    before, after = ([math.prod(one.values()) for one in side] for side in (base, new))
    whole = _logarithmic_mean(sum(after), sum(before))
    weights = [_logarithmic_mean(a, b) / whole for a, b in zip(after, before, strict=True)]
    return {
        cause: math.exp(sum(w * math.log(n[cause] / b[cause]) for w, n, b in zip(weights, new, base, strict=True)))
        for cause in base[0]
    }


def _logarithmic_mean(a: float, b: float) -> float:
    return a if a == b else (a - b) / math.log(a / b)


def shapley(results: Mapping[frozenset[str], float]) -> dict[str, float]:
    """Split a ratio into one factor per cause, each the mean over all orders in which the causes can be added.

    Parameters
    ----------
    results : result with each set of causes in place, from the empty set to all of them

    Returns
    -------
    factors by cause; their product is the result with all causes over that with none

    Raises
    ------
    ParameterError : a set of causes has no result. Where it does not exist, no fair split exists either.

    Examples
    --------
    >>> factors = shapley({frozenset(): 1, frozenset("a"): 2, frozenset("b"): 4, frozenset("ab"): 8})
    >>> {cause: round(factor, 6) for cause, factor in factors.items()}
    {'a': 2.0, 'b': 4.0}
    """
    causes = sorted(frozenset().union(*results))
    for size in range(len(causes) + 1):
        for some in itertools.combinations(causes, size):
            if frozenset(some) not in results:
                raise ParameterError(f"there is no result with {' and '.join(some) or 'no cause'} in place")
    orders = list(itertools.permutations(causes))
    gain = dict.fromkeys(causes, 0.0)
    for order in orders:
        for i, cause in enumerate(order):
            gain[cause] += math.log(results[frozenset(order[: i + 1])] / results[frozenset(order[:i])])
    return {cause: math.exp(total / len(orders)) for cause, total in gain.items()}
