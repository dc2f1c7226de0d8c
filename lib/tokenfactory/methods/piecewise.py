"""Cubics between the knots of many series at once: their coefficients by several rules, and their values."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from tokenfactory.methods.pareto import Frontiers


def evaluate(coefficients: np.ndarray, u: np.ndarray, out: np.ndarray | None = None) -> np.ndarray:
    """The polynomial with these coefficients, lowest power first, at distance u from its knot."""
    total = np.multiply(coefficients[-1], u, out=out)
    for coefficient in coefficients[-2:0:-1]:
        total += coefficient
        total *= u
    total += coefficients[0]
    return total


def coefficients(knots: Frontiers, kind: str) -> np.ndarray:
    """The four coefficients of the cubic that begins at each knot; at the last knot of a series, its value alone.

    With widths h and secant slopes s of the pieces left (i-1) and right (i) of a knot, Steffen's slope at the knot is

        m_i = (sgn s_{i-1} + sgn s_i) min(|s_{i-1}|, |s_i|, |p_i| / 2),
        p_i = (s_{i-1} h_i + s_i h_{i-1}) / (h_{i-1} + h_i),

    and at the ends m_0 = (3 s_0 - m_1) / 2 and m_n = (3 s_{n-1} - m_{n-1}) / 2. A knot's slope is 0 or has the sign
    of both neighbours and at most twice the smaller, the ends at most 1.5 times theirs: no piece leaves the range of
    its two knots.
    """
    first, last = knots.first, knots.last
    h, dy = np.diff(knots.x, append=0.0), np.diff(knots.y, append=0.0)
    h[last] = 1.0  # from one series to the next there is no piece, and what is computed here is not used
    s = dy / h
    if kind == "line":
        cubic = np.zeros((4, knots.x.size))
        cubic[:2] = knots.y, s
        cubic[1, last] = 0.0
        return cubic
    m = np.zeros(knots.x.size)
    m[1:] = (_pchip_slopes if kind == "pchip" else _steffen_slopes)(s[:-1], s[1:], h[:-1], h[1:])
    m[first] = m[last] = 0.0
    has_piece = first < last
    first, last = first[has_piece], last[has_piece]
    if kind == "pchip":
        is_long = first + 1 < last
        left, right = first[is_long], last[is_long]
        m[left] = _pchip_end(h[left], h[left + 1], s[left], s[left + 1])
        m[right] = _pchip_end(h[right - 1], h[right - 2], s[right - 1], s[right - 2])
    else:  # in this order, as the dashboard's code has it: the first end of two knots sees a slope of 0 at the second
        m[first] = (3 * s[first] - m[first + 1]) / 2
        m[last] = (3 * s[last - 1] - m[last - 1]) / 2
    if kind != "published":
        pair = first[first + 1 == last]
        m[pair] = m[pair + 1] = s[pair]
    m_next = np.append(m[1:], 0.0)
    cubic = np.array([knots.y, m, (3 * s - 2 * m - m_next) / h, (m + m_next - 2 * s) / h**2])
    cubic[1:, knots.last] = 0.0
    return cubic


def _steffen_slopes(left, right, h_left, h_right) -> np.ndarray:
    p = (left * h_right + right * h_left) / (h_left + h_right)
    smallest = np.minimum(np.minimum(np.abs(left), np.abs(right)), np.abs(p) / 2)
    return (np.sign(left) + np.sign(right)) * smallest


def _pchip_slopes(left, right, h_left, h_right) -> np.ndarray:
    """The weighted harmonic mean of Fritsch and Butland, 0 at an extreme; as SciPy's PchipInterpolator."""
    w_left, w_right = 2 * h_right + h_left, h_right + 2 * h_left
    is_same = left * right > 0
    a, b = np.where(is_same, left, 1.0), np.where(is_same, right, 1.0)
    return np.where(is_same, (w_left + w_right) / (w_left / a + w_right / b), 0.0)


def _pchip_end(h, h_next, s, s_next) -> np.ndarray:
    end = ((2 * h + h_next) * s - h * s_next) / (h + h_next)
    end = np.where(end * s <= 0, 0.0, end)
    return np.where((s * s_next < 0) & (np.abs(end) > 3 * np.abs(s)), 3 * s, end)
