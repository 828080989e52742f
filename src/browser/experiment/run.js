// One run: a model trained from one seed, of a study as tools/page/study_json.py writes it. As
// experiment/run.py.

import { batchOf, chosen } from "../nn/batches.js";
import { ARCHITECTURES } from "../nn/architectures.js";
import { LAYERS } from "../nn/layers.js";
import { classesOf } from "../nn/losses.js";
import { Sequential } from "../nn/network.js";
import { OPTIMIZERS } from "../nn/optimizers.js";
import { SCHEDULES } from "../nn/schedules.js";
import { evaluate, fit, predict } from "../nn/training.js";
import { augment } from "./augmentation.js";
import { splitIndices } from "./splits.js";
import { measured } from "./standardization.js";
import { PURPOSE, stream } from "./streams.js";

/**
 * Return a run that is ready to be trained: { network, samples, indices, epochs }.
 *
 * study: { dataset, split, models }. samples and indices: of train and val, and of test where there
 * are any; epochs: the generator `fit`, of which each step trains one epoch and yields its scores.
 */
export function startRun(study, modelName, seed) {
  const { dataset } = study;
  const model = study.models[modelName];
  if (model === undefined) {
    throw new Error(`models: unknown ${modelName}; known: ${Object.keys(study.models).join(", ")}`);
  }
  const train = camelCased(model.train);
  const indices = splitOf(study, seed);
  const samples = samplesOf(dataset, indices);
  const first = train.standardize ? [measured(samples.train.x)] : [];
  const network = buildNetwork(model, seed, dataset, first);
  const augmentRng = stream(seed, PURPOSE.AUGMENT);
  const training = {
    ...train,
    schedule: named(model.schedule, SCHEDULES),
    augment: train.augment && ((images) => augment(images, camelCased(train.augment), augmentRng)),
    shuffleRng: stream(seed, PURPOSE.SHUFFLE),
    dropoutRng: stream(seed, PURPOSE.DROPOUT),
  };
  const optimizer = named(model.optimizer, OPTIMIZERS);
  const epochs = fit(network, optimizer, samples.train, samples.val, training);
  return { network, samples, indices, epochs };
}

/** Train to the end: return { fit, network, scores, predictions }, of the checkpoint's epoch. */
export function trainRun(study, modelName, seed) {
  const { network, samples, epochs } = startRun(study, modelName, seed);
  let step = epochs.next();
  while (!step.done) step = epochs.next();
  const ofEach = (f) =>
    Object.fromEntries(Object.entries(samples).map(([name, some]) => [name, f(some)]));
  return {
    fit: step.value,
    network,
    scores: ofEach((some) => evaluate(network, some)),
    predictions: ofEach(({ x }) => classesOf(predict(network, x))),
  };
}

/** Return the untrained network; only its initial parameters depend on the seed. */
export function buildNetwork(model, seed, dataset, first = []) {
  const numClasses = dataset.class_names.length;
  const layers = [...first, ...architecture(model.architecture).layers(numClasses)];
  const rngForLayer = (i) => stream(seed, PURPOSE.INIT, i);
  const network = new Sequential(layers, dataset.shape, rngForLayer);
  if (network.outShape.length !== 1 || network.outShape[0] !== numClasses) {
    throw new Error(`expected ${numClasses} logits, the architecture gives [${network.outShape}]`);
  }
  return network;
}

function splitOf({ dataset, split }, seed) {
  const rng = stream(seed, PURPOSE.SPLIT);
  return splitIndices(dataset.y, dataset.class_names.length, camelCased(split), rng);
}

function samplesOf({ shape, X, y, X_test, y_test }, indices) {
  const all = batchOf(shape, X);
  const some = (places) => ({ x: chosen(all, places), targets: places.map((i) => y[i]) });
  const samples = { train: some(indices.train), val: some(indices.val) };
  return X_test ? { ...samples, test: { x: batchOf(shape, X_test), targets: y_test } } : samples;
}

function architecture(settings) {
  const stack = settings.stack?.map((layer) => named(layer, LAYERS));
  return named(stack ? { ...settings, stack } : settings, ARCHITECTURES);
}

/** Return the registered class that settings.name names, made from the other settings. */
function named({ name, ...settings }, registry) {
  if (!Object.hasOwn(registry, name)) {
    throw new Error(`unknown ${name}; known: ${Object.keys(registry).join(", ")}`);
  }
  return new registry[name](camelCased(settings));
}

/** Return settings under JavaScript's names: kernel_size becomes kernelSize. */
function camelCased(settings) {
  const camel = (key) => key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [camel(key), value]));
}
