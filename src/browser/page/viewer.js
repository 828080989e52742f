// Networks to look at: those of a snapshot, while the run's own is trained on.

import { networkOf } from "../experiment/run.js";
import { chosen } from "../nn/batches.js";
import { softmax, softmaxCrossEntropy } from "../nn/losses.js";

/** Return a function that gives the network of the epoch that a store shows; it makes one a run. */
export function viewer() {
  let of = null;
  let network = null;
  return ({ model, run, epoch }) => {
    const parameters = run.snapshots[epoch];
    if (of === run.network) network.restore(parameters);
    else network = networkOf(run.study, model, parameters);
    of = run.network;
    return network;
  };
}

/**
 * Return what a network makes of samples { x, targets }: { x, outputs, probabilities, loss, dys,
 * dtheta }, in evaluation. dys[i] is the gradient of layer i's output, where there is one.
 */
export function passOf(network, { x, targets }) {
  const { outputs, caches } = network.forward(x);
  const logits = outputs.at(-1);
  const { loss, dlogits } = softmaxCrossEntropy(logits, targets);
  const { dys, dtheta } = network.backward(dlogits, caches);
  return { x, outputs, probabilities: softmax(logits), loss, dlogits, dys, dtheta };
}

/** Return the samples at some places. */
export function samplesAt({ x, targets }, places) {
  return { x: chosen(x, places), targets: places.map((place) => targets[place]) };
}

/** Return what layer i learns, each { name, numbers }; theta: or something laid out as it, dtheta. */
export function weightsOf(network, i, theta = network.theta) {
  let { start } = network.slices[i];
  const all = Object.entries(network.params[i]);
  const learned = all.filter(([name]) => !(name in network.buffers[i]));
  return learned.map(([name, { length }]) => {
    const numbers = theta.subarray(start, start + length);
    start += length;
    return { name, numbers };
  });
}
