// A table whose heads sort it, and the words for shares.

/** @param {number|null} fraction 0 to 1 @param {number} digits behind the point */
export function percent(fraction, digits) {
  return fraction === null ? "–" : `${(fraction * 100).toFixed(digits)} %`;
}

/** Set the colour of a swatch. @param {Element} swatch an svg with a rect @param {number[]} rgb */
export function tint(swatch, rgb) {
  swatch.querySelector("rect").setAttribute("fill", `rgb(${rgb.join(" ")})`);
}

/**
 * Let the buttons in a table's head sort its body, by each cell's `data-value`, or else by its text.
 *
 * @param {HTMLTableElement} table
 * @returns {() => void} sorts anew by the column chosen last, for rows that have changed
 */
export function sortable(table) {
  const sort = () => {
    const heads = [...table.tHead.rows[0].cells];
    const column = heads.findIndex((head) => head.hasAttribute("aria-sort"));
    if (column < 0) return;
    const sign = heads[column].getAttribute("aria-sort") === "ascending" ? 1 : -1;
    const body = table.tBodies[0];
    body.append(...[...body.rows].sort((one, other) => sign * order(one.cells[column], other.cells[column])));
  };
  table.tHead.addEventListener("click", (event) => {
    const head = event.target.closest("button")?.closest("th");
    if (!head) return;
    const first = head.dataset.first ?? "descending";
    const second = first === "descending" ? "ascending" : "descending";
    const next = head.getAttribute("aria-sort") === first ? second : first;
    for (const each of table.tHead.rows[0].cells) each.removeAttribute("aria-sort");
    head.setAttribute("aria-sort", next);
    sort();
  });
  return sort;
}

function order(one, other) {
  const [a, b] = [one, other].map((cell) => cell.dataset.value ?? cell.textContent.trim());
  return isNaN(a) || isNaN(b) ? a.localeCompare(b) : a - b;
}

/**
 * Make a bar of the categories' shares. It is a picture of a table beside it, hidden from screen readers.
 *
 * @param {HTMLElement} bar
 * @param {{id: number, coverage: number}[]} rows
 * @param {number[][]} palette
 */
export function stack(bar, rows, palette) {
  const parts = rows
    .filter((row) => row.coverage)
    .map((row) => {
      const part = document.createElement("span");
      part.style.flexGrow = row.coverage;
      part.style.background = `rgb(${palette[row.id].join(" ")})`;
      return part;
    });
  bar.replaceChildren(...parts);
}
