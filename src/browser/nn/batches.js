// Batches: N samples of one shape, as all layers take and give them.
//
// A batch is { shape, n, data }: the shape of a sample, such as [C, H, W] or [D], and all numbers
// in one Float64Array, with N last: the same pixel of all samples is one run of N numbers. So
// data[i * n + s] is number i of sample s, in row-major order.

/** Return a batch of n samples, zeros unless data is given. */
export function batch(shape, n, data = new Float64Array(size(shape) * n)) {
  return { shape, n, data };
}

/** Return how many numbers a shape holds. */
export function size(shape) {
  return shape.reduce((product, side) => product * side, 1);
}

/** Return a batch of samples, each an array of its numbers in row-major order. */
export function batchOf(shape, samples) {
  const made = batch(shape, samples.length);
  const numbers = size(shape);
  samples.forEach((sample, s) => {
    for (let i = 0; i < numbers; i++) made.data[i * made.n + s] = sample[i];
  });
  return made;
}

/** Return the numbers of one sample, in row-major order. */
export function sampleOf({ shape, n, data }, s) {
  return Float64Array.from({ length: size(shape) }, (_, i) => data[i * n + s]);
}

/** Return some samples of a batch, by their places, as a batch. */
export function chosen({ shape, n, data }, places) {
  const made = batch(shape, places.length);
  const numbers = size(shape);
  for (let i = 0; i < numbers; i++) {
    for (let s = 0; s < made.n; s++) made.data[i * made.n + s] = data[i * n + places[s]];
  }
  return made;
}

/** Return the batch whose numbers are f(number). */
export function mapped({ shape, n, data }, f) {
  const made = batch(shape, n);
  for (let i = 0; i < data.length; i++) made.data[i] = f(data[i]);
  return made;
}
