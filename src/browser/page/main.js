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
  const train = (settings, seed) => {
    trainer.choose(state.get().model, seed, settings);
    trainer.play();
  };
  const context = { study, state, library: LIBRARY, trainer, train };
  document.getElementById("promise").textContent = promise(study);
  for (const place of document.querySelectorAll("[data-part]")) {
    const part = PARTS[place.id];
    if (part) part(place, context);
    else leaveOut(place.closest("section"));
  }
}

function promise({ untrainable }) {
  const trained = "trained here, in this browser, to the same bits as the recorded runs";
  const shown = "with the parameters that its runs have recorded, and some of its samples";
  return `The study's own networks and data, ${untrainable ? shown : trained}. Nothing leaves this machine.`;
}

/** Hide a section that has no part, and the link to it. */
function leaveOut(section) {
  section.hidden = true;
  document.querySelector(`nav a[href="#${section.id}"]`).hidden = true;
}

/** Return {float64: its bytes in base64} as the Float64Array that it stands for. */
function decoded(key, value) {
  if (typeof value?.float64 !== "string") return value;
  const bytes = Uint8Array.from(atob(value.float64), (letter) => letter.charCodeAt(0));
  return new Float64Array(bytes.buffer);
}
