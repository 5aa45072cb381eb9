// The page with a script: photographs go in, labels come out once, all that follows happens here.
// Without this file the form posts to the server, which answers with a page of the same.

import { Gallery, thumbnail } from "./gallery.js";
import { listen } from "./intake.js";
import { count } from "./pixels.js";
import { Reading } from "./reading.js";
import { predict, Refusal, segment } from "./service.js";
import { percent, tint } from "./table.js";
import { offer } from "./takeaway.js";
import { Viewer } from "./viewer.js";

const byId = (id) => document.getElementById(id);
const { names, palettes, limits, guarded, strange } = JSON.parse(byId("studio").dataset.setup);
// Labels and confidences of photographs that are not on screen, kept so that they come back at once.
const MOST_KEPT = 200e6; // bytes
// Why a request ends early: the visitor wants no answer, or another one.
const CANCELLED = "cancelled";
const OUTDATED = "outdated";

const items = []; // {file, source, void, counts, timings, version, result, refusal, working, share, thumbnail}
let current = null;
let running = null; // AbortController
let lifted = null;
let frame = 0;

const viewer = new Viewer(byId("picture"));
const reading = new Reading(names, strange);
const worded = (error) => (error instanceof Refusal ? error : new Refusal("A fault of this page", error.message));
const failed = (error) => refuse(worded(error));
const gallery = new Gallery({ limits, looks: settings, failed });
const writeCode = offer({ current: () => current, looks: settings, failed, guarded });

document.documentElement.classList.add("scripted");
byId("looks").disabled = false; // without a script its fields are not the form's
const wide = matchMedia("(min-width: 960px)");
const fold = () => (byId("controls").open = wide.matches);
wide.addEventListener("change", fold);
fold();
listen(take);
byId("upload").addEventListener("submit", (event) => event.preventDefault());
byId("upload").addEventListener("input", (event) => event.target.closest("#controls") && restyle());
byId("void").addEventListener("change", startOver);
byId("cancel").addEventListener("click", () => running?.abort(CANCELLED));
byId("again").addEventListener("click", again);
reading.addEventListener("choose", restyle);
reading.addEventListener("lift", ({ detail }) => {
  lifted = detail;
  redraw();
});
viewer.addEventListener("probe", ({ detail }) => probe(detail));
gallery.addEventListener("select", ({ detail }) => select(detail));
gallery.addEventListener("remove", ({ detail }) => remove(detail));
const zooms = { "zoom-in": () => viewer.zoom(1.5), "zoom-out": () => viewer.zoom(1 / 1.5), fit: () => viewer.fit(), actual: () => viewer.actual() };
for (const [id, act] of Object.entries(zooms)) byId(id).addEventListener("click", act);
restyle();

/** What is set, for drawing and for asking. */
function settings() {
  const form = byId("upload").elements;
  const { chosen } = reading;
  return {
    view: form.view.value,
    opacity: Number(form.opacity.value),
    least: Number(form.least.value),
    outline: form.outline.checked,
    paletteName: form.palette.value,
    palette: palettes[form.palette.value],
    void: form.void.checked ? "never" : "shown",
    chosen,
    categories: chosen.size < names.length ? [...chosen].map((id) => names[id]) : null,
    lifted,
  };
}

/** Show what is set. */
function restyle() {
  const { opacity, least, palette, chosen } = settings();
  byId("opacity-value").textContent = percent(opacity, 0);
  byId("least-value").textContent = percent(least, 0);
  byId("download").disabled = byId("zip").disabled = !chosen.size;
  byId("none-chosen").hidden = Boolean(chosen.size);
  reading.color(palette, current?.counts && current);
  writeCode();
  redraw();
}

/** Draw before the next frame, once, whatever asked for it. */
function redraw() {
  cancelAnimationFrame(frame);
  frame = requestAnimationFrame(() => {
    const start = performance.now();
    viewer.draw(settings());
    performance.measure("redraw", { start });
    performance.clearMeasures("redraw"); // observers have seen it; kept, they would pile up
  });
}

/** Begin with files. @param {File[]} files */
function take(files) {
  const fresh = files.map((file) => ({ file, source: URL.createObjectURL(file) }));
  items.push(...fresh);
  select(fresh[0]);
  run();
}

/** Put a photograph on screen, or none. */
async function select(item) {
  current = item;
  const empty = !item;
  for (const part of document.querySelectorAll("[data-empty]")) part.hidden = !empty;
  document.body.classList.toggle("occupied", !empty);
  viewer.close();
  present();
  if (empty) return;
  try {
    await viewer.open(item.source);
  } catch {
    // No image, or one that this browser cannot show (TIFF); the service says which, and shows the latter.
    if (item !== current) return;
    viewer.close();
    item.hidden = true;
    if (item.result) await develop(item).catch(failed);
  }
  if (item !== current) return;
  present();
  if (item.counts && !item.result) run();
}

/** Show the state of the current photograph. */
function present() {
  const item = current;
  const done = item?.counts;
  byId("problem").hidden = true;
  reading.show(done ? item : null);
  byId("takeaway").hidden = !done;
  byId("looks").hidden = !done;
  if (item?.refusal) refuse(item.refusal);
  if (done && item.result && viewer.result !== item.result && !viewer.root.hidden) {
    viewer.show(item.result);
    viewer.split = 60;
  }
  progress();
  restyle();
  gallery.show(items, current, settings().palette);
}

