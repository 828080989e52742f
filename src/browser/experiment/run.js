// One run: a model trained from one seed, of a study as tools/page/study_json.py writes it. As
// experiment/run.py.

import { batchOf, chosen } from "../nn/batches.js";
import { Standardize } from "../nn/layers.js";
import { classesOf } from "../nn/losses.js";
import { Sequential } from "../nn/network.js";
import { evaluate, fit, predict } from "../nn/training.js";
import { augment } from "./augmentation.js";
import { camelCased, resolveModel } from "./models.js";
import { splitIndices } from "./splits.js";
import { measured } from "./standardization.js";
import { PURPOSE, stream } from "./streams.js";

/**
 * Return a run that is ready to be trained: { network, samples, indices, epochs }.
 *
 * study: { dataset, models }. samples: of train and val, and of test where there are any;
 * indices: which samples of the dataset train and val are; epochs: the generator `fit`, of which
 * each step trains one epoch and yields its scores.
 */
export function startRun(study, modelName, seed) {
  const { dataset } = study;
  if (!Object.hasOwn(study.models, modelName)) {
    throw new Error(`models: unknown ${modelName}; known: ${Object.keys(study.models).join(", ")}`);
  }
  const model = resolveModel(study.models[modelName]);
  const train = camelCased(study.models[modelName].train);
  const indices = splitOf(dataset, study.models[modelName].split, seed);
  const samples = samplesOf(dataset, indices);
  const first = train.standardize ? [measured(samples.train.x)] : [];
  const network = buildNetwork(model, train.initSeed ?? seed, dataset, first);
  const training = {
    ...train,
    schedule: model.schedule,
    augment: augmenter(train, stream(train.augmentSeed ?? seed, PURPOSE.AUGMENT)),
    shuffleRng: stream(train.shuffleSeed ?? seed, PURPOSE.SHUFFLE),
    dropoutRng: stream(train.dropoutSeed ?? seed, PURPOSE.DROPOUT),
  };
  const epochs = fit(network, model.optimizer, samples.train, samples.val, training);
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

/** Return the untrained network, `first` its layers before the architecture's. */
export function buildNetwork(model, seed, dataset, first = []) {
  const numClasses = dataset.class_names.length;
  const layers = [...first, ...model.architecture.layers(numClasses)];
  const rngForLayer = (i) => stream(seed, PURPOSE.INIT, i);
  const network = new Sequential(layers, dataset.shape, rngForLayer);
  if (network.outShape.length !== 1 || network.outShape[0] !== numClasses) {
    throw new Error(`expected ${numClasses} logits, the architecture gives [${network.outShape}]`);
  }
  return network;
}

/** Return the network of a model that has given parameters, as its `state` returned them. */
export function networkOf(study, modelName, parameters) {
  const settings = study.models[modelName];
  const [mean, sd] = [parameters["0.mean"], parameters["0.sd"]];
  const first = settings.train.standardize ? [new Standardize({ mean, sd })] : [];
  const network = buildNetwork(resolveModel(settings), 0, study.dataset, first);
  network.restore(parameters); // whatever seed 0 has drawn
  return network;
}

function splitOf(dataset, split, seed) {
  const rng = stream(split.seed ?? seed, PURPOSE.SPLIT);
  return splitIndices(dataset.y, dataset.class_names.length, camelCased(split), rng);
}

function samplesOf({ shape, X, y, X_test, y_test }, indices) {
  const all = batchOf(shape, X);
  const some = (places) => ({ x: chosen(all, places), targets: places.map((i) => y[i]) });
  const samples = { train: some(indices.train), val: some(indices.val) };
  return X_test ? { ...samples, test: { x: batchOf(shape, X_test), targets: y_test } } : samples;
}

/** Return what changes the images of a training batch; null: nothing does. */
function augmenter({ augment: how }, rng) {
  return how === null ? null : (images) => augment(images, how, rng);
}
