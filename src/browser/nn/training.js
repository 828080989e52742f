// The training loop: forward, loss, backward, update, and a record of every epoch. As
// nn/training.py.
//
// Samples are { x, targets }: a batch, and N class indices. A score is { loss, accuracy }, an epoch
// { epoch, train, val } with two of them; epoch 0 is the untrained network.

import { batch, chosen, size } from "./batches.js";
import { EVALUATION } from "./layers.js";
import { accuracy, classesOf, softmaxCrossEntropy } from "./losses.js";

const LIMIT = 1e100; // of losses and parameters: the square of a number beyond may not be finite
// About how many input numbers go through the network at once. It is in the bits, as each chunk of
// a batch is rounded by itself.
const CHUNK_SIZE = 32768;

/**
 * Train the network in place, yield the scores of every epoch, and return what training did.
 *
 * training: { epochs, batchSize, schedule, augment, earlyStopping, bestCheckpoint, shuffleRng,
 * dropoutRng } as in nn/training.py; null is none. A caller may stop between two epochs, or never
 * go on. Returned at the end: { history, diverged, checkpointEpoch }.
 *
 * If a loss or a parameter stops being finite, or passes 1e100 in size, the run has diverged:
 * training ends, and network and history go back to the last epoch before.
 */
export function* fit(network, optimizer, train, val, training) {
  const history = [];
  let diverged = false;
  let last = network.state();
  let best = null;
  let bestEpoch = 0;
  for (const scored of epochs(network, optimizer, train, val, training)) {
    diverged = !allFinite(network, scored);
    if (diverged) break;
    history.push(scored);
    last = network.state();
    if (best === null || scored.val.loss < history[bestEpoch].val.loss) {
      [bestEpoch, best] = [scored.epoch, last];
    }
    yield scored;
    if (scored.epoch - bestEpoch >= (training.earlyStopping ?? Infinity)) break;
  }
  if (best === null) {
    throw new Error("the network's loss or parameters are not finite before training");
  }
  network.restore(training.bestCheckpoint ? best : last);
  const checkpointEpoch = training.bestCheckpoint ? bestEpoch : history.length - 1;
  return { history, diverged, checkpointEpoch };
}

/** Train the network in place, and yield its scores: untrained, and after every epoch. */
export function* epochs(network, optimizer, train, val, training) {
  const n = train.targets.length;
  const batchSize = Math.min(training.batchSize ?? n, n);
  // A full batch without augmentation is the same in every epoch, so it is prepared once. If the
  // network does the same in training as in scoring, an update goes back from the scoring pass.
  const repeats = batchSize === n && training.augment === null;
  const reuses = repeats && !network.modeMatters && chunks(network, n).length === 1;
  val = prepared(network, val);
  if (repeats) train = prepared(network, train);
  let state = optimizer.init(network.theta);
  for (let epoch = 0; epoch <= training.epochs; epoch++) {
    const passed = reuses ? forward(network, train, EVALUATION) : null;
    const ours = reuses ? scoreOf(passed, train.targets) : evaluate(network, train);
    yield { epoch, train: ours, val: evaluate(network, val) };
    if (epoch === training.epochs) return;
    const factors = lrFactors(training, epoch, Math.ceil(n / batchSize));
    for (const some of batches(train, batchSize, training)) {
      const g = reuses ? passed.toGradient() : gradient(network, some, training.dropoutRng);
      state = update(network, optimizer, state, g, factors.shift());
    }
  }
}

/** Update the network once, with the gradient g; return the optimizer's new state. */
export function update(network, optimizer, state, g, lrFactor = 1) {
  const { theta } = network;
  const [delta, next] = optimizer.update(g, state, theta);
  for (let i = 0; i < theta.length; i++) theta[i] += lrFactor * delta[i];
  return next;
}

