"""Words of pages, of documents, help and errors: as a person would say them; those of pages in the stored notebooks."""

import ast
import json
import re
from pathlib import Path

import pytest

from reportkit import outputs
from tokenfactory.arguments import parser

PROJECT = Path(__file__).parents[1]
NOTEBOOKS = sorted((PROJECT / "notebooks").glob("[0-9]*.ipynb"))
RULES = {
    "more than 25 words": lambda text: max(len(one.split()) for one in re.split(r"[.;:?] ", text)) > 25,
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
DOCUMENTS = ("README.md", "data/README.md", "notebooks/README.md", "reports/schedules/README.md")
TYPED = {"a raw identifier", "a date of a machine"}  # help and errors name what is typed into files and commands
NO_PROSE = re.compile(r"^```.*?^```|<!--.*?-->|^(?:#|\|[-|: ]+\|$).*?$|\]\([^)]*\)", re.M | re.S)
BLOCK = re.compile(r"\n\s*\n|\n\s*(?=[-*>|] |\d+\. )|\|")
CODE = re.compile(r"`[^`]+`(?:, `[^`]+`)*")


def faults(text: str) -> list[str]:
    """What keeps a sentence from being plain English."""
    return [name for name, is_broken in RULES.items() if is_broken(text.replace("**", ""))]


def prose(markdown: str) -> list[str]:
    """Paragraphs, points of lists and cells of tables; each run of code counts as one word."""
    plain = CODE.sub("Code", NO_PROSE.sub("", markdown))
    return [" ".join(re.sub(r"[*_]*\[", "", block).split()) for block in BLOCK.split(plain)]


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents_are_plain(name):
    said = prose((PROJECT / name).read_text())
    assert {text: faults(text) for text in said if faults(text)} == {}


def literal(node: ast.expr) -> str:
    """The words of a text in code, with X for what is filled in and for what is quoted."""
    if isinstance(node, ast.BinOp):
        return literal(node.left) + literal(node.right)
    parts = node.values if isinstance(node, ast.JoinedStr) else [node]
    filled = (p.value if isinstance(p, ast.Constant) and isinstance(p.value, str) else "X" for p in parts)
    return re.sub(r"'[^']*'", "X", "".join(filled))


def test_errors_are_plain():
    trees = [ast.parse(path.read_text()) for path in (PROJECT / "lib").rglob("*.py")]
    raised = [n.exc for tree in trees for n in ast.walk(tree) if isinstance(n, ast.Raise) and n.exc]
    said = [literal(argument) for one in raised if isinstance(one, ast.Call) for argument in one.args]
    assert len(said) > 300
    assert {text: found for text in said if (found := set(faults(text)) - TYPED)} == {}


def test_help_is_plain():
    (commands,) = (action for action in parser()._actions if action.dest == "command")
    said = [command.epilog for command in commands.choices.values()]
    for command in commands.choices.values():
        said += [command.description, *(action.help for action in command._actions)]
    assert {text: found for text in said if (found := set(faults(text)) - TYPED)} == {}


def shown(path: Path) -> list[dict]:
    return outputs.outputs_of(json.loads(path.read_text())["cells"])


@pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)
def test_heads_of_columns_begin_with_a_capital_unless_with_a_unit(path):
    heads = {column["header"] for table in outputs.find(shown(path), "table") for column in table["columns"]}
    assert {head for head in heads if head[:1].islower() and not re.match(r"tok/s|kWh?\b|g |t |gpt-", head)} == set()


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


def test_prose_is_what_people_read_of_a_document():
    text = "# a_heading\n\n```\nrun_me --now\n```\nOne [link_text](a_b.md), `some_code`,\n`more_code`.\n- point_one\n"
    text += "| what_is | `code_1` |\n|---|---|\n| 60 % | 2026-11-24 |\n"
    found = [fault for block in prose(text) for fault in faults(block)]
    assert sorted(found) == sorted(
        ["a raw identifier"] * 3 + ["a blank before the percent sign", "a date of a machine"]
    )


def test_a_plain_sentence_breaks_no_rule():
    assert (
        faults("At 117 tokens a second per user, a million DeepSeek-R1 tokens cost **$0.12 on GB300**, 34 times less.")
        == []
    )
