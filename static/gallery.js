// Several photographs: a card for each, a table of their shares, one zip of all.

import { colors, paint, thinned } from "./pixels.js";
import { predict } from "./service.js";
import { percent, sortable, stack } from "./table.js";
import { parameters, save } from "./takeaway.js";

const byId = (id) => document.getElementById(id);
const THUMBNAIL = 240; // pixels of the longer side

/** Cards and table of all photographs. Events: `select` and `remove` with the item. */
export class Gallery extends EventTarget {
  #sort = sortable(byId("compared"));
  #page;

  /**
   * @param {{names: string[], limits: {images: number, bytes: number}, looks: () => object, failed: (error: Error) => void}} page
   */
  constructor(page) {
    super();
    this.#page = page;
    byId("zip").addEventListener("click", () => this.#bundle("zip"));
    byId("csv").addEventListener("click", () => this.#bundle("csv"));
  }

  /**
   * Show the items anew.
   *
   * @param {object[]} items of page.js
   * @param {object} current
   * @param {number[][]} palette
   */
  show(items, current, palette) {
    this.items = items;
    byId("many").hidden = items.length < 2;
    const focused = this.#focused();
    byId("cards").replaceChildren(...items.map((item) => this.#card(item, item === current, palette)));
    focused?.();
    const read = items.filter((item) => item.counts);
    byId("compared-rows").replaceChildren(...read.map((item) => this.#row(item)));
    this.#sort();
    byId("compared").hidden = !read.length;
    for (const id of ["zip", "csv"]) byId(id).disabled = !read.length;
  }

  /** Cards are made anew: return what gives the focus back to the one that had it, or to its neighbour. */
  #focused() {
    const card = document.activeElement.closest?.(".card");
    if (!card) return null;
    const at = [...card.parentNode.children].indexOf(card);
    const button = [...card.querySelectorAll("button")].indexOf(document.activeElement);
    return () => {
      const cards = byId("cards").children;
      cards[Math.min(at, cards.length - 1)]?.querySelectorAll("button")[button].focus();
    };
  }

  #card(item, current, palette) {
    const card = byId("card").content.firstElementChild.cloneNode(true);
    const [open, remove] = card.querySelectorAll("button");
    if (item.thumbnail) card.querySelector("canvas").replaceWith(colored(item.thumbnail, palette));
    card.querySelector(".name").textContent = item.file.name;
    card.querySelector(".state").textContent = item.counts ? "" : item.refusal ? item.refusal.title : item.working ? "Working" : "Waiting";
    if (item.counts) stack(card.querySelector(".shares"), item.counts.rows, palette);
    if (current) open.setAttribute("aria-current", "true");
    open.addEventListener("click", () => this.dispatchEvent(new CustomEvent("select", { detail: item })));
    remove.setAttribute("aria-label", `Remove ${item.file.name}`);
    remove.addEventListener("click", () => this.dispatchEvent(new CustomEvent("remove", { detail: item })));
    return card;
  }

  #row(item) {
    const row = document.createElement("tr");
    const head = document.createElement("th");
    head.scope = "row";
    head.textContent = item.file.name;
    const cells = [...item.counts.rows.map((each) => each.coverage), item.counts.confidence].map((value) => {
      const cell = document.createElement("td");
      cell.dataset.value = value;
      cell.textContent = percent(value, 1);
      return cell;
    });
    row.append(head, ...cells);
    return row;
  }

  /** Ask for all photographs in as few requests as the service's limits allow, and save each answer. */
  async #bundle(format) {
    const { looks, limits, failed } = this.#page;
    const parts = batches(this.items.filter((item) => item.counts).map((item) => item.file), limits);
    byId("status").textContent = "Preparing the download";
    try {
      for (const [number, files] of parts.entries()) {
        const blob = await predict(files, parameters(format, looks()));
        save(blob, parts.length > 1 ? `streetseg-${number + 1}-of-${parts.length}.${format}` : `streetseg.${format}`);
      }
      byId("status").textContent = "Downloaded";
    } catch (error) {
      failed(error);
    }
  }
}

/** Split files so that each part keeps the service's limits. */
export function batches(files, { images, bytes }) {
  const parts = [];
  let size = 0;
  for (const file of files) {
    const own = file.size + 1000; // a form's lines around it
    if (!parts.length || parts.at(-1).length >= images || size + own > bytes) {
      parts.push([]);
      size = 0;
    }
    parts.at(-1).push(file);
    size += own;
  }
  return parts;
}

/**
 * Make a photograph and its labels small.
 *
 * @param {HTMLImageElement} photo decoded
 * @param {object} result as `segment` of service.js gives it
 * @returns {{photo: OffscreenCanvas, labels: Uint8Array}} of the same size
 */
export function thumbnail(photo, result) {
  const { naturalWidth: width, naturalHeight: height } = photo;
  const scale = Math.min(1, THUMBNAIL / Math.max(width, height));
  const small = new OffscreenCanvas(Math.max(1, Math.round(width * scale)), Math.max(1, Math.round(height * scale)));
  small.getContext("2d").drawImage(photo, 0, 0, small.width, small.height);
  return { photo: small, labels: thinned(result.labels, result, small) };
}

function colored({ photo, labels }, palette) {
  const canvas = document.createElement("canvas");
  const layer = new OffscreenCanvas(photo.width, photo.height);
  canvas.width = photo.width;
  canvas.height = photo.height;
  const data = new ImageData(photo.width, photo.height);
  const table = colors(palette, { chosen: new Set(palette.keys()), opacity: 0.6, lifted: null });
  paint(new Uint32Array(data.data.buffer), labels, table, labels, 0);
  layer.getContext("2d").putImageData(data, 0, 0);
  const context = canvas.getContext("2d");
  context.drawImage(photo, 0, 0);
  context.drawImage(layer, 0, 0);
  return canvas;
}
