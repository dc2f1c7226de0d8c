// Draws the charts of a page: each when it comes near the window, in the reader's colours, fitted to its place.
// On paper all of them, in light colours, at the width of the sheet.

const PAPER_WIDTH = 640;
const isDark = matchMedia("(prefers-color-scheme: dark)");
const isNarrow = matchMedia("(max-width: 640px)");
const places = [...document.querySelectorAll(".tf-drawing")];
const drawn = new Map(); // place -> promise of its view, for the places that were near

function darkColours() {
  const style = getComputedStyle(document.documentElement);
  const [ink, soft, rule] = ["--ink", "--soft", "--rule"].map((name) => style.getPropertyValue(name).trim());
  return {
    axis: { labelColor: soft, titleColor: soft, gridColor: rule, domainColor: rule, tickColor: rule },
    legend: { labelColor: ink, titleColor: soft, symbolBaseFillColor: soft, symbolBaseStrokeColor: soft },
    header: { labelColor: ink, titleColor: soft },
    title: { color: ink, subtitleColor: soft },
    text: { color: ink },
  };
}

const NARROW = {
  axis: { labelLimit: 165 },
  axisX: { titleAnchor: "end", labelSeparation: 8 }, // so that a title longer than the axis grows to the left
  axisQuantitative: { tickCount: 5 },
};
const PAPER = { axisX: { labelFlush: false } }; // as a first label pushed to the right would touch the second
// Where labels beside a narrow chart would leave it no room, each stands above its row, in a gap of this share of rows.
const ABOVE = { scale: { barBandPaddingInner: 0.45, bandWithNestedOffsetPaddingInner: 0.35 } };
const ABOVE_STEP = 40; // of rows with their label above
const LEAST_WIDTH = 150; // of what is drawn between labels and texts
const SHORT_LINE = 21; // letters of a label beside a narrow chart; beside others, what its width allows
const SHORT_TITLE = 26; // letters of the title of the axis below such rows
const LONG_LINE = 40; // letters of a label above its row, and of other titles
const SHORT_STEP = 32; // of rows whose labels may take two such lines
const SHORT_PADDING = 26; // of a scale: room for texts beside marks is made at the right, not on both sides of the axis
const LETTER_WIDTH = 7.6;
const LINE_HEIGHT = 15;
const MOST_COLUMNS = 3; // of a legend above it
const MOST_ATTEMPTS = 5;
const MOST_NAMED_MARKS = 250;

// Vega-Lite warns when rows have a fixed height in a chart that fits its width, as if it were to fit its height too.
const warn = console.warn;
console.warn = (...words) => /Dropping "fit-y"/.test(words.join(" ")) || warn.apply(console, words);

/** A label, or its lines, as lines of at most so many letters: broken after blanks and the joints of a key. */
function lines(label, most) {
  return [label].flat().flatMap((line) =>
    (String(line).match(/[^\s_/-]*[\s_/-]?/g) ?? []).reduce((all, piece) => {
      const longer = all.length ? all.at(-1) + piece : piece;
      return longer.trimEnd().length <= most || !all.length ? [...all.slice(0, -1), longer] : [...all, piece];
    }, []),
  );
}

/** The axes on the left of the compiled chart that name its rows. */
function rowAxes(compiled, types) {
  const isOfRows = (name) => types.includes(compiled.scales?.find((s) => s.name === name)?.type);
  return (compiled.axes ?? []).filter((axis) => axis.labels !== false && axis.orient === "left" && isOfRows(axis.scale));
}