/** Return the gradient of the samples' mean loss, added up over their chunks. */
export function gradient(network, samples, dropoutRng = null) {
  const mode = { training: true, rng: dropoutRng };
  const parts = chunks(network, samples.targets.length);
  if (network.modeMatters || parts.length === 1) {
    return forward(network, samples, mode).toGradient();
  }
  const total = new Float64Array(network.theta.length);
  for (const places of parts) {
    const share = places.length / samples.targets.length;
    const part = forward(network, taken(samples, places), mode).toGradient();
    for (let i = 0; i < total.length; i++) total[i] += share * part[i];
  }
  return total;
}

/** Return the network's loss and accuracy on the samples. */
export function evaluate(network, { x, targets }) {
  const logits = predict(network, x);
  return scoreOf({ logits, loss: softmaxCrossEntropy(logits, targets).loss }, targets);
}

/** Return the network's logits for a batch of inputs, however large. */
export function predict(network, x) {
  const parts = chunks(network, x.n);
  if (parts.length === 1) return network.forward(x).outputs.at(-1);
  const logits = batch(network.outShape, x.n);
  for (const places of parts) {
    const some = network.forward(chosen(x, places)).outputs.at(-1);
    for (let k = 0; k < logits.shape[0]; k++) {
      const row = some.data.subarray(k * some.n, (k + 1) * some.n);
      logits.data.set(row, k * logits.n + places[0]);
    }
  }
  return logits;
}

/** Cut the places of n samples into chunks of about the same size, one or an even number. */
function chunks(network, n) {
  const places = Array.from({ length: n }, (_, i) => i);
  const most = Math.max(1, Math.floor(CHUNK_SIZE / size(network.shapes[0])));
  if (n <= most) return [places];
  const count = Math.min(n, 2 * Math.ceil(n / (2 * most)));
  const cut = (i) => Math.floor((i * n) / count);
  return Array.from({ length: count }, (_, i) => places.slice(cut(i), cut(i + 1)));
}

/** Return what a forward pass came to, and what goes back from it to the gradient. */
function forward(network, { x, targets }, mode) {
  const { outputs, caches } = network.forward(x, mode);
  const logits = outputs.at(-1);
  const { loss, dlogits } = softmaxCrossEntropy(logits, targets);
  return { logits, loss, toGradient: () => network.backward(dlogits, caches).dtheta };
}

/** Return the samples as the network takes them quickest, if they go through it at once. */
function prepared(network, samples) {
  if (chunks(network, samples.targets.length).length > 1) return samples;
  return { ...samples, x: network.prepare(samples.x) };
}

/** Yield the batches of an epoch: all samples as they are, or shuffled minibatches. */
function* batches(samples, batchSize, { augment, shuffleRng }) {
  const n = samples.targets.length;
  const changed = ({ x, targets }) => ({ x: augment === null ? x : augment(x), targets });
  if (batchSize === n) {
    yield changed(samples);
    return;
  }
  const order = shuffleRng.permutation(Array.from({ length: n }, (_, i) => i));
  for (let start = 0; start < n; start += batchSize) {
    yield changed(taken(samples, order.slice(start, start + batchSize)));
  }
}

function taken({ x, targets }, places) {
  return { x: chosen(x, places), targets: places.map((place) => targets[place]) };
}

/** Return the schedule's factor for each of an epoch's updates. */
function lrFactors({ schedule, epochs }, epoch, updates) {
  const inSteps = schedule.by === "step" ? schedule.inSteps(updates) : null;
  return Array.from({ length: updates }, (_, i) =>
    inSteps === null
      ? schedule.factor(epoch, epochs)
      : inSteps.factor(epoch * updates + i, epochs * updates),
  );
}

function scoreOf({ logits, loss }, targets) {
  return { loss, accuracy: accuracy(classesOf(logits), targets) };
}

function allFinite(network, { train, val }) {
  const values = [...Object.values(network.state()), [train.loss, val.loss]];
  return values.every((numbers) => numbers.every((value) => Math.abs(value) < LIMIT));
}
