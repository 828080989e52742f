// Times the epochs of a run in a browser, for browser.py: after one run to warm up.

import { startRun } from "../src/browser/experiment/run.js";

/** Write into the page how many milliseconds an epoch of the run takes that `study` names. */
export function start() {
  const { study, model, seed } = JSON.parse(document.getElementById("given").textContent);
  timed(study, model, seed);
  document.body.textContent = timed(study, model, seed);
}

function timed(study, model, seed) {
  const { epochs } = startRun(study, model, seed);
  epochs.next(); // epoch 0 trains nothing
  const start = performance.now();
  let count = 0;
  for (const _ of epochs) count++;
  return (performance.now() - start) / count;
}
