"""Terms that pages explain: once each, in prose."""

import pytest

from reportkit import glossary
from tokenfactory.source import SOURCE

TERMS = {"MTP": "Several tokens at once", "tok/s": "Tokens a second", "AT&T": 'A "name"'}
PAGE = "<h1>MTP</h1><main id='content'><h1>MTP</h1>{}</main><footer><p>MTP</p></footer>"


def explained(main: str) -> str:
    before, after = PAGE.split("{}")
    return glossary.explain(before + main + after, TERMS).removeprefix(before).removesuffix(after)


def test_the_first_place_in_prose_is_explained_and_no_other():
    made = explained("<td>MTP</td><p>With <strong>MTP</strong>, MTP at 5 tok/s.</p><ul><li>MTP, tok/s</li></ul>")
    assert made == (
        '<td>MTP</td><p>With <strong><abbr tabindex="0" title="Several tokens at once">MTP</abbr></strong>, MTP at 5 '
        '<abbr tabindex="0" title="Tokens a second">tok/s</abbr>.</p><ul><li>MTP, tok/s</li></ul>'
    )


@pytest.mark.parametrize(
    "main",
    [
        '<p><a href="x">MTP</a> <code>MTP</code> <span title="MTP">x</span> MTPs no-MTP tok/s/user</p>',
        '<section class="tf-from"><p>MTP</p></section>',
        "<p>Nothing.</p>",
    ],
)
def test_names_links_and_parts_of_words_stay_as_they_are(main):
    assert explained(main) == main


def test_what_is_explained_is_escaped():
    assert '<abbr tabindex="0" title="A &quot;name&quot;">AT&amp;T</abbr>' in explained("<p>AT&amp;T</p>")


def test_a_page_without_a_glossary_is_the_same():
    assert glossary.explain(PAGE, {}) == PAGE


def test_the_terms_of_the_suite_are_told_in_plain_words():
    from test_words import faults

    assert {term: faults(meaning) for term, meaning in SOURCE.suite.glossary.items() if faults(meaning)} == {}
    assert {"MTP", "TTFT", "TPOT", "PUE", "CRF", "interactivity", "ISL", "OSL"} <= SOURCE.suite.glossary.keys()
