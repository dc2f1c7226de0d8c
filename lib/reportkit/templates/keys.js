// The key of the number under the pointer or with the focus, as its title: the part of provenance.json that it resolves to.

const place = (node, output) => {
  const tile = node.closest(".tf-tile");
  if (tile) return tile.dataset.k;
  const cell = node.closest("td, th, caption");
  if (cell) {
    const table = cell.closest("table");
    const number = [...output.querySelectorAll("table")].indexOf(table) + 1;
    const row = cell.closest("tr");
    if (!row) return `t${number}.caption`;
    const line = row.parentElement.tagName === "THEAD" ? "head" : `r${row.sectionRowIndex + 1}`;
    return `t${number}.${line}.c${cell.cellIndex + 1}`;
  }
  if (node.closest("figcaption")) return "title";
  const sentence = node.closest("p");
  return sentence?.parentElement.matches(".tf-answer, .tf-note")
    ? `s${[...output.querySelectorAll(".tf-answer > p, .tf-note > p")].indexOf(sentence) + 1}`
    : null;
};

function name({ target }) {
  const output = target.closest?.(".tf-out");
  const node = target.closest?.("td, th, caption, figcaption, .tf-tile, p");
  if (!output || !node || node.title || node.closest(".tf-foot")) return;
  const where = place(node, output);
  if (where) node.title = `${output.dataset.k}/${where}`;
}

addEventListener("pointerover", name);
addEventListener("focusin", name);
