// Evaluate JavaScript that has all exports of src/browser in scope, for node.py.
//
// Each line of stdin is { code, values }, the body of a function and its arguments by name; each
// line of stdout is { result }, what it returns, or { error }. A Float64Array is
// { float64: <its bytes in base64> } in both.

import fs from "node:fs";
import readline from "node:readline";
import { fileURLToPath } from "node:url";

const source = new URL("../../src/browser/", import.meta.url);
const scope = {};
for (const file of fs.readdirSync(fileURLToPath(source), { recursive: true })) {
  if (!file.endsWith(".js")) continue;
  for (const [name, value] of Object.entries(await import(new URL(file, source)))) {
    if (name === "mount") continue; // every part of the page has one
    if (name in scope) throw new Error(`${file}: ${name} is exported twice`);
    scope[name] = value;
  }
}

function decoded(key, value) {
  if (typeof value?.float64 !== "string") return value;
  const bytes = Uint8Array.from(Buffer.from(value.float64, "base64"));
  return new Float64Array(bytes.buffer);
}

function encoded(key, value) {
  if (!(value instanceof Float64Array)) return value;
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  return { float64: bytes.toString("base64") };
}

function evaluated({ code, values }) {
  const names = { ...scope, ...values };
  // In a block of its own, the code may use names that are exported.
  return new Function(...Object.keys(names), `{ ${code} }`)(...Object.values(names));
}

for await (const line of readline.createInterface({ input: process.stdin })) {
  let answer;
  try {
    answer = { result: await evaluated(JSON.parse(line, decoded)) };
  } catch (error) {
    answer = { error: error.stack };
  }
  process.stdout.write(`${JSON.stringify(answer, encoded)}\n`);
}
