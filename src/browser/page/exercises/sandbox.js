// Running what somebody typed: in a worker, which a time limit ends.

const LIMIT = 2000; // milliseconds

/** Return the JavaScript of a worker that answers cases by a function of this body. */
export function workerSource(code, names) {
  return `"use strict";
function solve(${names.join(", ")}) {
${code}
}
onmessage = ({ data }) => {
  try {
    postMessage({ answers: data.map((values) => solve(...values)) });
  } catch (error) {
    postMessage({ problem: String(error) });
  }
};`;
}

/**
 * Return, as a promise, what a function of this body returns for each case, a list of arguments.
 *
 * Rejects with an Error that says what is wrong, also if it takes too long. A page's policy must
 * allow `worker-src blob:`.
 */
export function answersOf(code, names, cases) {
  const url = URL.createObjectURL(new Blob([workerSource(code, names)], { type: "text/javascript" }));
  const worker = new Worker(url);
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => reject(new Error("it takes too long: an endless loop?")), LIMIT);
    worker.onmessage = ({ data: { answers, problem } }) => {
      clearTimeout(timer);
      if (problem) reject(new Error(problem));
      else resolve(answers);
    };
    worker.onerror = (event) => {
      clearTimeout(timer);
      event.preventDefault();
      const line = event.lineno > 2 ? ` (line ${event.lineno - 2})` : "";
      reject(new Error(`${event.message ?? "it does not run"}${line}`));
    };
    worker.postMessage(cases);
  }).finally(() => {
    worker.terminate();
    URL.revokeObjectURL(url);
  });
}
