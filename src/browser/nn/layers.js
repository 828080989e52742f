// The layers: each computes y from x, and the gradients of the loss from dy. As nn/layers.py, which
// has the sources.
//
// A layer is a description and remembers nothing: `forward` returns as `cache` what `backward` will
// need. Only BatchNorm writes anything: its own running statistics, in training. x, y, dx and dy
// are batches (batches.js); dz is the derivative of the loss with respect to z, and has z's shape.

import { exp, tanh } from "../arithmetic/elementary.js";
import { batch, mapped, size } from "./batches.js";
import { INITIALIZERS } from "./initializers.js";
import {
  factor,
  factorByColumns,
  matmul,
  matmulTransposed,
  matrix,
  mean,
  rowSums,
  sum,
  transposed,
} from "./numerics.js";
import { Patches, windowPixels, windowsIn } from "./windows.js";

/** A mode: whether a forward pass is part of training, and the stream that dropout draws from. */
export const EVALUATION = { training: false, rng: null };

/**
 * What every layer can do; unless told, it keeps the shape and has no parameters.
 *
 * `params` holds a layer's parameters and buffers, each a Float64Array, by name. modeMatters:
 * whether `forward` looks at its mode.
 */
class Layer {
  modeMatters = false;

  /** Return { outShape, params, buffers }: parameters are learned, buffers kept besides. */
  init(inShape, rng) {
    return { outShape: inShape, params: {}, buffers: {} };
  }

  /** Return what `forward` makes of x first; it takes that, too, if x comes many times. */
  prepare(x) {
    return x;
  }
}

/**
 * Cross-correlation, plus one bias per channel.
 *
 * y[n,o,i,j] = b[o] + sum over c,u,v of W[o,c,u,v] * x[n, c, s*i+u-p, s*j+v-p]
 *
 * kernelSize null: the kernel spans the image. W (O, C, h, w), b (O,).
 */
export class Conv2D extends Layer {
  constructor({ outChannels, kernelSize, stride = 1, padding = 0, weightInit = "published" }) {
    super();
    Object.assign(this, { outChannels, kernelSize, stride, padding, weightInit });
  }

  init(inShape, rng) {
    const kernel = this.kernel(inShape);
    const outSize = windowsIn(inShape, kernel, this.stride, this.padding);
    const fanIn = inShape[0] * size(kernel);
    const draw = INITIALIZERS[this.weightInit];
    const W = draw(rng, this.outChannels * fanIn, fanIn, this.outChannels * size(kernel));
    const params = { W, b: new Float64Array(this.outChannels) };
    return { outShape: [this.outChannels, ...outSize], params, buffers: {} };
  }

  /** Return the kernel's height and width. */
  kernel([, height, width]) {
    return this.kernelSize === null ? [height, width] : [this.kernelSize, this.kernelSize];
  }

  prepare(x) {
    return new Patches(x, this.kernel(x.shape), this.stride, this.padding);
  }

  /** One matrix product: W times a column of inputs for every output pixel. */
  forward(params, x) {
    const patches = x instanceof Patches ? x : this.prepare(x);
    const W = factor(matrix(this.outChannels, patches.columns.rows, params.W));
    const y = matmul(W, patches.columns);
    addToRows(y, params.b);
    const outShape = [this.outChannels, ...patches.outSize];
    return { y: batch(outShape, patches.n, y.data), cache: { patches, W } };
  }

  backward(params, dy, { patches, W }, wantsDx) {
    const dyFactor = factor(matrix(this.outChannels, patches.columns.columns, dy.data));
    const dW = matmulTransposed(dyFactor, patches.wholeColumns).data;
    const dx = wantsDx ? patches.col2im(matmul(transposed(W), dyFactor)) : null;
    return { dx, grads: { W: dW, b: rowSums(dyFactor) } };
  }
}

/** Add a number to each row of a matrix. */
function addToRows({ rows, columns, data }, numbers) {
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) data[i * columns + j] += numbers[i];
  }
}

/** What the pooling layers share: windows of kernelSize, stride apart (null: side by side). */
class Pool2D extends Layer {
  constructor({ kernelSize, stride = null }) {
    super();
    Object.assign(this, { kernelSize, stride: stride ?? kernelSize });
    this.kernel = [kernelSize, kernelSize];
  }

