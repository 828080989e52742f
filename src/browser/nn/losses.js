// The loss: how far the network's logits are from the true classes. As nn/losses.py.

import { exp, log } from "../arithmetic/elementary.js";
import { batch } from "./batches.js";
import { mean } from "./numerics.js";

/** Turn a batch of logits [K] into probabilities: p[k] = exp(z[k]) / sum over j of exp(z[j]). */
export function softmax(logits) {
  const { data: e, total } = exponentials(belowMaximum(logits));
  return batch(logits.shape, logits.n, e.map((value, i) => value / total[i % logits.n]));
}

/**
 * Return the mean cross-entropy of softmax(logits), in nats, and its gradient.
 *
 * loss    = -(1/N) * sum over n of log p[targets[n]],  p = softmax(logits)
 * dlogits = (p - onehot(targets)) / N
 *
 * logits: a batch of shape [K]; targets: N class indices from 0 to K-1.
 */
export function softmaxCrossEntropy(logits, targets) {
  const { n } = logits;
  const shifted = belowMaximum(logits);
  const { data: e, total } = exponentials(shifted);
  const losses = total.map((sum, s) => log(sum) - shifted.data[targets[s] * n + s]);
  const dlogits = batch(logits.shape, n, e);
  for (let i = 0; i < e.length; i++) e[i] /= total[i % n];
  for (let s = 0; s < n; s++) e[targets[s] * n + s] -= 1;
  for (let i = 0; i < e.length; i++) e[i] /= n;
  return { loss: mean(losses), dlogits };
}

/** Return each logit minus its sample's largest: at most 0, so that exp cannot overflow. */
function belowMaximum({ shape, n, data }) {
  const most = new Float64Array(n).fill(-Infinity);
  for (let i = 0; i < data.length; i++) most[i % n] = Math.max(most[i % n], data[i]);
  return batch(shape, n, data.map((logit, i) => logit - most[i % n]));
}

/** Return e^z for all z, and each sample's sum of them, class after class: in this order always. */
function exponentials({ n, data }) {
  const e = data.map(exp);
  const total = new Float64Array(n);
  for (let i = 0; i < e.length; i++) total[i % n] += e[i];
  return { data: e, total };
}

/** Return the class of the largest logit of each sample, the first of several. */
export function classesOf({ shape: [classes], n, data }) {
  return Array.from({ length: n }, (_, s) => {
    let best = 0;
    for (let k = 1; k < classes; k++) {
      if (data[k * n + s] > data[best * n + s]) best = k;
    }
    return best;
  });
}

/** Return the share of right answers, from 0 to 1. */
export function accuracy(predicted, targets) {
  return predicted.filter((k, s) => k === targets[s]).length / targets.length;
}
