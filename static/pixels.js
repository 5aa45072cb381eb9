// Arrays of category ids and confidences -> counts, borders, colours. Nothing here knows of the page.

export const CATEGORIES = 8;
const BORDER = 8; // added to the category of a pixel on a border

/**
 * Count pixels as `format=json` does, by the same arithmetic.
 *
 * @param {Uint8Array} labels
 * @param {Uint8Array} confidence
 * @returns {{rows: {id: number, pixels: number, coverage: number, confidence: number|null}[], confidence: number}}
 *   coverage and confidence: 0 to 1
 */
export function count(labels, confidence) {
  const pixels = new Float64Array(CATEGORIES);
  const sums = new Float64Array(CATEGORIES);
  for (let i = 0; i < labels.length; i++) {
    pixels[labels[i]]++;
    sums[labels[i]] += confidence[i];
  }
  const rows = Array.from(pixels, (number, id) => ({
    id,
    pixels: number,
    coverage: number / labels.length,
    confidence: number ? sums[id] / number / 255 : null,
  }));
  return { rows, confidence: sums.reduce((sum, each) => sum + each) / labels.length / 255 };
}

/**
 * Mark the pixels within reach of another category, as `outline=1` does.
 *
 * @param {Uint8Array} labels
 * @param {number} width
 * @param {number} height
 * @returns {Uint8Array} labels, plus 8 on borders
 */
export function outlined(labels, width, height) {
  const reach = Math.max(1, roundHalfToEven(Math.max(width, height) / 1000));
  const marked = labels.slice();
  const low = new Uint8Array(labels.length);
  const high = new Uint8Array(labels.length);
  for (let y = 0; y < height; y++) {
    for (let x = 0, i = y * width; x < width; x++, i++) {
      let least = labels[i];
      let most = least;
      const from = i - Math.min(reach, x);
      const to = i + Math.min(reach, width - 1 - x);
      for (let j = from; j <= to; j++) {
        if (labels[j] < least) least = labels[j];
        else if (labels[j] > most) most = labels[j];
      }
      low[i] = least;
      high[i] = most;
    }
  }
  for (let i = 0, y = 0; y < height; y++) {
    const above = Math.min(reach, y) * width;
    const below = Math.min(reach, height - 1 - y) * width;
    for (let x = 0; x < width; x++, i++) {
      for (let j = i - above; j <= i + below; j += width) {
        if (low[j] !== labels[i] || high[j] !== labels[i]) {
          marked[i] += BORDER;
          break;
        }
      }
    }
  }
  return marked;
}

/**
 * Make the table that `paint` looks colours up in.
 *
 * @param {number[][]} palette red, green, blue by category
 * @param {{chosen: Set<number>, opacity: number, lifted: number|null}} how lifted: the category that others fade beside
 * @returns {Uint32Array} of 16: inside and on a border
 */
export function colors(palette, { chosen, opacity, lifted }) {
  const bytes = new Uint8ClampedArray(2 * BORDER * 4);
  for (const id of chosen) {
    const fade = lifted === null || lifted === id ? 1 : 0.2;
    bytes.set([...palette[id], 255 * opacity * fade], 4 * id);
    bytes.set([...palette[id], 255 * fade], 4 * (id + BORDER));
  }
  return new Uint32Array(bytes.buffer);
}

/** Make the table that shows confidence in grey, for `paint`. */
export function greys() {
  return Uint32Array.from({ length: 256 }, (_, value) => 0xff000000 | (value * 0x010101));
}

/**
 * Colour pixels.
 *
 * @param {Uint32Array} target one number a pixel
 * @param {Uint8Array} values what is looked up in the table
 * @param {Uint32Array} table
 * @param {Uint8Array} confidence
 * @param {number} least pixels of a lower confidence stay without colour; 0 to 255
 */
export function paint(target, values, table, confidence, least) {
  if (least) for (let i = 0; i < target.length; i++) target[i] = confidence[i] < least ? 0 : table[values[i]];
  else for (let i = 0; i < target.length; i++) target[i] = table[values[i]];
}

/** Take every so manyeth pixel, where a browser has no canvas as large as the picture. */
export function thinned(array, from, to) {
  if (from.width === to.width && from.height === to.height) return array;
  const result = new Uint8Array(to.width * to.height);
  for (let y = 0, i = 0; y < to.height; y++) {
    const row = Math.floor(((y + 0.5) * from.height) / to.height) * from.width;
    for (let x = 0; x < to.width; x++, i++) result[i] = array[row + Math.floor(((x + 0.5) * from.width) / to.width)];
  }
  return result;
}

function roundHalfToEven(value) {
  const floor = Math.floor(value);
  if (value - floor !== 0.5) return Math.round(value);
  return floor % 2 ? floor + 1 : floor;
}
