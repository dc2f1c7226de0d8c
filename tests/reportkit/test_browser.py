"""Pages in a real browser without a network: what a reader sees, on a phone and a desk, light, dark and on paper.

The checks run on the sample pages and, where the environment variable TOKENFACTORY_SITE names a folder, on
every page in it: with axe-core too. With `make pictures` a picture of every page goes to `test-artifacts/`.
"""

import os
import re
import time
from pathlib import Path

import pytest
import sample

axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not installed")

SITE = os.environ.get("TOKENFACTORY_SITE")  # of one scenario
PICTURES = os.environ.get("TOKENFACTORY_PICTURES")
REAL = sorted(Path(SITE).absolute().glob("*.html")) if SITE else []
# The first of what looks alike: axe takes minutes for the thousands.
OPEN = """document.querySelectorAll('details').forEach(details => { details.open = true; });
const alike = 'tbody tr:nth-child(n+6), .tf-from li:nth-child(n+4), svg .role-mark > :nth-child(n+7)';
document.querySelectorAll(alike).forEach(part => part.remove())"""
# The first two texts of each look, by what decides their contrast: axe takes seconds for thousands.
LOOKS = """const seen = {};
for (const part of document.querySelectorAll("body *")) {
  if (![...part.childNodes].some(node => node.nodeType === Node.TEXT_NODE && node.data.trim())) continue;
  const {color, fill, fontSize, fontWeight} = getComputedStyle(part);
  const look = [part.tagName, part.className, color, fill, fontSize, fontWeight];
  for (let up = part; up; up = up.parentElement) {
    const {backgroundColor, backgroundImage, opacity} = getComputedStyle(up);
    look.push(backgroundColor, backgroundImage, opacity);
  }
  seen[look] = (seen[look] ?? 0) + 1;
  part.toggleAttribute("data-look", seen[look] <= 2);
}"""
LIGHT_LABEL = "rgb(107, 116, 125)"  # the theme's axis labels, #6b747d

# Texts that are not wholly inside the drawing, or that were shortened.
CUT = """svg => {
  const box = svg.getBoundingClientRect();
  return [...svg.querySelectorAll('text')].filter(text => {
    const {left, right, top, bottom, width} = text.getBoundingClientRect();
    return width && (left < box.left - 1 || right > box.right + 1 || top < box.top - 1 || bottom > box.bottom + 1
                     || text.textContent.endsWith('…'));
  }).map(text => text.textContent);
}"""
# What some marks of a chart tell the pointer: label and value of each line.
TIPS = """async place => {
  const all = [...place.querySelectorAll("svg .role-mark :is(path, rect)")];
  const marks = all.filter(mark => mark.getBoundingClientRect().width);
  const told = [], tip = () => document.querySelector("#vg-tooltip-element.visible");
  for (let i = 0; i < marks.length; i += Math.ceil(marks.length / 5)) {
    for (const kind of ["pointerover", "mouseover"])
      marks[i].dispatchEvent(new PointerEvent(kind, {bubbles: true, clientX: 99, clientY: 99}));
    await new Promise(requestAnimationFrame);
    for (const kind of ["pointermove", "mousemove"])
      marks[i].dispatchEvent(new PointerEvent(kind, {bubbles: true, clientX: 99, clientY: 99}));
    await new Promise(requestAnimationFrame);
    told.push(...[...(tip()?.querySelectorAll("tr") ?? [])].map(row => row.innerText.trim().split(/\\s*\\t\\s*/)));
    for (const kind of ["pointerout", "mouseout"]) marks[i].dispatchEvent(new PointerEvent(kind, {bubbles: true}));
  }
  return told;
}"""
NO_WORDS = re.compile(r"undefined|NaN|null|_|\b(?:[bh]|gb|mi)\d{3}x?\b")
SIZES = "all => all.map(text => parseFloat(getComputedStyle(text).fontSize))"