  init(inShape) {
    return { outShape: this.outShape(inShape), params: {}, buffers: {} };
  }

  outShape(inShape) {
    return [inShape[0], ...windowsIn(inShape, this.kernel, this.stride)];
  }

  /**
   * Call visit(at, from) for each place in each window, the places of a window in row-major order:
   * `at` is where in y the window's n numbers begin, `from` where in x the place's n numbers do.
   */
  eachPlace(inShape, n, visit) {
    const pixels = windowPixels(inShape, this.kernel, this.stride);
    const [channels, ...outSize] = this.outShape(inShape);
    const places = size(this.kernel);
    const windows = size(outSize);
    let next = 0;
    for (let c = 0; c < channels; c++) {
      for (let place = 0; place < places; place++) {
        for (let w = 0; w < windows; w++) visit((c * windows + w) * n, pixels[next++] * n);
      }
    }
  }
}

/** The maximum of each window: y[n,c,i,j] = max over u,v of x[n, c, s*i+u, s*j+v]. */
export class MaxPool2D extends Pool2D {
  forward(params, x) {
    const { n } = x;
    const y = batch(this.outShape(x.shape), n);
    y.data.fill(-Infinity);
    this.eachPlace(x.shape, n, (at, from) => {
      for (let s = 0; s < n; s++) y.data[at + s] = Math.max(y.data[at + s], x.data[from + s]);
    });
    return { y, cache: { x, y } };
  }

  /** Send dy to the first place, in row-major order, that holds the window's maximum. */
  backward(params, dy, { x, y }) {
    const { n } = x;
    const dx = batch(x.shape, n);
    const sent = new Uint8Array(y.data.length);
    this.eachPlace(x.shape, n, (at, from) => {
      for (let s = 0; s < n; s++) {
        const first = x.data[from + s] === y.data[at + s] && !sent[at + s] ? 1 : 0;
        sent[at + s] |= first;
        dx.data[from + s] += dy.data[at + s] * first;
      }
    });
    return { dx, grads: {} };
  }
}

/** The mean of each window: y[n,c,i,j] = (1/k^2) * sum over u,v of x[n, c, s*i+u, s*j+v]. */
export class AvgPool2D extends Pool2D {
  forward(params, x) {
    const { n } = x;
    const y = batch(this.outShape(x.shape), n);
    this.eachPlace(x.shape, n, (at, from) => {
      for (let s = 0; s < n; s++) y.data[at + s] += x.data[from + s];
    });
    return { y: mapped(y, (total) => total / size(this.kernel)), cache: x.shape };
  }

  /** Send dy / k^2 to every place of the window. */
  backward(params, dy, inShape) {
    const { n } = dy;
    const dx = batch(inShape, n);
    const share = mapped(dy, (d) => d / size(this.kernel));
    this.eachPlace(inShape, n, (at, from) => {
      for (let s = 0; s < n; s++) dx.data[from + s] += share.data[at + s];
    });
    return { dx, grads: {} };
  }
}

/** All inputs to all outputs: y = x W + b, x [D] -> y [O], W (D, O), b (O,). */
export class Dense extends Layer {
  constructor({ outFeatures, weightInit = "published" }) {
    super();
    Object.assign(this, { outFeatures, weightInit });
  }

  init(inShape, rng) {
    if (inShape.length !== 1) {
      throw new Error(`expected vectors [D], got [${inShape}]; put Flatten before`);
    }
    const [inputs] = inShape;
    const draw = INITIALIZERS[this.weightInit];
    const W = draw(rng, inputs * this.outFeatures, inputs, this.outFeatures);
    const params = { W, b: new Float64Array(this.outFeatures) };
    return { outShape: [this.outFeatures], params, buffers: {} };
  }

  forward(params, x) {
    const W = factor(matrix(x.shape[0], this.outFeatures, params.W));
    const y = matmul(transposed(W), factorByColumns(matrix(x.shape[0], x.n, x.data)));
    addToRows(y, params.b);
    return { y: batch([this.outFeatures], x.n, y.data), cache: { x, W } };
  }

