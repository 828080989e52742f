// Standardization: the mean and the standard deviation of each channel, as a network's first layer.
// As experiment/standardization.py.

import { Standardize } from "../nn/layers.js";
import { sum } from "../nn/numerics.js";

const ROWS = 1000; // images whose exact sum is taken at a time

/** Return the layer for images [C, H, W]: each channel's mean and population SD; an SD of 0: 1. */
export function measured(images) {
  const [channels] = images.shape;
  const [means, sds] = [[], []];
  for (let c = 0; c < channels; c++) {
    const numbers = images.data.length / channels;
    const channel = images.data.subarray(c * numbers, (c + 1) * numbers);
    const origin = channel[0]; // less it, a channel of equal pixels is exactly 0
    const offset = meanOf(channel, images.n, (x) => x - origin);
    const squared = (deviation) => deviation * deviation;
    const variance = meanOf(channel, images.n, (x) => squared(x - origin - offset));
    means.push(origin + offset);
    sds.push(Math.sqrt(variance) || 1);
  }
  return new Standardize({ mean: means, sd: sds });
}

/** Return the mean of f(pixel) over a channel's pixels, added up by groups of images. */
function meanOf(channel, n, f) {
  let total = 0;
  for (let start = 0; start < n; start += ROWS) {
    const ofGroup = channel.filter((_, i) => i % n >= start && i % n < start + ROWS);
    total += sum(ofGroup.map(f));
  }
  return total / channel.length;
}