class Reader:
    """A page as somebody opens it, with everything it complained of and asked for."""

    def __init__(self, browser, path, *, width=1440, height=800, scheme="light", **options):
        self.context = browser.new_context(
            offline=True, viewport={"width": width, "height": height}, color_scheme=scheme, **options
        )
        self.page = self.context.new_page()
        self.complaints, self.requests = [], []
        self.page.on("console", lambda m: self.complaints.append(m.text) if m.type in ("error", "warning") else None)
        self.page.on("pageerror", lambda error: self.complaints.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request))
        self.page.goto(path.as_uri())

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.context.close()

    @property
    def charts(self):
        return self.page.locator(".tf-drawing").all()

    def until(self, script):
        """Wait until `script` is true; Playwright's own way needs a policy that lets text become code."""
        end = time.monotonic() + 10
        while not self.page.evaluate(script):
            assert time.monotonic() < end, script
            self.page.wait_for_timeout(50)

    def draw_all(self):
        for chart in self.charts:
            chart.scroll_into_view_if_needed()
            chart.locator("svg .role-mark").first.wait_for(state="attached")
        # A place keeps its height until its chart is finished, which may take a second attempt.
        self.until("[...document.querySelectorAll('.tf-drawing')].every(place => !place.style.minHeight)")
        self.page.evaluate("scrollTo(0, 0)")

    def label_colours(self):
        script = "all => [...new Set(all.map(text => getComputedStyle(text).fill))]"
        return self.page.locator(".tf-drawing svg .role-axis-label text").evaluate_all(script)


def check_charts(reader):
    for chart in reader.charts:
        svg = chart.locator("svg")
        assert svg.count() == 1
        assert chart.get_attribute("role") == "graphics-document" and chart.get_attribute("aria-label")
        assert chart.locator("svg .role-mark :is(path, text, rect, line)").count() > 0
        assert [text for text in svg.evaluate(CUT) if "<" not in text] == []  # hostile labels are long
        assert svg.bounding_box()["width"] <= chart.bounding_box()["width"] + 1
        assert min(chart.locator("svg text").evaluate_all(SIZES), default=13) >= 13


def axe_findings(page, *, is_contrast_all=False) -> list[str]:
    """What axe-core calls serious or critical: the rule, how often, and the first element."""
    page.evaluate(LOOKS)
    whole, contrast = {"rules": {"color-contrast": {"enabled": False}}}, {"runOnly": ["color-contrast"]}
    asked = [({"include": ["[data-look]"]}, contrast), *([] if is_contrast_all else [(None, whole)])]
    found = [axe.Axe().run(page, where, {"resultTypes": ["violations"]} | rules).response for where, rules in asked]
    return [
        f"{v['impact']} {v['id']} x{len(v['nodes'])}: {v['nodes'][0]['html'][:300]} {v['nodes'][0]['failureSummary']}"
        for response in found
        for v in response["violations"]
        if v["impact"] in ("serious", "critical")
    ]


BOTTOM = "all => Math.max(...all.map(one => document.querySelector(one).getBoundingClientRect().bottom))"


def check_first_screen(page):
    """What is seen before anybody scrolls: on the index all that it leads with, elsewhere the start of a chart."""
    if page.locator(".first").count():
        parts = ["h1", ".first .tf-drawing"]
        parts += [".first dl", ".first form input"] if page.locator(".first form").count() else [".tf-tiles"]
        assert page.evaluate(BOTTOM, parts) <= 720
    elif page.locator(".tf-drawing").count():
        assert page.locator(".tf-drawing").first.bounding_box()["y"] < 450


def check_page(browser, path, artifacts, name):
    """One page, opened once: on a desk, on a phone, on paper, in the dark, and as axe judges it."""

    def picture(how):  # a third of the time of a page
        if PICTURES:
            reader.page.screenshot(path=artifacts / f"{name}-{how}.png", full_page=True)

    with Reader(browser, path, width=1280, height=720) as reader:
        page = reader.page
        reader.draw_all()
        check_charts(reader)
        picture("1280-light")
        assert page.evaluate("document.documentElement.scrollWidth") <= 1280
        assert page.evaluate(TOO_WIDE) == []
        check_first_screen(page)
        told = [line for chart in reader.charts for line in chart.evaluate(TIPS)] if "sample" not in name else []
        assert told or "sample" in name or not reader.charts  # lines have points that tell their values
        assert [line for line in told if len(line) != 2 or not line[0][:1].isupper() or NO_WORDS.search(line[1])] == []
        assert page.locator("h1").count() == 1
        for landmark in ("banner", "main", "contentinfo"):
            assert page.get_by_role(landmark).count() == 1
        assert page.locator("th:not([scope])").count() == 0
        assert page.locator("main .tf-answer, main p").first.is_visible()
        page.set_viewport_size({"width": 390, "height": 844})
        reader.until("[...document.querySelectorAll('.tf-drawing svg')].every(svg => svg.width.baseVal.value <= 390)")
        reader.draw_all()
        check_charts(reader)
        picture("390-light")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        assert [part for part in page.evaluate(TOO_WIDE) if "tf-cards" in part[0]] == []
        if page.locator(".first").count():
            assert page.evaluate(BOTTOM, ["h1", ".first .tf-drawing", ".first :is(dl > div, .tf-tile)"]) <= 844
        assert reader.complaints == []
        assert [r.url for r in reader.requests if not r.url.startswith(("file:", "data:"))] == []
        assert page.title() != "owned"
        num_sheets = check_paper(page)

        page.set_viewport_size({"width": 1440, "height": 800})
        page.emulate_media(media="screen", color_scheme="dark")
        reader.draw_all()
        picture("1440-dark")
        page.evaluate(OPEN)
        assert axe_findings(page, is_contrast_all=True) == []
        page.emulate_media(color_scheme="light")
        reader.draw_all()
        assert axe_findings(page) == []
        return num_sheets


