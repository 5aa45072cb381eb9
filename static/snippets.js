// The request of a download as curl, Python and JavaScript. Nothing here knows of the page.

/**
 * Write the code that asks for what the page asks for.
 *
 * @param {"curl"|"python"|"javascript"} language
 * @param {{address: string, file: string, into: string, parameters: Record<string, string>, guarded: boolean}} request
 *   guarded: whether the service asks for a key, which the code then takes from the environment
 * @returns {string}
 */
export function snippet(language, { address, file, into, parameters, guarded }) {
  const query = new URLSearchParams(parameters).toString().replaceAll("%2C", ",");
  return { curl, python, javascript }[language]({ url: `${address}?${query}`, address, file, into, parameters, guarded });
}

function curl({ url, file, into, guarded }) {
  const part = `image=@"${file.replaceAll("\\", "\\\\").replaceAll('"', '\\"')}"`;
  const key = guarded ? ' -H "X-Api-Key: $STREETSEG_API_KEY"' : "";
  return `curl --fail-with-body${key} -F ${shell(part)} \\\n  ${shell(url)} -o ${shell(into)}`;
}

function python({ address, file, into, parameters, guarded }) {
  const pairs = Object.entries(parameters).map(([name, value]) => `    ${quoted(name)}: ${quoted(value)},`);
  const key = guarded ? ', headers={"X-Api-Key": os.environ["STREETSEG_API_KEY"]}' : "";
  return `${guarded ? "import os\n\n" : ""}import requests

parameters = {
${pairs.join("\n")}
}
with open(${quoted(file)}, "rb") as photograph:
    answer = requests.post(
        ${quoted(address)}, params=parameters, files={"image": photograph}${key}, timeout=60
    )
answer.raise_for_status()
with open(${quoted(into)}, "wb") as result:
    result.write(answer.content)`;
}

function javascript({ url, file, into, guarded }) {
  const key = guarded ? '\n  headers: { "X-Api-Key": process.env.STREETSEG_API_KEY },' : "";
  return `// node 20 or later, as a .mjs file
import { readFile, writeFile } from "node:fs/promises";

const form = new FormData();
form.append("image", new Blob([await readFile(${quoted(file)})]), ${quoted(file)});
const answer = await fetch(${quoted(url)}, {
  method: "POST",${key}
  body: form,
});
if (!answer.ok) throw new Error(await answer.text());
await writeFile(${quoted(into)}, Buffer.from(await answer.arrayBuffer()));`;
}

/** Quote for Python and JavaScript, which agree on JSON's strings. */
function quoted(text) {
  return JSON.stringify(text);
}

function shell(text) {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}
