// The page: reads the study that it holds, and gives each part its place.

import { parametersDigest } from "../digest.js";
import { networkOf, startRun } from "../experiment/run.js";
import { batchOf, sampleOf } from "../nn/batches.js";
import { softmax, softmaxCrossEntropy } from "../nn/losses.js";
import { PARTS } from "./parts.js";
import { store } from "./state.js";
import { Trainer } from "./trainer.js";

const LIBRARY = {
  startRun,
  softmax,
  softmaxCrossEntropy,
  parametersDigest,
  sampleOf,
  batchOf,
  networkOf,
};

/** Show the study. */
export function start() {
  const study = JSON.parse(document.getElementById("study").textContent, decoded);
  const [model] = Object.keys(study.models);
  const set = study.untrainable === null ? "val" : study.dataset.X_test ? "test" : "data";
  const state = store({
    sample: { set, place: 0 },
    playing: false,
    layer: null,
    pixel: null,
    backward: null,
  });
  const trainer = new Trainer(study, state);
  trainer.choose(model, study.seeds[0]);
  const context = { study, state, library: LIBRARY, trainer };
  for (const place of document.querySelectorAll("[data-part]")) {
    const part = PARTS[place.id];
    if (part) part(place, context);
    else place.closest("section").hidden = true;
  }
}

/** Return {float64: its bytes in base64} as the Float64Array that it stands for. */
function decoded(key, value) {
  if (typeof value?.float64 !== "string") return value;
  const bytes = Uint8Array.from(atob(value.float64), (letter) => letter.charCodeAt(0));
  return new Float64Array(bytes.buffer);
}