@pytest.fixture(scope="session")
def artifacts(project):
    folder = project / "test-artifacts"
    folder.mkdir(exist_ok=True)
    return folder


@pytest.mark.parametrize("name", sample.PAGES)
def test_a_sample_page_is_whole(browser, sample_site, artifacts, name):
    assert check_page(browser, sample_site / name, artifacts, f"sample-{Path(name).stem}") >= 1


@pytest.mark.parametrize("path", REAL, ids=lambda path: f"{path.parent.name}-{path.stem}")
def test_a_page_of_the_site_is_whole(browser, artifacts, path):
    num_sheets = check_page(browser, path, artifacts, f"{path.parent.name}-{path.stem}")
    wanted = {"summary": 1, "brief": 3}.get(path.stem)
    if 'class="one-sheet"' in path.read_text(encoding="utf-8"):
        wanted = 1
    assert num_sheets == wanted if wanted else num_sheets >= 1


def test_axe_sees_what_is_wrong(browser, tmp_path):
    page = tmp_path / "bad.html"
    page.write_text(
        "<!doctype html><title>t</title><img src='data:,'>" + "<p>dark</p>" * 9 + "<p style='color:#ccc'>pale</p>"
    )
    with Reader(browser, page) as reader:
        found = " ".join(axe_findings(reader.page))
    assert "image-alt" in found and "color-contrast" in found and "html-has-lang" in found


@pytest.fixture
def path(sample_site):
    return sample_site / "01_sample.html"


def test_charts_are_drawn_when_they_come_near(browser, path):
    with Reader(browser, path) as reader:
        reader.charts[0].scroll_into_view_if_needed()
        reader.charts[0].locator("svg").wait_for()
        assert reader.charts[-1].locator("svg").count() == 0
        reader.draw_all()
        assert reader.charts[-1].locator("svg").count() == 1


def test_a_place_hardly_moves_what_follows_when_it_is_drawn(browser, path):
    with Reader(browser, path) as reader:
        before = [chart.bounding_box()["height"] for chart in reader.charts]
        reader.draw_all()
        after = [chart.bounding_box()["height"] for chart in reader.charts]
        assert all(abs(a - b) < 60 for a, b in zip(after, before, strict=True)), (before, after)


def test_colours_follow_the_reader(browser, path):
    with Reader(browser, path) as reader:
        reader.draw_all()
        assert reader.label_colours() == [LIGHT_LABEL]
        reader.page.emulate_media(color_scheme="dark")
        texts = "[...document.querySelectorAll('.tf-drawing svg .role-axis-label text')]"
        reader.until(f"{texts}.length && {texts}.every(text => getComputedStyle(text).fill !== '{LIGHT_LABEL}')")
        reader.until(f"document.querySelectorAll('.tf-drawing:has(svg)').length === {len(reader.charts)}")
        assert len(reader.label_colours()) == 1
        assert reader.label_colours() != [LIGHT_LABEL]
        assert reader.complaints == []


