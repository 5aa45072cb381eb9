// The form without a page load: the photograph at once, its categories over it, all further changes here.
// Without this file the form posts to the server, which answers with a page of the same.

const byId = (id) => document.getElementById(id);
const form = byId("upload");
const input = byId("image");
const photo = byId("photo");
const canvas = byId("colors");
const opacity = byId("opacity");

// Safari makes no larger canvas.
const MOST_PIXELS = 16_000_000;

let request = null;
let shown = null; // {ids, rgb}: of the canvas's pixels, and of the categories

document.documentElement.classList.add("scripted");
showOpacity();

input.addEventListener("change", open);
byId("void").addEventListener("change", open);
opacity.addEventListener("input", showOpacity);
byId("cancel").addEventListener("click", () => request?.abort());
byId("save").addEventListener("click", save);

for (const type of ["dragenter", "dragover", "dragleave", "drop"]) {
  document.addEventListener(type, (event) => {
    event.preventDefault();
    document.body.classList.toggle("dragging", type === "dragenter" || type === "dragover");
    if (type === "drop" && event.dataTransfer.files.length) {
      const one = new DataTransfer();
      one.items.add(event.dataTransfer.files[0]);
      input.files = one.files;
      open();
    }
  });
}

/** Show the chosen photograph and send it. */
async function open() {
  const file = input.files[0];
  if (!file) return;
  request?.abort();
  clear();
  URL.revokeObjectURL(photo.src);
  photo.src = URL.createObjectURL(file);
  const tooLarge = file.size > Number(form.dataset.limit);
  if (tooLarge) {
    const megabytes = (bytes) => (bytes / 1e6).toFixed(1);
    refuse("Request too large", `The file has ${megabytes(file.size)} MB. Send at most ${megabytes(form.dataset.limit)} MB.`);
  }
  try {
    await photo.decode();
  } catch {
    // This browser cannot show it (TIFF, or no image at all). The server can, or says why not.
    if (file === input.files[0] && !tooLarge) form.submit();
    return;
  }
  if (file !== input.files[0]) return;
  byId("picture").hidden = false;
  if (!tooLarge) send(file.name.replace(/\.[^.]*$/, ""));
}

function clear() {
  for (const part of document.querySelectorAll("[data-empty]")) part.hidden = true;
  for (const id of ["problem", "reading", "picture"]) byId(id).hidden = true;
  shown = null;
  canvas.width = canvas.height = 0;
}

function refuse(title, detail) {
  const [heading, text, number] = byId("problem").children;
  heading.textContent = title;
  text.textContent = detail;
  number?.remove();
  byId("problem").hidden = false;
}

/** Post the form and show the answer. XMLHttpRequest, because fetch does not tell how far an upload is. */
function send(name) {
  const data = new FormData(form);
  data.set("format", "json");
  data.set("mask", "png");
  const mine = (request = new XMLHttpRequest());
  const progress = byId("progress");
  mine.open("POST", form.dataset.predict);
  mine.setRequestHeader("Accept", "application/json");
  mine.upload.onprogress = (event) => (progress.value = event.loaded / event.total);
  mine.upload.onload = () => working("Segmenting");
  mine.onload = () => answer(mine, name);
  mine.onerror = () => refuse("No answer", "The service could not be reached. Choose the photograph again to retry.");
  mine.onloadend = () => request === mine && working("");
  working("Uploading");
  progress.value = 0;
  mine.send(data);
}

function working(what) {
  byId("working").hidden = !what;
  byId("progress").removeAttribute("value");
  byId("status").textContent = what;
}