  /** Return dx = dy W^T, and dW = x^T dy and db = sum over n of dy[n]. */
  backward(params, dy, { x, W }, wantsDx) {
    const dyFactor = factor(matrix(this.outFeatures, x.n, dy.data));
    const dW = matmulTransposed(factor(matrix(x.shape[0], x.n, x.data)), dyFactor).data;
    const dx = wantsDx ? batch(x.shape, x.n, matmul(W, dyFactor).data) : null;
    return { dx, grads: { W: dW, b: rowSums(dyFactor) } };
  }
}

/** Each sample as one vector, in row-major order; in memory, nothing moves. */
export class Flatten extends Layer {
  init(inShape) {
    return { outShape: [size(inShape)], params: {}, buffers: {} };
  }

  forward(params, x) {
    return { y: batch([size(x.shape)], x.n, x.data), cache: x.shape };
  }

  backward(params, dy, inShape) {
    return { dx: batch(inShape, dy.n, dy.data), grads: {} };
  }
}

/** The logistic function, stable for any finite x: y = 1 / (1 + exp(-x)). */
export class Sigmoid extends Layer {
  forward(params, x) {
    const y = mapped(x, (xi) => 1 / (1 + exp(Math.min(-xi, 708))));
    return { y, cache: y };
  }

  /** Return dx = dy * y * (1 - y). */
  backward(params, dy, y) {
    return { dx: combined(dy, y, (dyi, yi) => dyi * (yi * (1 - yi))), grads: {} };
  }
}

/** The hyperbolic tangent: y = tanh(x). */
export class Tanh extends Layer {
  forward(params, x) {
    const y = mapped(x, tanh);
    return { y, cache: y };
  }

  /** Return dx = dy * (1 - y^2). */
  backward(params, dy, y) {
    return { dx: combined(dy, y, (dyi, yi) => dyi * ((1 - yi) * (1 + yi))), grads: {} };
  }
}

/** The rectifier: y = max(x, 0). */
export class ReLU extends Layer {
  forward(params, x) {
    return { y: mapped(x, (xi) => Math.max(xi, 0)), cache: x };
  }

  /** Return dx = dy where x > 0, else 0. */
  backward(params, dy, x) {
    return { dx: combined(dy, x, (dyi, xi) => dyi * (xi > 0 ? 1 : 0)), grads: {} };
  }
}

/** Return the batch whose numbers are f(number of a, number of b). */
function combined(a, b, f) {
  const made = batch(a.shape, a.n);
  for (let i = 0; i < made.data.length; i++) made.data[i] = f(a.data[i], b.data[i]);
  return made;
}

/**
 * Each channel shifted and scaled to mean 0 and variance 1 over the batch, then learned anew.
 *
 * xhat = (x - mean) / sqrt(var + eps),  y = gamma * xhat + beta
 *
 * In training mean and var are the batch's, and the running ones follow them; in evaluation they
 * are the running ones.
 */
export class BatchNorm extends Layer {
  modeMatters = true;

  constructor({ eps = 1e-5, momentum = 0.1 } = {}) {
    super();
    Object.assign(this, { eps, momentum });
  }

  init(inShape) {
    const zeros = () => new Float64Array(inShape[0]);
    const ones = () => zeros().fill(1);
    const buffers = { running_mean: zeros(), running_var: ones() };
    return { outShape: inShape, params: { gamma: ones(), beta: zeros() }, buffers };
  }

  forward(params, x, mode = EVALUATION) {
    const numbers = x.data.length / x.shape[0]; // of a channel
    const std = new Float64Array(x.shape[0]);
    const [xhat, y] = [batch(x.shape, x.n), batch(x.shape, x.n)];
    if (mode.training && numbers === 1) {
      throw new Error("batch normalization: one value per channel has no variance");
    }
    for (let c = 0; c < x.shape[0]; c++) {
      const [start, end] = [c * numbers, (c + 1) * numbers];
      const { center, variance } = this.statistics(params, x.data.subarray(start, end), c, mode);
      std[c] = Math.sqrt(variance + this.eps);
      for (let i = start; i < end; i++) {
        xhat.data[i] = (x.data[i] - center) / std[c];
        y.data[i] = params.gamma[c] * xhat.data[i] + params.beta[c];
      }
    }
    return { y, cache: { xhat, std, training: mode.training } };
  }