def test_paper_has_every_chart_in_light_colours_at_its_width(browser, path):
    with Reader(browser, path, width=390, scheme="dark") as reader:
        reader.charts[0].scroll_into_view_if_needed()
        reader.charts[0].locator("svg").wait_for()
        # When the sheet is laid out, the medium changes to print; what stands there then is what is printed.
        reader.page.evaluate(
            """light => matchMedia('print').addEventListener('change', ({matches}) => {
                 if (matches) window.printed = [...document.querySelectorAll('.tf-drawing')].map(place => [
                   place.querySelector('svg')?.width.baseVal.value,
                   [...place.querySelectorAll('.role-axis-label text')].every(t => t.getAttribute('fill') === light)])
               })""",
            "#6b747d",
        )
        assert reader.page.pdf(prefer_css_page_size=True).startswith(b"%PDF")
        printed = reader.page.evaluate("window.printed")
        assert len(printed) == len(sample.charts())
        assert all(width and 600 < width <= 680 and is_light for width, is_light in printed), printed
        reader.until("document.querySelector('.tf-drawing svg')?.width.baseVal.value < 390")
        assert reader.label_colours() != [LIGHT_LABEL]


PAPER = 673  # pixels between the margins of A4
TOO_WIDE = """[...document.querySelectorAll('.tf-table, .tf-formula, pre, .line')]
  .filter(part => part.offsetParent && !part.closest('details:not([open])') && part.scrollWidth > part.clientWidth + 1)
  .map(part => [part.className, part.textContent.slice(0, 80), part.scrollWidth])"""


def check_paper(page) -> int:
    """Nothing stands out of the sheet: whatever scrolls on a screen is cut on paper. Returns the number of sheets."""
    page.set_viewport_size({"width": PAPER, "height": 800})
    page.emulate_media(media="print")
    assert [part for part in page.evaluate(TOO_WIDE) if "<" not in part[1]] == []  # hostile text is long
    return len(re.findall(rb"/Type /Page\b", page.pdf(prefer_css_page_size=True)))


def test_a_number_tells_its_key_to_the_pointer_and_its_sources_to_the_keyboard(browser, path):
    with Reader(browser, path) as reader:
        page = reader.page
        keys = {
            ".lead .tf-answer p >> nth=1": "01_sample/c05/s2",
            ".tf-tile >> nth=1": "01_sample/c06/usd_per_mtok",
            "#c07 .tf-table tbody tr:nth-child(2) td:nth-child(3)": "01_sample/c07/t1.r2.c3",
            "#c07 caption >> nth=0": "01_sample/c07/t1.caption",
            "figcaption >> nth=0": "01_sample/c08/title",
            "#parameters tbody tr:nth-child(3) td >> nth=0": "01_sample/parameters/t1.r3.c2",
        }
        for place, key in keys.items():
            page.locator(place).first.hover()
            assert page.locator(place).first.get_attribute("title") == key, place
        sources = page.locator(".tf-from details:has(#from-c05)")
        assert not sources.locator("ul").is_visible()
        page.locator("#c05 .tf-mark").focus()
        page.keyboard.press("Enter")
        sources.locator("ul").wait_for()  # a link into what is closed opens it
        assert sources.locator("summary").inner_text() == "The answer"
        text = sources.inner_text()
        assert "price_book.csv (SHA-256" in text and "01_sample/c05" in text and "0123456789ab" in text
        assert sources.get_by_role("link", name=re.compile("gb300-")).count() == 5 and "more rows" in text
        details = page.locator(".tf-from").get_by_role("link", name="01_sample.provenance.json")
        assert details.get_attribute("href") == "01_sample.provenance.json"
        assert reader.complaints == []


def test_a_row_is_a_card_on_a_phone_and_columns_in_the_back_come_when_asked(browser, path):
    with Reader(browser, path, width=390) as reader:
        table = reader.page.locator("#parameters .tf-table")
        cell = table.locator("td").first
        assert "Value" in cell.evaluate("cell => getComputedStyle(cell, '::before').content")
        assert table.evaluate("table => getComputedStyle(table.querySelector('tr')).display") == "block"
        source = reader.page.locator("#c07 td.tf-more").first
        assert not source.is_visible()
        reader.page.locator("#c07 .tf-foot").evaluate(
            "foot => foot.insertAdjacentHTML('beforeend', '<input type=checkbox checked>')"
        )
        assert source.is_visible()


