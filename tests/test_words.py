"""Words of the pages: answers, findings, notes and tooltips as a person would say them, on the stored notebooks."""

import json
import re
from pathlib import Path

import pytest

from reportkit import outputs

PROJECT = Path(__file__).parents[1]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))
RULES = {
    "more than 25 words": lambda text: max(len(one.split()) for one in re.split(r"[.;:] ", text)) > 25,
    "a raw identifier": lambda text: re.search(
        r"\b[a-z0-9]+_[a-z0-9_]+\b|\b(deepseek-r1|gpt-oss-120b-|kimi-k2)-\w+", text
    ),
    "a date of a machine": lambda text: re.search(r"\b20\d\d-\d\d-\d\d\b", text),
    "dearer or cheaper by x": lambda text: re.search(r"\dx (dearer|cheaper)|dearer to", text),
    "a blank before the percent sign": lambda text: re.search(r"\d %", text),
    "more digits than anybody reads": lambda text: re.search(
        r"(?<![\d.,])\d{5,}|\$\d{1,3}(,\d{3}){2}|\d\.\d{5,}", text
    ),
    "a power of ten": lambda text: re.search(r"\de[+-]?\d", text),
}


def faults(text: str) -> list[str]:
    """What keeps a sentence from being plain English."""
    return [name for name, is_broken in RULES.items() if is_broken(text.replace("**", ""))]


def shown(path: Path) -> list[dict]:
    return outputs.outputs_of(json.loads(path.read_text())["cells"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_sentences_are_plain(path):
    said = [
        s["text"]
        for kind in ("answer", "note")
        for found in outputs.find(shown(path), kind)
        for s in found["sentences"]
    ]
    said += [found["finding"] for found in outputs.find(shown(path), "answer") if found.get("finding")]
    assert {text: faults(text) for text in said if faults(text)} == {}


@pytest.mark.parametrize("path", [p for p in NOTEBOOKS if "tutorial" not in p.stem], ids=lambda path: path.stem)
def test_the_headline_of_a_page_is_a_finding_and_no_count(path):
    finding, *_ = (found.get("finding") for found in outputs.find(shown(path), "answer"))
    assert finding and len(finding) <= 110 and not finding.endswith("?")
    assert not re.match(r"\d+ (of \d+ )?(points|rows|claims|pairs|sources)\b", finding)


def tooltips(node) -> list[dict]:
    if isinstance(node, list):
        return [tip for part in node for tip in tooltips(part)]
    if not isinstance(node, dict):
        return []
    own = node.get("tooltip", [])
    own = [tip for tip in (own if isinstance(own, list) else [own]) if "field" in tip]
    return own + [
        tip for key, part in node.items() if key not in ("tooltip", "datasets", "config") for tip in tooltips(part)
    ]


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_a_tooltip_has_words_for_every_value(path):
    charts = [spec for output in shown(path) if (spec := outputs.chart_of(output))]
    wrong = [tip for spec in charts for tip in tooltips(spec) if not tip.get("title") or "_" in tip["title"]]
    assert wrong == []


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        (" ".join(["word"] * 26), "more than 25 words"),
        ("The basis is owning_hyperscaler.", "a raw identifier"),
        ("Tests of deepseek-r1-0528 are old.", "a raw identifier"),
        ("Prices of 2026-04-15.", "a date of a machine"),
        ("GB300 is 1.5x dearer.", "dearer or cheaper by x"),
        ("It is used 60 % of the time.", "a blank before the percent sign"),
        ("It costs $264,647,266.", "more digits than anybody reads"),
        ("It yields 123456 tokens.", "more digits than anybody reads"),
        ("It makes 3e+06 tokens.", "a power of ten"),
    ],
)
def test_each_rule_sees_what_breaks_it(text, fault):
    assert faults(text) == [fault]


def test_a_plain_sentence_breaks_no_rule():
    assert (
        faults("At 117 tokens a second per user, a million DeepSeek-R1 tokens cost **$0.12 on GB300**, 34 times less.")
        == []
    )
