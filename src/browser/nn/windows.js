// Images as convolutions and poolings take them: window by window. As nn/windows.py.
//
// A window is the h x w pixels that a kernel sees at a time; the windows are `stride` apart, and
// (H', W') is how many of them fit. im2col lays them out as the columns of a matrix, so that a
// convolution is one product; col2im is its transpose, and adds up what stands for the same pixel.

import { factorBits } from "../arithmetic/rounding.js";
import { batch, size } from "./batches.js";
import { factorByColumns, matrix, rounded } from "./numerics.js";

/** Return [H', W'] for images of shape [C, H, W] and a kernel [h, w]; an Error if none fits. */
export function windowsIn(shape, [h, w], stride, padding = 0) {
  if (shape.length !== 3) throw new Error(`expected images [C, H, W], got [${shape}]`);
  const [, height, width] = shape;
  const down = height + 2 * padding - h; // how far a window can go
  const right = width + 2 * padding - w;
  if (Math.min(down, right) < 0) {
    throw new Error(`a ${height}x${width} image is smaller than the kernel`);
  }
  return [Math.floor(down / stride) + 1, Math.floor(right / stride) + 1];
}

/**
 * Return which pixel stands at each place of all windows, as its place in an image.
 *
 * Of shape (C, h, w, H', W'): windowPixels[c,u,v,i,j] = (c, s*i+u, s*j+v).
 */
export function windowPixels(shape, [h, w], stride) {
  const [channels, height, width] = shape;
  const [rows, columns] = windowsIn(shape, [h, w], stride);
  const pixels = new Int32Array(channels * h * w * rows * columns);
  let place = 0;
  for (let c = 0; c < channels; c++) {
    for (let u = 0; u < h; u++) {
      for (let v = 0; v < w; v++) {
        for (let i = 0; i < rows; i++) {
          const row = (c * height + stride * i + u) * width + v;
          for (let j = 0; j < columns; j++) pixels[place++] = row + stride * j;
        }
      }
    }
  }
  return pixels;
}

/** Return the numbers of the images for each of the pixels: n numbers each, one run. */
export function gathered(images, pixels, n) {
  const runs = new Float64Array(pixels.length * n);
  for (let place = 0; place < pixels.length; place++) {
    const from = pixels[place] * n;
    for (let s = 0; s < n; s++) runs[place * n + s] = images[from + s];
  }
  return runs;
}

/** Add the runs to the images: each number to the pixel it stands for, place after place. */
export function addTo(images, pixels, n, runs) {
  for (let place = 0; place < pixels.length; place++) {
    const to = pixels[place] * n;
    for (let s = 0; s < n; s++) images[to + s] += runs[place * n + s];
  }
}

/** Images [C, H, W] as the columns of a convolution's products, taken as 0 outside. */
export class Patches {
  constructor(x, kernel, stride, padding) {
    this.shape = x.shape;
    this.n = x.n;
    this.padding = padding;
    this.outSize = windowsIn(x.shape, kernel, stride, padding);
    this.images = withZerosAround(x, padding);
    this.pixels = windowPixels(this.images.shape, kernel, stride);
    const rows = x.shape[0] * size(kernel);
    this.matrix = (data) => matrix(rows, size(this.outSize) * x.n, data);
    this.columns = factorByColumns(this.matrix(gathered(this.images.data, this.pixels, x.n)));
  }

  /** Return the columns as a factor that is rounded as a whole, (C*h*w, H'*W'*N). */
  get wholeColumns() {
    if (this.whole === undefined) {
      const terms = Math.max(this.columns.rows, this.columns.columns);
      // Rounded first and arranged then: most pixels stand in several columns.
      const images = rounded(this.images.data, factorBits(terms));
      this.whole = this.matrix(gathered(images, this.pixels, this.n));
    }
    return this.whole;
  }

  /** Add each number of columns (C*h*w, H'*W'*N) to the pixel it stands for: a batch of images. */
  col2im(columns) {
    const images = batch(this.images.shape, this.n);
    addTo(images.data, this.pixels, this.n, columns.data);
    return withoutAround(images, this.padding);
  }
}

/** Return images with so many zeros on each side. */
export function withZerosAround(x, pixels) {
  if (pixels === 0) return x;
  const [channels, height, width] = x.shape;
  const padded = batch([channels, height + 2 * pixels, width + 2 * pixels], x.n);
  eachRow(padded, pixels, (inside, row) => inside.set(row), x);
  return padded;
}

/** Return images without so many pixels on each side. */
function withoutAround(padded, pixels) {
  if (pixels === 0) return padded;
  const [channels, height, width] = padded.shape;
  const x = batch([channels, height - 2 * pixels, width - 2 * pixels], padded.n);
  eachRow(padded, pixels, (inside, row) => row.set(inside), x);
  return x;
}

/** Call copy(inside, row) for each row of the images x and where it lies in the padded ones. */
function eachRow(padded, pixels, copy, x) {
  const [channels, height, width] = x.shape;
  const run = width * x.n;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < height; i++) {
      const row = (c * height + i) * width * x.n;
      const inside = ((c * (height + 2 * pixels) + i + pixels) * (width + 2 * pixels) + pixels) * x.n;
      copy(padded.data.subarray(inside, inside + run), x.data.subarray(row, row + run));
    }
  }
}