/** Wrap the labels beside the compiled chart, and centre those of several lines; or put each above its row. */
function wrapLabels(compiled, isShort, isAbove) {
  for (const axis of rowAxes(compiled, ["band", "point"])) {
    const given = axis.encode?.labels?.update;
    const limit = axis.labelLimit ?? compiled.config?.axis?.labelLimit ?? 180;
    const most = isAbove ? LONG_LINE : isShort ? SHORT_LINE : Math.floor(limit / LETTER_WIDTH);
    const text = `lines(${given?.text?.signal ?? "datum.label"}, ${most})`;
    const beside = { dy: { signal: `-${LINE_HEIGHT / 2} * (length(${text}) - 1)` } };
    const above = { x: { value: 4 }, align: { value: "left" }, baseline: { value: "bottom" }, limit: { value: 0 },
      dy: { signal: `-bandwidth('${axis.scale}') / 2 - 1` } };
    const update = { ...given, text: { signal: text }, ...(isAbove ? above : beside) };
    axis.encode = { ...axis.encode, labels: { ...axis.encode?.labels, update } };
    if (isAbove) axis.zindex = 1; // lines across the chart end at a label's halo
  }
}

/** Make room in a narrow chart: rows as high as their labels, scales that do not pad most of the width, short titles. */
function makeRoom(compiled, isAbove) {
  const [most, step] = isAbove ? [SHORT_TITLE, ABOVE_STEP] : [LONG_LINE, SHORT_STEP];
  for (const axis of compiled.axes ?? [])
    if (axis.orient === "bottom" && axis.title?.length > most) axis.title = lines(axis.title, most);
  for (const scale of compiled.scales ?? [])
    if (scale.padding > SHORT_PADDING) scale.padding = SHORT_PADDING;
  for (const signal of compiled.signals ?? [])
    if (/^y_step$/.test(signal.name) && signal.value < step) signal.value = step;
}

/** Put the legends of the compiled chart above it, one below the other. */
function stackLegends(compiled, numColumns) {
  for (const legend of compiled.legends ?? []) Object.assign(legend, { orient: "top", columns: numColumns });
  const top = { direction: "vertical", anchor: "start", margin: 4 };
  compiled.config = { ...compiled.config, legend: { ...compiled.config?.legend, layout: { top } } };
}

/** Work out what a mark tells when the pointer comes to it, not when it is drawn, which it would slow by a seventh. */
function tellOnHover(group) {
  for (const mark of group.marks ?? []) {
    const { tooltip, ...update } = mark.encode?.update ?? {};
    if (tooltip) Object.assign(mark.encode, { update, hover: { ...mark.encode.hover, tooltip } });
    tellOnHover(mark);
  }
}

function specFor(place, isPaper, isAbove, room) {
  const spec = JSON.parse(place.nextElementSibling.textContent);
  for (const [name, { fields, rows }] of Object.entries(spec.datasets ?? {}))
    if (fields) spec.datasets[name] = rows.map((row) => Object.fromEntries(fields.map((field, i) => [field, row[i]])));
  spec.$schema = "https://vega.github.io/schema/vega-lite/v6.json";
  const colours = isDark.matches && !isPaper ? darkColours() : {};
  const sizes = isPaper ? PAPER : isNarrow.matches ? NARROW : {};
  spec.config ??= {};
  for (const [part, values] of [colours, sizes, isAbove ? ABOVE : {}].flatMap(Object.entries))
    spec.config[part] = { ...spec.config[part], ...values };
  // Each mark is named for screen readers, unless there are so many that nobody would listen to the end.
  const numRows = Object.values(spec.datasets ?? {}).reduce((sum, rows) => sum + rows.length, 0);
  if (numRows > MOST_NAMED_MARKS) spec.config.aria = false;
  if (isAbove && Number.isFinite(spec.height)) spec.height = { step: ABOVE_STEP / 2 };
  spec.padding = { left: 4, top: 4, right: 4 + room, bottom: 4 };
  if (spec.mark || spec.layer) {
    spec.width ??= "container";
    if (spec.width === "container") spec.autosize ??= { type: "fit-x", contains: "padding" };
    if (isPaper && spec.width === "container") spec.width = PAPER_WIDTH;
  }
  return spec;
}

