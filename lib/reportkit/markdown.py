"""Markdown of notebook cells as HTML for a report: formulas as MathML, so that no script is needed to show them.

The parser is nbconvert's, so a cell reads as it does in JupyterLab. Raw HTML in a cell is shown, not obeyed.
"""

import html
import re
from xml.etree.ElementTree import Element, tostring

from latex2mathml.converter import Converter
from nbconvert.filters.markdown_mistune import IPythonRenderer, MarkdownWithMath

from reportkit.errors import DataError


def _mathml(latex: str, display: str, notebook: str) -> str:
    latex = latex.strip()

    def wrong(why: str) -> DataError:
        return DataError(notebook, f"the formula '{latex}' {why}")

    try:
        math: Element = Converter(display=display).convert_to_element(latex)
    except Exception as error:  # the converter has no common error of its own
        raise wrong(f"cannot be read: {type(error).__name__} {error}".rstrip()) from None
    for element in math.iter():
        # The converter writes symbols as entities and does not escape the rest; both are put right here.
        element.text = html.unescape(element.text) if element.text else None
        element.attrib.pop("href", None)
        if element.tag == "mi" and re.match(r"\\|&", element.text or ""):
            raise wrong(f"has '{element.text}' where nothing known stands")
    text = tostring(math, encoding="unicode")
    # A formula does not wrap; on a phone the line it stands on scrolls, with the keyboard too.
    return f'<span class="tf-formula" tabindex="0">{text}</span>' if display == "block" else text


class _Renderer(IPythonRenderer):
    def __init__(self, notebook: str):
        super().__init__(escape=True, allow_harmful_protocols=False, exclude_anchor_links=True)
        self.notebook = notebook

    def heading(self, text: str, level: int, **attrs) -> str:
        return super().heading(text, max(2, level), **attrs)  # the page's title is its only h1

    def link(self, text: str, url: str, title: str | None = None) -> str:
        return super().link(text, re.sub(r"^(\d\d_\w+)\.ipynb\b", r"\1.html", url), title)

    def image(self, text: str, url: str, title: str | None = None) -> str:
        # A picture elsewhere would be a request; it becomes a link.
        return super().image(text, url, title) if url.startswith("data:") else self.link(text or url, url, title)

    def table(self, text: str) -> str:
        return f'<div class="tf-table"><table>{text}</table></div>'

    def table_cell(self, text: str, align: str | None = None, head: bool = False) -> str:
        attributes = ' class="tf-number"' if align == "right" else ""
        return f'<th scope="col"{attributes}>{text}</th>' if head else f"<td{attributes}>{text}</td>"

    def inline_math(self, body: str) -> str:
        return _mathml(body, "inline", self.notebook)

    def block_math(self, body: str) -> str:
        return _mathml(body, "block", self.notebook)

    def latex_environment(self, name: str, body: str) -> str:
        return _mathml(rf"\begin{{{name}}}{body}\end{{{name}}}", "block", self.notebook)


def to_html(source: str, *, notebook: str) -> str:
    """`source` as HTML; `notebook` is named when a formula in it cannot be read (DataError)."""
    return MarkdownWithMath(renderer=_Renderer(notebook))(source)