function progress() {
  const working = current?.working;
  byId("working").hidden = !working;
  if (!working) return;
  const bar = byId("progress");
  const sent = current.share >= 1;
  byId("phase").textContent = sent ? "Segmenting" : "Uploading";
  if (sent) bar.removeAttribute("value");
  else bar.value = current.share;
}

/** Segment what waits, the photograph on screen first. */
async function run() {
  if (running) return;
  const waits = (item) => item && !item.refusal && (!item.counts || (item === current && !item.result));
  const item = waits(current) ? current : items.find(waits);
  if (!item) return;
  const mine = (running = new AbortController());
  Object.assign(item, { working: true, share: 0, void: settings().void });
  if (item === current) byId("status").textContent = "Working";
  present();
  try {
    await read(item, mine.signal);
  } catch (error) {
    const { reason } = mine.signal;
    if (reason === CANCELLED) item.refusal = new Refusal("Cancelled", "The photograph was not segmented.");
    else if (reason !== OUTDATED) item.refusal = worded(error);
  }
  item.working = false;
  running = null;
  if (item === current) {
    present();
    announce(item);
  } else {
    gallery.show(items, current, settings().palette);
  }
  run();
}

async function read(item, signal) {
  const { file } = item;
  if (file.size > limits.bytes) {
    const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
    const detail = `The file has ${megabytes(file.size)} MB. Send at most ${megabytes(limits.bytes)} MB.`;
    throw new Refusal("Request too large", detail);
  }
  const told = (share) => {
    item.share = share;
    if (item === current) progress();
  };
  const result = await segment(file, { void: item.void, signal, progress: told });
  const { timings, version, familiarity } = result;
  Object.assign(item, { result, counts: count(result.labels, result.confidence), timings, version, familiarity });
  forget(item);
  if (item.hidden) await develop(item);
  const photo = await decoded(item);
  // Meanwhile another answer may be wanted, and this one gone.
  signal.throwIfAborted();
  item.thumbnail = thumbnail(photo, result);
}

/** Let the service make a picture of a file that the browser cannot show. */
async function develop(item) {
  item.developed ??= predict([item.file], { format: "overlay", opacity: "0" }).then((picture) => {
    URL.revokeObjectURL(item.source);
    item.source = URL.createObjectURL(picture);
  });
  try {
    await item.developed;
  } catch (error) {
    item.developed = null; // to be asked for again
    throw error;
  }
  if (item === current) await viewer.open(item.source);
}

/** Decode a photograph, which need not be the one on screen. */
async function decoded(item) {
  const photo = new Image();
  photo.src = item.source;
  try {
    await photo.decode();
  } catch {
    // A TIFF that was never on screen.
    await develop(item);
    photo.src = item.source;
    await photo.decode();
  }
  return photo;
}

/** Let go of the oldest labels where there are too many. */
function forget(newest) {
  let kept = 0;
  for (const item of [newest, current, ...items.toReversed()]) {
    if (!item?.result) continue;
    kept += item === newest || item === current ? 0 : 2 * item.result.labels.length;
    if (kept > MOST_KEPT) item.result = null;
  }
}

/** Begin anew with all photographs, because another answer is wanted. */
function startOver() {
  running?.abort(OUTDATED);
  for (const item of items) Object.assign(item, { counts: null, result: null, refusal: null });
  viewer.show(null);
  present();
  run();
}

function again() {
  if (!current) return;
  current.refusal = null;
  present();
  run();
}

function remove(item) {
  if (item.working) running.abort(OUTDATED);
  URL.revokeObjectURL(item.source);
  const at = items.indexOf(item);
  items.splice(at, 1);
  if (item === current) select(items[Math.min(at, items.length - 1)] ?? null);
  else present();
}

function refuse({ title, message, request }) {
  const box = byId("problem");
  box.querySelector("h2").textContent = title;
  box.querySelector("p").textContent = message;
  byId("request").textContent = request ? `Request ${request}` : "";
  byId("again").hidden = !current?.refusal;
  box.hidden = false;
}

function announce({ counts, refusal }) {
  const found = (counts?.rows ?? []).filter((row) => row.pixels).sort((one, other) => other.coverage - one.coverage);
  const shares = found.map((row) => `${names[row.id]} ${percent(row.coverage, 1)}`);
  byId("status").textContent = refusal ? "" : `Done: ${shares.join(", ")}`;
}

/** Show what is under the probe, beside it; and say it where keys moved it. */
function probe(found) {
  const label = byId("probe");
  label.hidden = byId("crosshair").hidden = !found;
  reading.mark(found?.id ?? null);
  if (!found) return;
  const { id, confidence, x, y, left, top, aloud } = found;
  tint(label.querySelector(".swatch"), settings().palette[id]);
  label.querySelector(".name").textContent = names[id];
  label.querySelector(".sure").textContent = percent(confidence, 0);
  label.classList.toggle("leftwards", left > byId("view").clientWidth / 2);
  label.classList.toggle("upwards", top > byId("view").clientHeight / 2);
  for (const each of [label, byId("crosshair")]) Object.assign(each.style, { left: `${left}px`, top: `${top}px` });
  if (aloud) byId("said").textContent = `${names[id]}, ${percent(confidence, 0)}, at ${x}, ${y}`;
}
