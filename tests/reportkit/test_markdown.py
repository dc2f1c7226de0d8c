"""Markdown of cells: formulas without a script, nothing that runs, nothing fetched."""

from xml.etree import ElementTree

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportkit.markdown import to_html
from tokenfactory.errors import DataError

MATH = "{http://www.w3.org/1998/Math/MathML}"


def made(source):
    return to_html(source, notebook="01_x")


def test_a_long_formula_may_scroll():
    assert '<span class="tf-formula" tabindex="0"><math' in made("$$x$$")
    assert "tf-formula" not in made("$x$")


def formula(source):
    text = made(source)
    return ElementTree.fromstring(text[text.index("<math") : text.index("</math>") + 7])


def test_a_formula_becomes_mathml_with_its_symbols_as_characters():
    math = formula(r"$$c = \frac{p \cdot 10^6}{3600\,t}$$")
    assert math.get("display") == "block"
    above, below = math.find(f".//{MATH}mfrac")
    assert "".join(above.itertext()) == "p·106"  # 10^6, whose exponent is a position and not a character
    assert "".join(below.itertext()) == "3600t"
    assert formula("in words $t < 3$").get("display") == "inline"
    assert "".join(formula("in words $t < 3$").itertext()) == "t<3"


def test_an_environment_is_one_formula():
    math = formula("\\begin{align}a &= b \\\\ c &= d\\end{align}")
    assert math.get("display") == "block"
    assert len(math.findall(f".//{MATH}mtr")) == 2


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (r"$\unheardof{x}$", r"01_x: the formula '\unheardof{x}' has '\unheardof' where nothing known stands"),
        (r"$a & b$", "01_x: the formula 'a & b' has '&' where nothing known stands"),
        (r"$x^$", "01_x: the formula 'x^' cannot be read"),
    ],
)
def test_a_formula_that_cannot_be_drawn_is_named(source, why):
    with pytest.raises(DataError) as error:
        made(source)
    assert str(error.value).startswith(why)


def test_text_in_a_formula_is_text():
    assert "<img" not in made(r"$\text{<img src=x onerror=alert(1)>}$")
    assert "javascript:" not in made(r"$\href{javascript:alert(1)}{x}$")


def test_html_in_a_cell_is_shown():
    assert made("a <script>alert(1)</script> b") == "<p>a &lt;script&gt;alert(1)&lt;/script&gt; b</p>\n"
    assert "<img" not in made("<img src=x onerror=alert(1)>")
    assert "javascript:" not in made("[a](javascript:alert(1))")


@given(st.text(alphabet="<>/\"'&$\\ab![](){}=:#*`\n ", max_size=60))
def test_no_text_makes_an_element_that_runs(text):
    try:
        shown = made(text).lower()
    except DataError:
        return
    assert not any(f"<{tag}" in shown for tag in ("script", "img", "iframe", "svg", "style", "b "))


def test_a_heading_is_never_the_title():
    assert made("# one\n\n## two") == "<h2>one</h2>\n<h2>two</h2>\n"


def test_a_picture_elsewhere_becomes_a_link():
    assert made("![a plot](https://example.org/x.png)") == '<p><a href="https://example.org/x.png">a plot</a></p>\n'
    assert made("![dot](data:image/png;base64,AA==)") == '<p><img src="data:image/png;base64,AA==" alt="dot" /></p>\n'


def test_links_between_notebooks_lead_to_their_pages():
    assert 'href="02_power.html"' in made("[next](02_power.ipynb)")
    assert 'href="02_power.html#a"' in made("[next](02_power.ipynb#a)")
    assert 'href="https://example.org/02_power.ipynb"' in made("[theirs](https://example.org/02_power.ipynb)")


def test_a_table_may_scroll_and_its_headers_say_what_they_head():
    table = made("| a | b |\n|---|--:|\n| 1 | 2 |\n")
    assert table.startswith('<div class="tf-table"><table>')
    assert '<th scope="col">a</th>' in table
    assert '<th scope="col" class="tf-number">b</th>' in table
    assert '<td class="tf-number">2</td>' in table
