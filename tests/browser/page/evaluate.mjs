// Evaluate JavaScript that has the exports of some modules of src/browser in scope, for node.py.
//
// stdin is { modules, code, values }: the body of an async function and its arguments by name;
// stdout is { result }, what it returns, or { error }. A Float64Array is { float64: <its bytes in
// base64> } in both.

import fs from "node:fs";

const source = new URL("../../../src/browser/", import.meta.url);

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

async function evaluated({ modules, code, values }) {
  const scope = {};
  for (const module of modules) Object.assign(scope, await import(new URL(module, source)));
  const names = { ...scope, ...values };
  const AsyncFunction = (async () => {}).constructor;
  return new AsyncFunction(...Object.keys(names), `{ ${code} }`)(...Object.values(names));
}

let answer;
try {
  answer = { result: await evaluated(JSON.parse(fs.readFileSync(0, "utf-8"), decoded)) };
} catch (error) {
  answer = { error: error.stack };
}
process.stdout.write(JSON.stringify(answer, encoded));
