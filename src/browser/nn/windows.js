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
    const [channels, height, width] = x.shape;
    this.shape = x.shape;
    this.n = x.n;
    this.outSize = windowsIn(x.shape, kernel, stride, padding);
    this.paddedShape = [channels, height + 2 * padding, width + 2 * padding];
    this.inside = pixelsInside(x.shape, padding);
    this.pixels = windowPixels(this.paddedShape, kernel, stride);
    this.images = batch(this.paddedShape, x.n).data;
    addTo(this.images, this.inside, x.n, x.data);
    this.columns = factorByColumns(this.im2col(this.images)); // (C*h*w, H'*W'*N)
    this.whole = null;
  }

  /** Return the columns as a factor that is rounded as a whole. */
  get wholeColumns() {
    // Rounded first and arranged then: most pixels stand in several columns.
    const terms = Math.max(this.columns.rows, this.columns.columns);
    this.whole ??= this.im2col(rounded(this.images, factorBits(terms)));
    return this.whole;
  }

  im2col(images) {
    const columns = size(this.outSize) * this.n;
    const data = gathered(images, this.pixels, this.n);
    return matrix(data.length / columns, columns, data);
  }

  /** Add each number of columns (C*h*w, H'*W'*N) to the pixel it stands for: a batch of images. */
  col2im(columns) {
    const images = batch(this.paddedShape, this.n).data;
    addTo(images, this.pixels, this.n, columns.data);
    return batch(this.shape, this.n, gathered(images, this.inside, this.n));
  }
}

/** Return where the pixels of images [C, H, W] stand once there is so much padding around them. */
function pixelsInside([channels, height, width], padding) {
  const [paddedHeight, paddedWidth] = [height + 2 * padding, width + 2 * padding];
  const pixels = new Int32Array(channels * height * width);
  let next = 0;
  for (let c = 0; c < channels; c++) {
    for (let i = 0; i < height; i++) {
      const row = (c * paddedHeight + i + padding) * paddedWidth + padding;
      for (let j = 0; j < width; j++) pixels[next++] = row + j;
    }
  }
  return pixels;
}