async function answer(from, name) {
  let body;
  try {
    body = JSON.parse(from.responseText);
  } catch {
    refuse("No answer", `The service answered ${from.status} and no words. Choose the photograph again to retry.`);
    return;
  }
  if (from.status !== 200) {
    refuse(body.title, body.detail);
    return;
  }
  const mask = new Blob([Uint8Array.from(atob(body.mask.data), (letter) => letter.charCodeAt(0))], { type: "image/png" });
  const found = body.categories.filter((row) => row.pixels).sort((one, other) => other.coverage - one.coverage);
  const ids = await read(mask, body);
  if (from !== request) return;
  shown = { ids, rgb: body.categories.map((category) => category.color) };
  byId("rows").replaceChildren(...found.map(row));
  byId("confidence").textContent = percent(body.mean_confidence, 0);
  byId("timings").textContent = Object.entries(body.timings).map(([stage, ms]) => `${stage} ${ms.toFixed(0)}`).join(" ") + " ms";
  offer(byId("mask"), mask, `${name}.mask.png`);
  offer(byId("json"), new Blob([from.responseText], { type: "application/json" }), `${name}.json`);
  byId("save").dataset.name = `${name}.overlay.png`;
  byId("reading").hidden = false;
  byId("status").textContent = "Done: " + found.map((each) => `${each.name} ${percent(each.coverage, 1)}`).join(", ");
  paint();
}

/** Size the canvas, and return the category id of each of its pixels. */
async function read(mask, { image, categories }) {
  const bitmap = await createImageBitmap(mask, { colorSpaceConversion: "none" });
  const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (image.width * image.height)));
  canvas.width = Math.max(1, Math.floor(image.width * scale));
  canvas.height = Math.max(1, Math.floor(image.height * scale));
  const context = canvas.getContext("2d", { willReadFrequently: true });
  // Ids are names: between two of them there is nothing to smooth.
  context.imageSmoothingEnabled = false;
  context.drawImage(bitmap, 0, 0, canvas.width, canvas.height);
  const { data } = context.getImageData(0, 0, canvas.width, canvas.height);
  const idOf = new Map(categories.map(({ id, color: [r, g, b] }) => [(r << 16) | (g << 8) | b, id]));
  return Uint8Array.from({ length: data.length / 4 }, (_, i) => idOf.get((data[4 * i] << 16) | (data[4 * i + 1] << 8) | data[4 * i + 2]));
}

function row({ id, name, color, coverage, mean_confidence }) {
  const line = byId("row").content.cloneNode(true);
  line.querySelector("rect").setAttribute("fill", `rgb(${color.join(" ")})`);
  line.querySelector("span").textContent = name;
  line.querySelector("input").value = id;
  line.querySelector("input").addEventListener("change", paint);
  const [share, confidence] = line.querySelectorAll("td");
  share.textContent = percent(coverage, 1);
  confidence.textContent = percent(mean_confidence, 0);
  return line;
}

/** Colour the categories that are ticked; the others stay photograph. */
function paint() {
  const pixels = new ImageData(canvas.width, canvas.height);
  const ticked = new Set([...byId("rows").querySelectorAll("input:checked")].map((box) => Number(box.value)));
  const colors = shown.rgb.map((rgb, id) => (ticked.has(id) ? [...rgb, 255] : [0, 0, 0, 0]));
  const bytes = new Uint32Array(new Uint8Array(colors.flat()).buffer);
  const target = new Uint32Array(pixels.data.buffer);
  for (let i = 0; i < target.length; i++) target[i] = bytes[shown.ids[i]];
  canvas.getContext("2d").putImageData(pixels, 0, 0);
}

function showOpacity() {
  // Through the object model, which the content security policy allows; a style attribute it would not.
  canvas.style.opacity = opacity.value;
  byId("opacity-value").textContent = percent(Number(opacity.value), 0);
}

/** Save the photograph with the colours over it as they are now. */
function save({ currentTarget: button }) {
  const flat = new OffscreenCanvas(canvas.width, canvas.height);
  const context = flat.getContext("2d");
  context.drawImage(photo, 0, 0, canvas.width, canvas.height);
  context.globalAlpha = Number(opacity.value);
  context.drawImage(canvas, 0, 0);
  flat.convertToBlob().then((picture) => {
    const link = document.createElement("a");
    offer(link, picture, button.dataset.name);
    link.click();
  });
}

function offer(link, blob, name) {
  URL.revokeObjectURL(link.href);
  link.href = URL.createObjectURL(blob);
  link.download = name;
}

function percent(fraction, digits) {
  return `${(fraction * 100).toFixed(digits)} %`;
}
