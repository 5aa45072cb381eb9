// The service's public contract: a file in, the category and the confidence of each of its pixels out.

/** The service's own words for not answering. */
export class Refusal extends Error {
  constructor(title, detail, { status = 0, request = "" } = {}) {
    super(detail);
    Object.assign(this, { title, status, request });
  }
}

const INFER = "v2/models/unet/infer";
const PREDICT = "predict";
const LENGTH = "Inference-Header-Content-Length";

/**
 * Segment a file by the Open Inference Protocol, whose binary tensors are the pixels themselves.
 *
 * @param {File} file
 * @param {{void: string, signal: AbortSignal, progress: (share: number) => void}} options progress: of the upload, 0 to 1
 * @returns {Promise<{width: number, height: number, labels: Uint8Array, confidence: Uint8Array, timings: Map<string, number>,
 *   version: string, familiarity: number}>} labels: category ids; confidence: 0 to 255; both by rows. timings: ms by stage.
 *   familiarity: 0 to 1, NaN where the network does not know
 * @throws {Refusal}
 */
export async function segment(file, options) {
  const head = JSON.stringify({
    inputs: [{ name: "file", datatype: "BYTES", shape: [1], parameters: { binary_data_size: 4 + file.size } }],
    outputs: ["labels", "confidence"].map((name) => ({ name, parameters: { binary_data: true } })),
    parameters: { void: options.void },
  });
  const length = new DataView(new ArrayBuffer(4));
  length.setUint32(0, file.size, true);
  const headers = { "Content-Type": "application/octet-stream", [LENGTH]: new TextEncoder().encode(head).length };
  const answer = await post(INFER, new Blob([head, length, file]), { headers, ...options });
  const start = Number(answer.getResponseHeader(LENGTH));
  const { outputs } = JSON.parse(new TextDecoder().decode(answer.response.slice(0, start)));
  const [, height, width] = outputs[0].shape;
  const tensor = (number) => new Uint8Array(answer.response, start + number * width * height, width * height);
  return {
    width,
    height,
    labels: tensor(0),
    confidence: tensor(1),
    timings: timings(answer.getResponseHeader("Server-Timing")),
    version: answer.getResponseHeader("X-Model-Version"),
    familiarity: Number.parseFloat(answer.getResponseHeader("X-Familiarity")),
  };
}

/**
 * Ask `/predict` for a file to keep.
 *
 * @param {File[]} files
 * @param {Record<string, string>} parameters as `/predict` takes them
 * @param {AbortSignal} [signal]
 * @returns {Promise<Blob>}
 * @throws {Refusal}
 */
export async function predict(files, parameters, signal) {
  const form = new FormData();
  for (const file of files) form.append("image", file, file.name);
  for (const [name, value] of Object.entries(parameters)) form.set(name, value);
  const answer = await post(PREDICT, form, { signal });
  return new Blob([answer.response], { type: answer.getResponseHeader("Content-Type") });
}

/** Post by XMLHttpRequest, because fetch does not tell how far an upload is. */
function post(address, body, { headers = {}, signal, progress = () => {} }) {
  return new Promise((resolve, reject) => {
    const request = new XMLHttpRequest();
    request.open("POST", address);
    request.responseType = "arraybuffer";
    request.setRequestHeader("Accept", "*/*");
    for (const [name, value] of Object.entries(headers)) request.setRequestHeader(name, value);
    request.upload.onprogress = (event) => progress(event.loaded / event.total);
    request.upload.onload = () => progress(1);
    request.onload = () => (request.status === 200 ? resolve(request) : reject(refusal(request)));
    request.onerror = () => reject(new Refusal("No answer", "The service could not be reached. Try again in a moment."));
    request.onabort = () => reject(new DOMException("Cancelled", "AbortError"));
    signal?.throwIfAborted();
    signal?.addEventListener("abort", () => request.abort());
    request.send(body);
  });
}

function refusal(request) {
  try {
    const { title, detail, status, request_id } = JSON.parse(new TextDecoder().decode(request.response));
    return new Refusal(title, detail, { status, request: request_id });
  } catch {
    return new Refusal("No answer", `The service answered ${request.status} and no words. Try again in a moment.`);
  }
}

function timings(header) {
  const stages = (header ?? "").matchAll(/([a-z]+);dur=([0-9.]+)/g);
  return new Map([...stages].map(([, stage, milliseconds]) => [stage, Number(milliseconds)]));
}