def test_a_table_scrolls_with_the_keyboard(browser, path):
    # Those of charts do; a window so narrow, because they are no wider than a phone.
    with Reader(browser, path, width=240) as reader:
        reader.draw_all()
        reader.page.locator(".tf-data summary").first.click()
        reader.page.locator(".tf-data .tf-table").first.focus()
        for _ in range(5):
            reader.page.keyboard.press("ArrowRight")
        reader.until("document.querySelector('.tf-data .tf-table').scrollLeft > 50")


def test_the_scenarios_are_found_without_a_script(browser, sample_site):
    with Reader(browser, sample_site / "01_sample.html", width=390, java_script_enabled=False) as reader:
        reader.page.get_by_text("Scenario: GB300 NVL72 against HGX H200").click()
        link = reader.page.get_by_role("link", name="The other way round")
        assert link.is_visible() and link.get_attribute("href") == "swapped/index.html"


def test_charts_fit_when_the_window_changes(browser, path):
    with Reader(browser, path) as reader:
        reader.draw_all()
        reader.page.set_viewport_size({"width": 390, "height": 800})
        reader.until("[...document.querySelectorAll('.tf-drawing svg')].every(svg => svg.width.baseVal.value <= 358)")
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_a_mark_tells_its_values_and_hostile_ones_as_text(browser, path):
    with Reader(browser, path) as reader:
        reader.draw_all()
        reader.charts[-1].locator("svg .mark-rect path").first.hover()
        tooltip = reader.page.locator("#vg-tooltip-element.visible")
        tooltip.wait_for()
        assert "<script>" in tooltip.inner_text()
        assert reader.page.title() != "owned"


def test_marks_are_named_for_screen_readers_unless_there_are_hundreds(browser, path):
    kinds = list(sample.charts())
    with Reader(browser, path) as reader:
        reader.draw_all()
        named = {
            kind: chart.locator(".role-mark [aria-label]").count()
            for kind, chart in zip(kinds, reader.charts, strict=True)
        }
        assert named["bar"] >= 4
        assert named["point"] == 0  # of 300 points


def test_the_data_of_a_chart_opens_as_a_table(browser, path):
    with Reader(browser, path, width=390) as reader:
        reader.draw_all()  # a chart that is drawn meanwhile would move what is clicked
        data = reader.page.locator(".tf-data").nth(1)
        data.locator("summary").click()
        assert "Electricity" in data.inner_text()
        assert reader.page.evaluate("document.documentElement.scrollWidth") <= 390


def test_the_first_column_stays_when_a_wide_table_is_scrolled(browser, path):
    with Reader(browser, path, width=240) as reader:
        reader.draw_all()
        reader.page.locator(".tf-data summary").first.click()
        table = reader.page.locator(".tf-data .tf-table").first
        header = table.locator("tbody th").first
        before = header.bounding_box()["x"]
        assert table.evaluate("table => { table.scrollLeft = 60; return table.scrollLeft }") == 60
        assert header.bounding_box()["x"] == before


def test_the_menu_opens_without_a_script_and_leads_on(browser, sample_site):
    with Reader(browser, sample_site / "01_sample.html", width=390, java_script_enabled=False) as reader:
        reader.page.get_by_text("All questions").click()
        reader.page.get_by_role("navigation", name="Pages").get_by_role("link", name="How sure are we?").click()
        assert reader.page.locator("h1").inner_text() == "How sure are we?"
        reader.page.get_by_role("link", name="Token Factory").click()
        assert reader.page.url.endswith("index.html")


def test_without_scripts_everything_but_the_drawings_is_there(browser, path):
    with Reader(browser, path, java_script_enabled=False) as reader:
        text = reader.page.locator("main").inner_text()
        assert "drawn by a script, which is switched off here" in text
        assert "35.0x cheaper" in text and "Data of this chart" in text
        assert reader.page.locator("math").first.is_visible()


def test_the_policy_stops_scripts_and_requests_that_got_in(browser, path):
    with Reader(browser, path) as reader:
        reader.page.evaluate(
            """() => {
                 const script = document.createElement('script');
                 script.textContent = "document.title = 'owned'";
                 document.body.append(script);
                 document.body.insertAdjacentHTML('beforeend',
                   '<img src="https://example.org/x.png" onerror="document.title = `owned`">');
               }"""
        )
        reader.page.wait_for_timeout(200)
        assert reader.page.title() != "owned"
        assert any("Content Security Policy" in complaint for complaint in reader.complaints)
        assert {request.failure for request in reader.requests if request.url.startswith("http")} == {"csp"}
