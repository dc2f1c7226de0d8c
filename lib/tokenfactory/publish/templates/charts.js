// Draws the charts of a page: each when it comes near the window, in the reader's colours, fitted to its place.
// On paper all of them, in light colours, at the width of the sheet.

const PAPER_WIDTH = 640;
const isDark = matchMedia("(prefers-color-scheme: dark)");
const isNarrow = matchMedia("(max-width: 640px)");
const places = [...document.querySelectorAll(".tf-drawing")];
const specOf = new Map(places.map((place) => [place, JSON.parse(place.nextElementSibling.textContent)]));
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
  axis: { labelFontSize: 10, titleFontSize: 11, labelLimit: 150 },
  axisX: { titleAnchor: "end" }, // so that a title longer than the axis grows to the left
  axisQuantitative: { tickCount: 5 },
  legend: { labelFontSize: 11, columns: 2 },
};
const LONGEST_LINE = 22; // of a label beside a narrow chart

/** A label, or its lines, as lines that are short where the chart is narrow. */
function lines(label) {
  const most = isNarrow.matches ? LONGEST_LINE : Infinity;
  return [label].flat().flatMap((line) =>
    String(line).split(" ").reduce((all, word) => {
      const longer = all.length ? `${all.at(-1)} ${word}` : word;
      return longer.length <= most || !all.length ? [...all.slice(0, -1), longer] : [...all, word];
    }, []),
  );
}

/** Wrap the labels beside the chart, and centre those of several lines, in its compiled form. */
function wrapLabels(compiled) {
  const isDiscrete = (name) => ["band", "point"].includes(compiled.scales?.find((s) => s.name === name)?.type);
  for (const axis of compiled.axes ?? []) {
    if (axis.labels === false || axis.orient !== "left" || !isDiscrete(axis.scale)) continue;
    const given = axis.encode?.labels?.update;
    const text = `lines(${given?.text?.signal ?? "datum.label"})`;
    const update = { ...given, text: { signal: text }, dy: { signal: `-6 * (length(${text}) - 1)` } };
    axis.encode = { ...axis.encode, labels: { ...axis.encode?.labels, update } };
  }
  return compiled;
}

function specFor(place, isPaper) {
  const spec = { ...specOf.get(place), $schema: "https://vega.github.io/schema/vega-lite/v6.json" };
  const colours = isDark.matches && !isPaper ? darkColours() : {};
  const sizes = isNarrow.matches && !isPaper ? NARROW : {};
  spec.config = { ...spec.config };
  for (const [part, values] of [...Object.entries(colours), ...Object.entries(sizes)])
    spec.config[part] = { ...spec.config[part], ...values };
  if (spec.mark || spec.layer) {
    spec.width ??= "container";
    // A number written to the right of its bar needs room beyond the scale, which is short here.
    const isLabelled = spec.layer?.some(({ mark }) => mark?.type === "text" && mark.align === "left");
    if (isLabelled && isNarrow.matches && !isPaper) spec.padding = { left: 4, top: 4, right: 40, bottom: 4 };
    if (spec.width === "container") spec.autosize ??= { type: "fit-x", contains: "padding" };
    if (isPaper && spec.width === "container") spec.width = PAPER_WIDTH;
  }
  return spec;
}

function draw(place, isPaper = false) {
  const before = drawn.get(place);
  const view = (async () => {
    (await before)?.finalize();
    return vegaEmbed(place, specFor(place, isPaper), {
      mode: "vega-lite",
      renderer: "svg",
      actions: false,
      ast: true, // expressions are interpreted: the page allows no code made from text
      defaultStyle: false,
      expressionFunctions: { lines },
      patch: wrapLabels,
      tooltip: { theme: isDark.matches ? "dark" : "light" },
    });
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

const redraw = () => [...drawn.keys()].forEach((place) => draw(place));
isDark.addEventListener("change", redraw);
isNarrow.addEventListener("change", redraw);
addEventListener("beforeprint", () => places.forEach((place) => draw(place, true)));
addEventListener("afterprint", redraw);