/** How far texts stand out of the drawing on its right: those of legends, and the others. */
function standOut(place) {
  const end = place.querySelector("svg").getBoundingClientRect().right;
  const over = (texts) => Math.max(0, ...[...texts].map((text) => text.getBoundingClientRect().right - end));
  return {
    legend: over(place.querySelectorAll("svg .role-legend text")),
    rest: over(place.querySelectorAll("svg text:not(.role-legend text)")),
  };
}

/** Whether some labels beside the rows of a drawing are higher than its rows. */
function isCrowded(place, view) {
  const labels = [...place.querySelectorAll('svg .role-axis-label text[text-anchor="end"]')];
  const most = Math.max(...labels.map((label) => label.querySelectorAll("tspan").length || 1));
  return view.signal("height") < most * LINE_HEIGHT * labels.length;
}

/** Draw a chart; where a text is cut, again with more room to its right or fewer columns in the legend. */
async function fit(place, isPaper) {
  const isSmall = isNarrow.matches && !isPaper;
  let [room, numColumns, isAbove] = [0, MOST_COLUMNS + !isSmall, false]; // a legend that fits is left as it is
  for (let attempt = 1; ; attempt++) {
    let canBeAbove = false;
    const view = await vegaEmbed(place, specFor(place, isPaper, isAbove, room), {
      mode: "vega-lite",
      renderer: "svg",
      actions: false,
      hover: true,
      ast: true, // expressions are interpreted: the page allows no code made from text
      defaultStyle: false,
      expressionFunctions: { lines },
      patch: (compiled) => {
        tellOnHover(compiled);
        wrapLabels(compiled, isSmall, isAbove);
        canBeAbove = isSmall && rowAxes(compiled, ["band"]).length > 0;
        if (numColumns <= MOST_COLUMNS) stackLegends(compiled, numColumns);
        if (isSmall) makeRoom(compiled, isAbove);
        return compiled;
      },
      tooltip: { theme: isDark.matches ? "dark" : "light" },
    });
    const { legend, rest } = standOut(place);
    const isSqueezed = canBeAbove && !isAbove && (isCrowded(place, view.view) || view.view.signal("width") - rest < LEAST_WIDTH);
    if (attempt === MOST_ATTEMPTS || (!isSqueezed && Math.max(legend, rest) < 1)) return view;
    if (legend >= 1) numColumns = Math.max(1, numColumns - 1);
    isAbove ||= isSqueezed;
    room = isSqueezed ? 0 : room + rest;
    view.finalize();
  }
}

function draw(place, isPaper = false) {
  const before = drawn.get(place);
  place.style.minHeight = `${place.offsetHeight}px`; // what follows stays where it is until the chart is there
  const view = (async () => {
    (await before)?.finalize();
    const view = await fit(place, isPaper);
    // Marks that nobody named are no pictures of their own.
    for (const marks of place.querySelectorAll('[role="graphics-symbol"]:not([aria-label])')) marks.ariaHidden = "true";
    place.style.minHeight = "";
    return view;
  })();
  drawn.set(place, view);
}

const nearby = new IntersectionObserver(
  (entries) => {
    for (const { isIntersecting, target } of entries) {
      if (isIntersecting) {
        nearby.unobserve(target);
        setTimeout(() => draw(target)); // one task each, so that the first is seen before the next is made
      }
    }
  },
  { rootMargin: "300px" },
);
places.forEach((place) => nearby.observe(place));

let isPrinting = false; // a phone's page changes its width for the sheet, and its charts are the sheet's already
const redraw = () => isPrinting || [...drawn.keys()].forEach((place) => draw(place));
isDark.addEventListener("change", redraw);
isNarrow.addEventListener("change", redraw);
addEventListener("beforeprint", () => {
  isPrinting = true;
  places.forEach((place) => draw(place, true));
});
addEventListener("afterprint", () => {
  isPrinting = false;
  redraw();
});
