// Augmentation: training images changed at random, so that a network sees more than there are. As
// experiment/augmentation.py.

import { cos, roundHalfEven, sin } from "../arithmetic/elementary.js";
import { standardNormal } from "../arithmetic/random.js";
import { batch, batchOf } from "../nn/batches.js";

/** Return changed copies of images [C, H, W] with pixels in 0..1. */
export function augment(images, { flip: flips, rotation, shift: farthest, noise }, rng) {
  const { n } = images;
  if (flips) images = flip(images, rng.randomSample(n).map((u) => (u < 0.5 ? 1 : 0)));
  if (rotation > 0) {
    images = rotate(images, rng.randomSample(n).map((u) => rotation * (2 * u - 1)));
  }
  if (farthest > 0) images = shift(images, rng.randint(-farthest, farthest + 1, 2 * n));
  return noise > 0 ? withNoise(images, noise, rng) : images;
}

/** Mirror image s from left to right where which[s] is 1. */
export function flip(images, which) {
  const width = images.shape[2];
  return moved(images, (s, i, j) => [i, which[s] ? width - 1 - j : j]);
}

/** Move image s down by offsets[2s] and right by offsets[2s + 1] pixels; zeros come in. */
export function shift(images, offsets) {
  return moved(images, (s, i, j) => [i - offsets[2 * s], j - offsets[2 * s + 1]]);
}

/** Return the images whose pixel (i, j) of image s is that at source(s, i, j). */
function moved(images, source) {
  const made = batch(images.shape, images.n);
  eachPixel(images, (at, s, c, i, j) => {
    made.data[at] = pixel(images, s, c, ...source(s, i, j));
  });
  return made;
}

/** Turn image s counter-clockwise by degrees[s] about its centre, interpolating bilinearly. */
export function rotate(images, degrees) {
  const [, height, width] = images.shape;
  const angles = degrees.map((d) => (d - 360 * roundHalfEven(d / 360)) * (Math.PI / 180));
  const [cosines, sines] = [angles.map(cos), angles.map(sin)];
  const made = batch(images.shape, images.n);
  eachPixel(images, (at, s, c, i, j) => {
    const y = i - (height - 1) / 2; // down from the centre
    const x = j - (width - 1) / 2; // right from the centre
    const sourceY = cosines[s] * y + sines[s] * x + (height - 1) / 2;
    const sourceX = cosines[s] * x - sines[s] * y + (width - 1) / 2;
    made.data[at] = interpolated(images, s, c, sourceY, sourceX);
  });
  return made;
}

function interpolated(images, s, c, y, x) {
  const [top, left] = [Math.floor(y), Math.floor(x)];
  const [down, right] = [y - top, x - left];
  let value = 0;
  value += pixel(images, s, c, top, left) * ((1 - down) * (1 - right));
  value += pixel(images, s, c, top, left + 1) * ((1 - down) * right);
  value += pixel(images, s, c, top + 1, left) * (down * (1 - right));
  value += pixel(images, s, c, top + 1, left + 1) * (down * right);
  return value;
}

/** Add normal noise to each pixel, and cut it to 0..1. */
function withNoise(images, sd, rng) {
  const numbers = images.data.length / images.n;
  const drawn = standardNormal(rng, images.data.length); // image after image
  const samples = Array.from({ length: images.n }, (_, s) =>
    drawn.subarray(s * numbers, (s + 1) * numbers),
  );
  const noise = batchOf(images.shape, samples).data;
  const noisy = images.data.map((x, i) => Math.min(Math.max(x + sd * noise[i], 0), 1));
  return batch(images.shape, images.n, noisy);
}

/** Call visit(at, s, c, i, j) for each pixel, of which `at` is the place in the data. */
function eachPixel({ shape: [channels, height, width], n }, visit) {
  let at = 0;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        for (let s = 0; s < n; s++) visit(at++, s, c, i, j);
      }
    }
  }
}

/** Return pixel (i, j) of channel c of image s, 0 outside. */
function pixel({ shape: [, height, width], n, data }, s, c, i, j) {
  const inside = i >= 0 && i < height && j >= 0 && j < width;
  return inside ? data[((c * height + i) * width + j) * n + s] : 0;
}
