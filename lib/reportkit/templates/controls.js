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
const shown = (value, unit) => {
  if (!Number.isFinite(value)) return "not measured";
  if (unit === "frac") return value > 1 ? "no break-even" : `${(100 * value).toPrecision(value < 0.1 ? 2 : 3).replace(/\.0+$/, "")}%`;
  const text = Math.abs(value) >= 1000 ? Math.round(value).toLocaleString("en") : `${+value.toPrecision(3)}`;
  return unit.startsWith("usd") ? `$${text}`.replace("$-", "-$") : unit === "1" ? `${text}x` : text;
};
const state = new URLSearchParams(location.hash.slice(1));
for (const form of document.querySelectorAll("form.tf-controls")) {
  const model = JSON.parse(form.dataset.model), cells = {...model.given};
  const numbers = [...form.querySelectorAll("input[type=number]")];
  const slider = key => form.querySelector(`input[type=range][data-of="${CSS.escape(key)}"]`);
  const compute = () => {
    for (const line of model.lines) {
      cells[line.cell] = follow(line.steps, cells);
      const output = form.querySelector(`output[name="${CSS.escape(line.cell)}"]`);
      if (output) { output.textContent = shown(cells[line.cell], line.unit); output.dataset.value = cells[line.cell]; }
    }
    for (const input of numbers) input.classList.toggle("changed", cells[input.name] !== model.given[input.name]);
  };
  const put = (key, value) => {
    cells[key] = value;
    if (value === model.given[key]) state.delete(key); else state.set(key, value);
    history.replaceState(null, "", state.size ? `#${state}` : location.pathname + location.search);
    compute();
  };
  for (const input of numbers) {
    const kept = state.has(input.name) ? Number(state.get(input.name)) : NaN;
    if (Number.isFinite(kept)) {
      cells[input.name] = kept; input.value = kept;
      const other = slider(input.name); if (other) other.value = kept;
    }
    input.addEventListener("input", () => {
      if (!Number.isFinite(input.valueAsNumber)) return;
      const other = slider(input.name); if (other) other.value = input.value;
      put(input.name, input.valueAsNumber);
    });
  }
  for (const range of form.querySelectorAll("input[type=range]"))
    range.addEventListener("input", () => {
      const input = numbers.find(one => one.name === range.dataset.of);
      input.value = +range.valueAsNumber.toPrecision(4);
      put(range.dataset.of, +range.valueAsNumber.toPrecision(4));
    });
  form.addEventListener("reset", () => setTimeout(() => {
    for (const key of Object.keys(model.given)) put(key, model.given[key]);
  }));
  compute();
}
