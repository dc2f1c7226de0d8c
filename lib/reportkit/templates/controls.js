// Models that compute in the page: follow the steps of each formula whenever an input changes. State stands after #.
const DO = {"+": (a, b) => a + b, "-": (a, b) => a - b, "*": (a, b) => a * b, "/": (a, b) => a / b,
            "^": (a, b) => a ** b, "=": (a, b) => +(a === b)};
const follow = (steps, cells) => {
  const stack = [];
  for (const step of steps) {
    if (typeof step === "number") stack.push(step);
    else if (step in DO) { const b = stack.pop(); stack.push(DO[step](stack.pop(), b)); }
    else stack.push(cells[step]);
  }
  return stack.pop();
};
const digits = (value, most) => Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : `${+value.toPrecision(most)}`;
// As the notebooks' `phrases.money`: `more` digits where two amounts of a sentence would look alike.
const dollars = (value, more = 0) => {
  const size = Math.abs(value), first = size > 0 && size < 1 ? Math.floor(Math.log10(size)) : 0;
  const text = size >= 1000 ? digits(size, 3) : size.toFixed(Math.min(20, Math.max(2, 1 - first) + more));
  return `${value < 0 ? "-" : ""}$${text}`;
};
const shown = (value, unit, more = 0) => {
  if (!Number.isFinite(value)) return "not measured";
  if (unit === "frac") return value > 1 ? "none" : `${+(100 * value).toPrecision(Math.abs(value) < 0.1 ? 2 : 3)}%`;
  return unit.startsWith("usd") ? dollars(value, more) : unit === "1" ? `${digits(value, 3)}x` : digits(value, 3);
};
// How much less the first of two costs is, from second over first, in the words of the notebooks.
const ratio = times => {
  if (Number.isNaN(times)) return "not measured";
  if (Math.abs(times - 1) < 0.005) return "as much";
  const round = value => value < 100 ? value.toPrecision(2) : digits(value, 2);
  if (times >= 2) return `${round(times)} times less`;
  if (times > 1) return `${(100 * (1 - 1 / times)).toFixed(0)}% less`;
  return times <= 1 / 1.5 ? `${round(1 / times)} times as much` : `${(100 * (1 / times - 1)).toFixed(0)}% more`;
};
const state = new URLSearchParams(location.hash.slice(1));
addEventListener("hashchange", () => {
  for (const key of [...state.keys()]) state.delete(key);
  for (const [key, value] of new URLSearchParams(location.hash.slice(1))) state.set(key, value);
});
const keep = () => history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
for (const form of document.querySelectorAll("form.tf-controls")) {
  const model = JSON.parse(form.dataset.model), choices = model.choices ?? {}, cells = {...model.given};
  const given = {...model.given}, unit = Object.fromEntries(model.lines.map(line => [line.cell, line.unit]));
  const numbers = [...form.querySelectorAll("input[type=number]")], lists = [...form.querySelectorAll("select")];
  const said = document.querySelector(`.tf-said[data-page="${CSS.escape(form.dataset.page)}"]`) ?? form.querySelector(".tf-said");
  const slider = key => form.querySelector(`input[type=range][data-of="${CSS.escape(key)}"]`);
  // Numbers of the page that the model gives move with it, and go back to their print.
  const tiles = Object.entries(model.tiles ?? {}).flatMap(([key, cell]) =>
    [...document.querySelectorAll(`.tf-out .tf-tile[data-k="${CSS.escape(key)}"]`)].map(tile => {
      tile.dataset.cell = cell;
      const place = tile.querySelector(".tf-tile-value");
      return {place, cell, print: place.textContent};
    }));
  const worded = more => (whole, key, as) =>
    key in choices ? choices[key][lists.find(list => list.name === key)?.value ?? 0].label
    : !(key in cells) ? whole : as === "ratio" ? ratio(cells[key]) : shown(cells[key], unit[key] ?? "", more);
  const amounts = [...(model.sentence ?? "").matchAll(/\{([^{}|]+)\}/g)].map(found => found[1]).filter(key => unit[key]?.startsWith("usd"));
  const apart = () => [0, 1, 2, 3].find(more => new Set(amounts.map(key => dollars(cells[key], more))).size
    === new Set(amounts.map(key => cells[key])).size) ?? 0;
  const compute = () => {
    for (const line of model.lines) {
      cells[line.cell] = follow(line.steps, cells);
      const output = form.querySelector(`output[name="${CSS.escape(line.cell)}"]`);
      if (output) { output.textContent = shown(cells[line.cell], line.unit); output.dataset.value = cells[line.cell]; }
    }
    for (const input of numbers) input.classList.toggle("changed", cells[input.name] !== given[input.name]);
    const isTried = [...state.keys()].some(key => key in cells || key in choices);
    document.body.classList.toggle("tf-tried", isTried);
    for (const {place, cell, print} of tiles) place.textContent = isTried ? shown(cells[cell], unit[cell]) : print;
    if (said && model.sentence) said.textContent = model.sentence.replace(/\{([^{}|]+)\|?([a-z]*)\}/g, worded(apart()));
  };
  const show = key => {
    const input = numbers.find(one => one.name === key), other = slider(key);
    if (input) input.value = +(cells[key] * input.dataset.times).toPrecision(6);
    if (other) other.value = input.value;
  };
  const put = (key, value) => {
    cells[key] = value;
    if (value === given[key]) state.delete(key); else state.set(key, value);
    keep(); compute();
  };
  const choose = (list, number) => {
    list.value = number;
    if (number === "0") state.delete(list.name); else state.set(list.name, number);
    for (const [key, value] of Object.entries(choices[list.name][number].cells)) {
      given[key] = cells[key] = value; state.delete(key); show(key);
    }
  };
  // All that the address says at once: a link that is opened, the button back.
  const load = () => {
    const kept = new Map(state);
    for (const list of lists) choose(list, choices[list.name][kept.get(list.name)] ? kept.get(list.name) : "0");
    for (const [key, value] of kept) state.set(key, value);
    for (const key of Object.keys(given)) {
      cells[key] = Number.isFinite(parseFloat(kept.get(key))) ? Number(kept.get(key)) : given[key];
      show(key);
    }
    compute();
  };
  addEventListener("hashchange", load);
  for (const list of lists) list.addEventListener("change", () => { choose(list, list.value); keep(); compute(); });
  for (const input of numbers) {
    input.addEventListener("input", () => {
      if (!Number.isFinite(input.valueAsNumber)) return;
      const other = slider(input.name); if (other) other.value = input.value;
      put(input.name, input.valueAsNumber / input.dataset.times);
    });
  }
  for (const range of form.querySelectorAll("input[type=range]"))
    range.addEventListener("input", () => {
      const input = numbers.find(one => one.name === range.dataset.of);
      input.value = +range.valueAsNumber.toPrecision(3);
      put(range.dataset.of, input.valueAsNumber / input.dataset.times);
    });
  form.addEventListener("reset", event => {
    event.preventDefault();
    for (const list of lists) choose(list, "0");
    for (const key of Object.keys(model.given)) { cells[key] = given[key]; state.delete(key); show(key); }
    keep(); compute();
  });
  load();
}
