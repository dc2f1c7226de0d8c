"""YAML of strangers: what is refused, in which words, and that nothing hangs."""

import os

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reportkit import strict_yaml

BOMB = "a0: &a0 [x, x]\n" + "".join(f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 9)}]\n" for n in range(1, 12))


@pytest.mark.parametrize(
    ("text", "line", "said"),
    [
        (BOMB, 4, "there are more than 20 aliases"),
        ("[" * 2000 + "]" * 2000, 1, "this is nested deeper than 20 levels"),
        ("a: 1\nb:\n" + "".join(f"{'  ' * n}x:\n" for n in range(1, 40)), 21, "nested deeper than 20"),
        ("title: x\nparameters: {isl: 1}\ntitle: y\n", 3, "'title' is given twice"),
        ("title: x\nparameters:\n  isl: 1\n  isl: 2\n", 4, "'isl' is given twice"),
        ("title: x\nis_on: !!bool maybe\n", 2, "'maybe' is no bool"),
        ("day: !!timestamp x\n", 1, "'x' is no timestamp"),
        ("title: x\ndate: 2026-13-40\n", 2, "'2026-13-40' is no timestamp"),
        ("n: !!int ten", 1, "'ten' is no int"),
        ("n: !!float ten", 1, "'ten' is no float"),
        ("n: " + "9" * 5000, 1, "is no int"),
        ("n: !!python/object/apply:os.system [id]", 1, "could not determine a constructor"),
        ("a: &a [*a]", 1, "contains itself"),
        ("a: &a {b: *a}", 1, "contains itself"),
        ("? {a: 1}\n: 2", 1, "unhashable key"),
        ("a: b: c", 1, "mapping values are not allowed here"),
        ("a: 1\n---\nb: 2", 2, "but found another document"),
        ("a: 1\nb: \0", 2, "it has the character U+0000"),
        (b"a: 1\nb: \xff", 2, "this is not UTF-8 text"),
    ],
)
def test_what_is_refused_is_one_sentence_with_its_line(text, line, said):
    with pytest.raises(strict_yaml.NotUsable) as refused:
        strict_yaml.load(text)
    assert said in str(refused.value) and "\n" not in str(refused.value)
    assert refused.value.line == line


def test_what_people_write_is_read():
    text = "base: &b {isl: 1024, on: 2026-04-15}\nmore: {<<: *b, osl: 8}\nboth: [*b, *b]\n'1': text\n1: number\n"
    with pytest.raises(strict_yaml.NotUsable, match="'1' is given twice"):
        strict_yaml.load(text)  # nobody could tell them apart
    read = strict_yaml.load(text.replace("1: number\n", ""))
    assert read["more"] == read["base"] | {"osl": 8} and read["both"] == [read["base"]] * 2


def test_only_small_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe.yaml")
    (tmp_path / "folder.yaml").mkdir()
    (tmp_path / "link.yaml").symlink_to("nothing")
    (tmp_path / "large.yaml").write_text("# large\n" * 40_000)
    for name, said in {
        "pipe": "this is not a regular file",
        "folder": "this is not a regular file",
        "link": "this cannot be read: No such file",
        "large": "this is more than 256 kB",
    }.items():
        with pytest.raises(strict_yaml.NotUsable, match=said):
            strict_yaml.read(tmp_path / f"{name}.yaml")


@given(st.text(alphabet="ab:-? [],{}&*!<>|'\"\n#%@`\t1\0\x85\ud800", max_size=60))
def test_whatever_it_is_it_is_read_or_refused(text):
    try:
        strict_yaml.load(text)
    except strict_yaml.NotUsable as refused:
        assert "\n" not in str(refused)
