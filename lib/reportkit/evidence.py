"""How a number is known, in one word for each thing that it rests on: a mark on its tile, and what the mark means.

Nobody types these words: a reading knows the points it was read from, a row of the data has its evidence or status, and
a parameter that is an assumption says so in its meaning.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

# By what a row says of its evidence or status, in the order in which a page tells it.
WAYS = {"measured": "measured", "derived": "derived", "interpolated": "interpolated", "published": "published"}
WAYS |= {"undated": "published", "claimed": "claimed", "model": "model"}
WAYS |= dict.fromkeys(("estimate", "guess", "assumed"), "assumed")
MARKS = {
    "measured": ("●", "measured"),
    "derived": ("◐", "derived from what was measured"),
    "interpolated": ("○", "interpolated between points"),
    "published": ("◇", "published, such as a price"),
    "claimed": ("◈", "claimed by a seller"),
    "model": ("□", "from a model of the machine"),
    "assumed": ("△", "assumed: an estimate, or chosen here"),
}


def ways(*things: object) -> tuple[str, ...]:
    """How things are known, each way once: rows by `evidence` or `status`, readings by their `ways`; None by nothing.

    >>> ways({"status": "guess"}, None, {"evidence": "measured"}, "published")
    ('measured', 'published', 'assumed')
    """
    said = {said for thing in things for said in _said(thing)}
    return tuple(dict.fromkeys(words for way, words in WAYS.items() if way in said))


def _said(thing: object) -> Iterable[str | None]:
    if thing is None or isinstance(thing, str):
        return (thing,)
    if isinstance(thing, Mapping):
        return (thing.get("evidence") or thing.get("status"),)
    return thing.ways


def marked(known: Iterable[str]) -> list[tuple[str, str]]:
    """Each way with its mark: ("◐", "derived")."""
    return [(MARKS[way][0], way) for way in known]


def legend(known: Iterable[str]) -> str:
    """What the marks of some ways mean, in one line; empty for none.

    >>> legend(["assumed", "measured"])
    'How each number is known: ● measured; △ assumed: an estimate, or chosen here.'
    """
    told = set(known)
    used = [f"{mark} {meaning}" for way, (mark, meaning) in MARKS.items() if way in told]
    return f"How each number is known: {'; '.join(used)}." if used else ""