  /** Return what channel c is normalized by; in training, also move the running statistics. */
  statistics(params, channel, c, mode) {
    const { running_mean: means, running_var: variances } = params;
    if (!mode.training) return { center: means[c], variance: variances[c] };
    const m = channel.length;
    const center = mean(channel);
    const variance = mean(channel.map((xi) => (xi - center) * (xi - center)));
    means[c] += this.momentum * (center - means[c]);
    variances[c] += this.momentum * (variance * (m / (m - 1)) - variances[c]);
    return { center, variance };
  }

  /**
   * Return dx and dgamma[c] = sum of dy * xhat, dbeta[c] = sum of dy. In training, with
   * dxhat = gamma * dy: dx = (dxhat - mean(dxhat) - xhat * mean(dxhat * xhat)) / sqrt(var + eps);
   * in evaluation dx = dxhat / sqrt(var + eps).
   */
  backward(params, dy, { xhat, std, training }) {
    const grads = { gamma: new Float64Array(std.length), beta: new Float64Array(std.length) };
    const products = combined(dy, xhat, (dyi, xi) => dyi * xi).data;
    const dx = batch(dy.shape, dy.n);
    const numbers = dy.data.length / std.length;
    for (let c = 0; c < std.length; c++) {
      const [start, end] = [c * numbers, (c + 1) * numbers];
      grads.gamma[c] = sum(products, start, end);
      grads.beta[c] = sum(dy.data, start, end);
      const channel = xhat.data.subarray(start, end);
      const dxhat = dy.data.subarray(start, end).map((dyi) => params.gamma[c] * dyi);
      const offset = training ? mean(dxhat) : 0;
      const slope = training ? mean(dxhat.map((d, i) => d * channel[i])) : 0;
      for (let i = 0; i < numbers; i++) {
        const centered = training ? dxhat[i] - offset - channel[i] * slope : dxhat[i];
        dx.data[start + i] = centered / std[c];
      }
    }
    return { dx, grads };
  }
}

/** Each channel less a given mean, divided by a given deviation: y = (x - mean) / sd. */
export class Standardize extends Layer {
  constructor({ mean, sd }) {
    super();
    Object.assign(this, { mean, sd });
  }

  init(inShape) {
    const buffers = { mean: Float64Array.from(this.mean), sd: Float64Array.from(this.sd) };
    return { outShape: inShape, params: {}, buffers };
  }

  forward(params, x) {
    const y = batch(x.shape, x.n);
    const numbers = x.data.length / x.shape[0];
    for (let i = 0; i < x.data.length; i++) {
      const c = Math.floor(i / numbers);
      y.data[i] = (x.data[i] - params.mean[c]) / params.sd[c];
    }
    return { y, cache: params.sd };
  }

  backward(params, dy, sd) {
    const numbers = dy.data.length / sd.length;
    const dx = batch(dy.shape, dy.n, dy.data.map((d, i) => d / sd[Math.floor(i / numbers)]));
    return { dx, grads: {} };
  }
}

/** In training, each element set to 0 with probability rate, the others divided by 1 - rate. */
export class Dropout extends Layer {
  modeMatters = true;

  constructor({ rate = 0.5 } = {}) {
    super();
    this.rate = rate;
  }

  forward(params, x, mode = EVALUATION) {
    if (!mode.training) return { y: x, cache: null };
    const scale = batch(x.shape, x.n);
    for (let s = 0; s < x.n; s++) {
      for (let i = s; i < scale.data.length; i += x.n) {
        scale.data[i] = mode.rng.random() >= this.rate ? 1 / (1 - this.rate) : 0;
      }
    }
    return { y: combined(x, scale, (xi, factor) => xi * factor), cache: scale };
  }

  backward(params, dy, scale) {
    const dx = scale === null ? dy : combined(dy, scale, (d, factor) => d * factor);
    return { dx, grads: {} };
  }
}

/** The layers by their names in params.yaml. */
export const LAYERS = {
  conv2d: Conv2D,
  max_pool2d: MaxPool2D,
  avg_pool2d: AvgPool2D,
  dense: Dense,
  flatten: Flatten,
  sigmoid: Sigmoid,
  tanh: Tanh,
  relu: ReLU,
  batch_norm: BatchNorm,
  standardize: Standardize,
  dropout: Dropout,
};
