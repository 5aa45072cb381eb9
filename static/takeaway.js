// Taking away: downloads of every representation, and the code that would have done the same.

import { predict } from "./service.js";
import { snippet } from "./snippets.js";

const byId = (id) => document.getElementById(id);

// By the value in the list: what the file is called after the photograph's own name, and how it is asked for.
const FORMATS = {
  overlay: { end: ".overlay.png", shown: true },
  mask: { end: ".mask.png" },
  cityscapes: { end: ".cityscapes.png" },
  confidence: { end: ".confidence.png" },
  json: { end: ".json", more: { mask: "rle" } },
  csv: { end: ".csv" },
  coco: { end: ".coco.json" },
  zip: { end: ".zip", shown: true },
};
const COLORED = new Set(["overlay", "mask", "json", "csv", "coco", "zip"]);

/** A file's name without its end. @param {string} name */
export function stem(name) {
  return name.replace(/\.[^.]*$/, "") || name;
}

/**
 * Offer downloads and code.
 *
 * @param {{current: () => {file: File}, looks: () => object, failed: (error: Error) => void, guarded: boolean}} page looks: what
 *   is set, as `parameters` reads it
 * @returns {() => void} writes the code anew
 */
export function offer(page) {
  const format = byId("format");
  const language = () => document.querySelector("input[name=language]:checked").value;
  const write = () => {
    const item = page.current();
    if (!item) return;
    byId("code").textContent = snippet(language(), {
      address: new URL("predict", location.href.split(/[?#]/)[0]).href,
      file: item.file.name,
      into: stem(item.file.name) + FORMATS[format.value].end,
      parameters: parameters(format.value, page.looks()),
      guarded: page.guarded,
    });
  };
  format.addEventListener("change", write);
  for (const each of document.querySelectorAll("input[name=language]")) each.addEventListener("change", write);
  byId("download").addEventListener("click", async () => {
    const { file } = page.current();
    const chosen = format.value;
    byId("status").textContent = "Preparing the download";
    try {
      save(await predict([file], parameters(chosen, page.looks())), stem(file.name) + FORMATS[chosen].end);
      byId("status").textContent = "Downloaded";
    } catch (error) {
      page.failed(error);
    }
  });
  byId("copy").addEventListener("click", () => copy(byId("code").textContent));
  return write;
}

/**
 * Say in `/predict`'s words what the page shows.
 *
 * @param {string} format
 * @param {{view: string, opacity: number, outline: boolean, paletteName: string, categories: string[]|null, void: string}} looks
 *   categories: names; null for all
 * @returns {Record<string, string>}
 */
export function parameters(format, looks) {
  const result = { format };
  if (FORMATS[format].shown) {
    result.opacity = looks.view === "labels" ? "1" : String(looks.opacity);
    if (looks.outline) result.outline = "1";
  }
  if (COLORED.has(format) && looks.paletteName !== "cityscapes") result.palette = looks.paletteName;
  if (looks.categories) result.categories = looks.categories.join(",");
  if (looks.void === "never") result.void = "never";
  return { ...result, ...FORMATS[format].more };
}

/** Give a file to the browser to keep. @param {Blob} blob @param {string} name */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  // Chromium reads it later than the click.
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

async function copy(text) {
  try {
    await navigator.clipboard.writeText(text);
    byId("status").textContent = "Copied";
  } catch {
    // Not given to pages of plain http from elsewhere: then select it, for the visitor's own copying.
    getSelection().selectAllChildren(byId("code"));
    byId("status").textContent = "Selected: copy it with the keyboard";
  }
  byId("copied").textContent = byId("status").textContent;
}
