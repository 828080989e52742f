// The page's parts without the page: a store, a trainer that trains at once, and all parts.

import { parametersDigest } from "../../../src/browser/digest.js";
import { resolveModel } from "../../../src/browser/experiment/models.js";
import { buildNetwork, startRun } from "../../../src/browser/experiment/run.js";
import { batchOf, sampleOf } from "../../../src/browser/nn/batches.js";
import { softmax, softmaxCrossEntropy } from "../../../src/browser/nn/losses.js";
import * as draw from "../../../src/browser/page/draw.js";
import * as equations from "../../../src/browser/page/equations.js";
import * as exercises from "../../../src/browser/page/exercises.js";
import * as settings from "../../../src/browser/page/settings.js";

/** Return the context of a study as the page's file holds it. */
export function contextOf(study) {
  const state = store();
  const train = (model, seed) => state.set(trained(study, state.get().model, model, seed));
  return { study: { ...study, parameters: decoded(study.parameters) }, state, library, train };
}

/** Show all parts in an element, once the study's first run is trained. */
export async function mountAll(root, context) {
  const { study, state, train } = context;
  const [model] = Object.keys(study.models);
  state.set({ model, seed: study.seeds[0], sample: { set: "train", place: 0 } });
  train(study.models[model], study.seeds[0]);
  for (const [name, part] of Object.entries({ draw, settings, exercises, equations })) {
    const section = document.createElement("section");
    section.id = name;
    section.append(Object.assign(document.createElement("h2"), { textContent: name }));
    const inner = section.appendChild(document.createElement("div"));
    root.append(section);
    await part.mount(inner, context);
  }
}

function store() {
  let values = {};
  const listeners = [];
  return {
    get: () => values,
    set(patch) {
      values = { ...values, ...patch };
      for (const listener of listeners) listener(values);
    },
    subscribe: (listener) => listeners.push(listener),
  };
}

function trained(study, name, model, seed) {
  const changed = { ...study, models: { ...study.models, [name]: model } };
  const { network, samples, indices, epochs } = startRun(changed, name, seed);
  const [history, snapshots] = [[], []];
  for (const scored of epochs) {
    history.push(scored);
    snapshots.push(network.state());
  }
  const digest = parametersDigest(network.state());
  const run = { network, samples, indices, history, snapshots, done: true, digest };
  return { run, epoch: history.length - 1 };
}

function networkOf({ models, dataset }, name, parameters) {
  const network = buildNetwork(resolveModel(models[name]), 0, dataset);
  network.restore(parameters);
  return network;
}

/** Return theta of each run, which the file has in base64. */
function decoded(parameters) {
  const ofEach = (object, f) =>
    Object.fromEntries(Object.entries(object).map(([key, value]) => [key, f(value)]));
  return ofEach(parameters, (seeds) => ofEach(seeds, (text) => ({ theta: numbersIn(text) })));
}

function numbersIn(text) {
  const bytes = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  return new Float64Array(bytes.buffer);
}

const library = {
  startRun,
  softmax,
  softmaxCrossEntropy,
  parametersDigest,
  sampleOf,
  batchOf,
  networkOf,
};
