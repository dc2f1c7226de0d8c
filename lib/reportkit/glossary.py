"""Terms that pages explain where they first stand in prose, without a script.

The pointer is told, the keyboard and a finger that touches the term (it takes the focus), a screen reader, and paper.
"""

import html
import re
from collections.abc import Mapping

_END = '<section class="tf-from"'  # below it stand names, not prose
_PROSE = re.compile(r"(<(p|li)\b[^>]*>)(.*?)(</\2>)", re.S)
_KEPT = r"<(?P<kept>a|code|abbr|label|math|time)\b.*?</(?P=kept)>|<[^>]*>"


def explain(page: str, terms: Mapping[str, str]) -> str:
    """A page whose `terms`, each the first time it stands in a paragraph or a list, tell what they mean."""
    if not terms:
        return page
    before, main, rest = page.partition("<main")
    body, end, after = rest.partition(_END if _END in rest else "</main>")
    names = "|".join(re.escape(html.escape(name)) for name in sorted(terms, key=len, reverse=True))
    pattern, told = re.compile(rf"{_KEPT}|(?<![\w/-])(?P<term>{names})(?![\w/-])", re.S), set()
    meanings = {html.escape(name): meaning for name, meaning in terms.items()}

    def mark(found: re.Match) -> str:
        term = found["term"]
        if not term or term in told:
            return found[0]
        told.add(term)
        return f'<abbr tabindex="0" title="{html.escape(meanings[term])}">{term}</abbr>'

    return before + main + _PROSE.sub(lambda p: p[1] + pattern.sub(mark, p[3]) + p[4], body) + end + after
