// What was found, in numbers: the table of categories, the mean confidence, the stages' times.

import { percent, sortable, stack, tint } from "./table.js";

const byId = (id) => document.getElementById(id);

/**
 * The table and what stands around it.
 *
 * Events: `choose` when a tick changes, `lift` with the id of the row under pointer or focus, or null.
 */
export class Reading extends EventTarget {
  #names;
  #strange;
  #rows = [];
  #sort = sortable(byId("table"));

  /** @param {string[]} names by category id @param {{below: number, words: string}} strange what to say of no street */
  constructor(names, strange) {
    super();
    this.#names = names;
    this.#strange = strange;
    this.#rows = names.map((name, id) => this.#row(name, id));
    byId("rows").replaceChildren(...this.#rows);
    byId("all").addEventListener("click", () => {
      const ticked = this.chosen.size < names.length;
      for (const row of this.#rows) row.querySelector("input").checked = ticked;
      this.#choose();
    });
  }

  /** Ids of the categories with a tick. */
  get chosen() {
    return new Set(this.#rows.flatMap((row, id) => (row.querySelector("input").checked ? [id] : [])));
  }

  /** @param {object|null} item with `counts` of pixels.js, `timings`, `version` and `familiarity`; null hides it all */
  show(item) {
    byId("reading").hidden = !item;
    if (!item) return;
    const { counts, timings, version, familiarity } = item;
    byId("strange").textContent = familiarity < this.#strange.below ? this.#strange.words : "";
    for (const { id, pixels, coverage, confidence } of counts.rows) {
      const [, share, sure] = this.#rows[id].cells;
      share.dataset.value = coverage;
      share.textContent = percent(coverage, 1);
      share.title = `${pixels.toLocaleString("en")} pixels`;
      sure.dataset.value = confidence ?? -1;
      sure.textContent = percent(confidence, 0);
      this.#rows[id].classList.toggle("none", !pixels);
    }
    this.#sort();
    byId("confidence").textContent = percent(counts.confidence, 0);
    const stages = [...timings].filter(([stage]) => stage !== "total" && stage !== "queue");
    byId("timings").textContent = `${stages.map(([stage, ms]) => `${stage} ${ms.toFixed(0)}`).join(" · ")} ms`;
    byId("version").textContent = version;
  }

  /** Colour the swatches and the bar. @param {number[][]} palette by category id @param {object|null} item */
  color(palette, item) {
    this.#rows.forEach((row, id) => tint(row.querySelector(".swatch"), palette[id]));
    if (item) stack(byId("shares"), item.counts.rows, palette);
  }

  /** Mark the row of what lies under the probe. @param {number|null} id */
  mark(id) {
    this.#rows.forEach((row, each) => row.classList.toggle("marked", each === id));
  }

  #row(name, id) {
    const row = byId("row").content.firstElementChild.cloneNode(true);
    row.cells[0].dataset.value = name;
    row.querySelector(".name").textContent = name;
    const tick = row.querySelector("input");
    tick.value = id;
    tick.addEventListener("change", () => this.#choose());
    const lift = (to) => () => this.dispatchEvent(new CustomEvent("lift", { detail: to }));
    row.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && lift(id)());
    row.addEventListener("pointerleave", lift(null));
    tick.addEventListener("focus", () => tick.matches(":focus-visible") && lift(id)());
    tick.addEventListener("blur", lift(null));
    return row;
  }

  #choose() {
    byId("all").textContent = this.chosen.size < this.#names.length ? "Show all" : "Show none";
    this.dispatchEvent(new Event("choose"));
  }
}
