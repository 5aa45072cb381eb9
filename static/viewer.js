// The picture: photograph and colours one over the other, a divider between them, zoom and pan, and a probe.

import { colors, greys, outlined, paint, thinned } from "./pixels.js";

// Safari makes no larger canvas.
const MOST_PIXELS = 16_000_000;
const MOST_ZOOM = 64; // screen pixels for one of the picture
const STEP = 1.5;

/**
 * The viewer.
 *
 * Events: `probe` with detail {x, y, id, confidence} of a pixel, or null where the pointer has left.
 */
export class Viewer extends EventTarget {
  #view;
  #photo;
  #canvas;
  #colored;
  #divider;
  #zoom = { scale: 1, x: 0, y: 0 }; // x, y: where the picture's corner lies in the view, in CSS pixels
  #result = null;
  #looks = null;
  #borders = null; // made when the first outline is asked for
  #pointers = new Map();
  #cursor = null;

  /** @param {HTMLElement} root holds #view, #photo, #colors, #colored and #divider */
  constructor(root) {
    super();
    const find = (id) => root.querySelector(`#${id}`);
    this.root = root;
    this.#view = find("view");
    this.#photo = find("photo");
    this.#canvas = find("colors");
    this.#colored = find("colored");
    this.#divider = find("divider");
    this.#listen();
    this.split = 60;
    new ResizeObserver(() => this.#place()).observe(this.#view);
  }

  /** The decoded photograph's size, {width, height}; it is turned as its EXIF says. */
  get size() {
    return { width: this.#photo.naturalWidth, height: this.#photo.naturalHeight };
  }

  /** What is shown, or null: {width, height, labels, confidence}. */
  get result() {
    return this.#result;
  }

  /** Show a photograph without labels. @param {string} address @throws what `decode` throws where it is no image */
  async open(address) {
    this.close();
    this.#photo.src = address;
    await this.#photo.decode();
    const { width, height } = this.size;
    this.#view.style.aspectRatio = `${width} / ${height}`;
    this.#view.style.setProperty("--shape", width / height);
    this.root.hidden = false;
    this.fit();
  }

  /** Show nothing. */
  close() {
    this.root.hidden = true;
    this.#photo.removeAttribute("src");
    this.show(null);
  }

  /** Lay labels over the photograph. @param {object|null} result as `segment` of service.js gives it */
  show(result) {
    this.#result = result;
    this.#borders = null;
    this.#cursor = null;
    this.root.classList.toggle("read", Boolean(result));
    this.#canvas.width = this.#canvas.height = 0;
    this.#tell(null);
    if (!result) return;
    const { width, height } = result;
    const scale = Math.min(1, Math.sqrt(MOST_PIXELS / (width * height)));
    const to = { width: Math.max(1, Math.floor(width * scale)), height: Math.max(1, Math.floor(height * scale)) };
    Object.assign(this.#canvas, to);
    // Read often, in that putImageData on a canvas of the graphics card would copy each time.
    const context = this.#canvas.getContext("2d", { willReadFrequently: true });
    const data = context.createImageData(to.width, to.height);
    this.#looks = {
      context,
      data,
      numbers: new Uint32Array(data.data.buffer),
      labels: thinned(result.labels, result, to),
      confidence: thinned(result.confidence, result, to),
      greys: greys(),
    };
  }

  /**
   * Colour the canvas anew.
   *
   * @param {{view: "overlay"|"labels"|"confidence", opacity: number, outline: boolean, palette: number[][],
   *   chosen: Set<number>, lifted: number|null, least: number}} how least: confidence below which nothing is coloured, 0 to 1
   */
  draw(how) {
    if (!this.#result) return;
    const { context, data, numbers, labels, confidence, greys: grey } = this.#looks;
    const least = Math.ceil(how.least * 255);
    if (how.view === "confidence") {
      paint(numbers, confidence, grey, confidence, least);
    } else {
      const { width, height } = data;
      if (how.outline) this.#borders ??= outlined(labels, width, height);
      const table = colors(how.palette, { ...how, opacity: how.view === "labels" ? 1 : how.opacity });
      paint(numbers, how.outline ? this.#borders : labels, table, confidence, least);
    }
    context.putImageData(data, 0, 0);
  }

  /** How much of the view, from its left, is photograph: 0 to 100. */
  get split() {
    return Number(this.#divider.getAttribute("aria-valuenow"));
  }

  set split(share) {
    const value = Math.round(Math.min(100, Math.max(0, share)));
    this.#divider.setAttribute("aria-valuenow", value);
    this.#divider.setAttribute("aria-valuetext", `photograph over ${value} %, labels over ${100 - value} %`);
    this.#divider.style.left = `${value}%`;
    this.#colored.style.clipPath = `inset(0 0 0 ${value}%)`;
  }

  /** Show all of the picture. */
  fit() {
    this.#zoom = { scale: 1, x: 0, y: 0 };
    this.#place();
  }

  /** Zoom by a factor, about a point of the view in CSS pixels, or about its middle. */
  zoom(factor, at = { x: this.#view.clientWidth / 2, y: this.#view.clientHeight / 2 }) {
    const { scale, x, y } = this.#zoom;
    const most = Math.max(1, (MOST_ZOOM * this.size.width) / this.#view.clientWidth);
    const next = Math.min(most, Math.max(1, scale * factor));
    const by = next / scale;
    this.#zoom = { scale: next, x: at.x - (at.x - x) * by, y: at.y - (at.y - y) * by };
    this.#place();
  }

  /** One pixel of the picture on one of the screen. */
  actual() {
    this.zoom(this.size.width / this.#view.clientWidth / devicePixelRatio / this.#zoom.scale);
  }

  #place() {
    const zoom = this.#zoom;
    const { clientWidth: width, clientHeight: height } = this.#view;
    zoom.x = Math.min(0, Math.max(width * (1 - zoom.scale), zoom.x));
    zoom.y = Math.min(0, Math.max(height * (1 - zoom.scale), zoom.y));
    const sharp = (width * zoom.scale) / (this.size.width || 1) >= 2;
    for (const plane of [this.#photo, this.#canvas]) {
      plane.style.transform = `translate(${zoom.x}px, ${zoom.y}px) scale(${zoom.scale})`;
      plane.classList.toggle("sharp", sharp);
    }
    this.#view.classList.toggle("zoomed", zoom.scale > 1);
    if (this.#cursor) this.#tell(this.#cursor);
  }

  #listen() {
    const view = this.#view;
    view.addEventListener("pointerdown", (event) => this.#press(event));
    view.addEventListener("pointermove", (event) => this.#move(event));
    for (const type of ["pointerup", "pointercancel"]) view.addEventListener(type, (event) => this.#release(event));
    view.addEventListener("pointerleave", (event) => event.pointerType === "mouse" && this.#tell(null));
    view.addEventListener("keydown", (event) => this.#key(event));
    view.addEventListener("dblclick", (event) => this.zoom(STEP ** 2, this.#inView(event)));
    // The wheel alone scrolls the page, as everywhere; with Ctrl, which a trackpad's pinch sends too, it zooms.
    const wheel = (event) => {
      if (!event.ctrlKey && !event.metaKey) return;
      event.preventDefault();
      this.zoom(Math.exp(-event.deltaY / 200), this.#inView(event));
    };
    view.addEventListener("wheel", wheel, { passive: false });
    const divider = this.#divider;
    divider.addEventListener("pointerdown", (event) => {
      divider.setPointerCapture(event.pointerId);
      event.stopPropagation();
    });
    divider.addEventListener("pointermove", (event) => {
      if (!divider.hasPointerCapture(event.pointerId)) return;
      this.split = (this.#inView(event).x / view.clientWidth) * 100;
      event.stopPropagation();
    });
    divider.addEventListener("dblclick", (event) => event.stopPropagation());
    divider.addEventListener("keydown", (event) => this.#slide(event));
  }

  #slide(event) {
    const step = event.shiftKey ? 10 : 1;
    const to = { ArrowLeft: -step, ArrowDown: -step, ArrowRight: step, ArrowUp: step, PageDown: -10, PageUp: 10, Home: -100, End: 100 };
    event.stopPropagation();
    if (!(event.key in to)) return;
    event.preventDefault();
    this.split += to[event.key];
  }

  #press(event) {
    if (event.button) return;
    this.#pointers.set(event.pointerId, this.#inView(event));
    this.#view.setPointerCapture(event.pointerId);
    this.#tell(this.#inPicture(event));
  }

  #move(event) {
    const before = this.#pointers.get(event.pointerId);
    const now = this.#inView(event);
    if (before) {
      this.#pointers.set(event.pointerId, now);
      const others = [...this.#pointers].filter(([id]) => id !== event.pointerId).map(([, point]) => point);
      if (others.length) return this.#pinch(before, now, others[0]);
      if (this.#zoom.scale > 1) {
        this.#zoom.x += now.x - before.x;
        this.#zoom.y += now.y - before.y;
        this.#cursor = null;
        this.#place();
        if (event.pointerType !== "mouse") return this.#tell(null);
      }
    }
    if (before || event.pointerType === "mouse") this.#tell(this.#inPicture(event));
  }

  #pinch(before, now, other) {
    const apart = (point) => Math.max(1, Math.hypot(point.x - other.x, point.y - other.y));
    this.zoom(apart(now) / apart(before), { x: (now.x + other.x) / 2, y: (now.y + other.y) / 2 });
    this.#tell(null);
  }

  #release(event) {
    this.#pointers.delete(event.pointerId);
  }

  #key(event) {
    const moves = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
    const acts = { "+": () => this.zoom(STEP), "=": () => this.zoom(STEP), "-": () => this.zoom(1 / STEP), 0: () => this.fit() };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "Escape") return this.#tell(null);
    if (event.key in acts) acts[event.key]();
    else if (event.key in moves && this.#result) this.#step(moves[event.key], event.shiftKey ? 10 : 1);
    else return;
    event.preventDefault();
  }

  /** Move the probe by pixels of the picture, and the picture with it where it would leave the view. */
  #step([right, down], pixels) {
    const { width, height } = this.#result;
    const from = this.#cursor ?? { x: Math.floor(width / 2) - right * pixels, y: Math.floor(height / 2) - down * pixels };
    const x = Math.min(width - 1, Math.max(0, from.x + right * pixels));
    const y = Math.min(height - 1, Math.max(0, from.y + down * pixels));
    const { clientWidth, clientHeight } = this.#view;
    const zoom = this.#zoom;
    const left = ((x + 0.5) / width) * clientWidth * zoom.scale + zoom.x;
    const top = ((y + 0.5) / height) * clientHeight * zoom.scale + zoom.y;
    if (left < 0 || left > clientWidth) zoom.x += clientWidth / 2 - left;
    if (top < 0 || top > clientHeight) zoom.y += clientHeight / 2 - top;
    this.#cursor = null;
    this.#place();
    this.#tell({ x, y }, true);
  }

  /** Say what is at a pixel of the picture. */
  #tell(pixel, aloud = false) {
    this.#cursor = pixel;
    let detail = null;
    if (pixel && this.#result) {
      const { width, height, labels, confidence } = this.#result;
      const at = pixel.y * width + pixel.x;
      const { clientWidth, clientHeight } = this.#view;
      detail = {
        ...pixel,
        id: labels[at],
        confidence: confidence[at] / 255,
        aloud,
        left: ((pixel.x + 0.5) / width) * clientWidth * this.#zoom.scale + this.#zoom.x,
        top: ((pixel.y + 0.5) / height) * clientHeight * this.#zoom.scale + this.#zoom.y,
      };
    }
    this.dispatchEvent(new CustomEvent("probe", { detail }));
  }

  #inView(event) {
    const box = this.#view.getBoundingClientRect();
    return { x: event.clientX - box.left - this.#view.clientLeft, y: event.clientY - box.top - this.#view.clientTop };
  }

  #inPicture(event) {
    if (!this.#result) return null;
    const { width, height } = this.#result;
    const { x, y } = this.#inView(event);
    const { scale, x: left, y: top } = this.#zoom;
    const column = Math.floor((((x - left) / scale) * width) / this.#view.clientWidth);
    const row = Math.floor((((y - top) / scale) * height) / this.#view.clientHeight);
    return column >= 0 && row >= 0 && column < width && row < height ? { x: column, y: row } : null;
  }
}
