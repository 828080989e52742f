// Running what somebody typed: in a worker, which a time limit ends.

const LIMIT = 2000; // milliseconds that the code may take
const START = 10000; // milliseconds that the worker may take to be there

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
};
postMessage({ ready: true });`;
}

/**
 * Return, as a promise, what a function of this body returns for each case, a list of arguments.
 *
 * Rejects with an Error that says what is wrong, also if it takes too long. A page's policy must
 * allow `worker-src blob:`.
 */
export function answersOf(code, names, cases) {
  const script = new Blob([workerSource(code, names)], { type: "text/javascript" });
  const url = URL.createObjectURL(script);
  const worker = new Worker(url);
  let timer;
  return new Promise((resolve, reject) => {
    const tooLong = () => reject(new Error("it takes too long: an endless loop?"));
    timer = setTimeout(tooLong, START);
    worker.onmessage = ({ data: { ready, answers, problem } }) => {
      if (ready) {
        clearTimeout(timer);
        timer = setTimeout(tooLong, LIMIT);
        worker.postMessage(cases);
      } else if (problem) reject(new Error(problem));
      else resolve(answers);
    };
    worker.onerror = (event) => {
      event.preventDefault();
      const line = event.lineno > 2 ? ` (line ${event.lineno - 2})` : "";
      reject(new Error(`${event.message ?? "it does not run"}${line}`));
    };
  }).finally(() => {
    clearTimeout(timer);
    worker.terminate();
    URL.revokeObjectURL(url);
  });
}
