// A network: layers in a row, with all their parameters in one vector theta. As nn/network.py.

import { EVALUATION } from "./layers.js";

/**
 * Layers applied one after the other.
 *
 * theta holds every parameter; params[i] are layer i's, as views into it, and slices[i] is where
 * they stand; firstToLearn is the first layer with any. buffers[i] are the arrays that layer i
 * keeps besides; they stand in params[i], too. shapes: of a sample, before the first layer and
 * after each.
 *
 * rngForLayer(i) gives the i-th layer with weights W, counted from 0, its random stream.
 */
export class Sequential {
  constructor(layers, inShape, rngForLayer) {
    this.layers = layers;
    this.modeMatters = layers.some((layer) => layer.modeMatters);
    this.shapes = [inShape];
    this.buffers = [];
    const initial = [];
    layers.forEach((layer, i) => {
      const weighted = initial.filter((params) => "W" in params).length;
      const rng = rngForLayer(weighted);
      const { outShape, params, buffers } = initialized(layer, i, this.outShape, rng);
      this.shapes.push(outShape);
      initial.push(params);
      this.buffers.push(buffers);
    });
    this.join(initial);
  }

  get outShape() {
    return this.shapes[this.shapes.length - 1];
  }

  /** Put all parameters into theta, and views of it into params. */
  join(initial) {
    const length = (params) => Object.values(params).reduce((total, p) => total + p.length, 0);
    this.theta = new Float64Array(initial.map(length).reduce((total, part) => total + part, 0));
    this.slices = [];
    this.params = [];
    let start = 0;
    for (const [i, params] of initial.entries()) {
      const views = { ...this.buffers[i] };
      this.slices.push({ start, end: start + length(params) });
      for (const [name, numbers] of Object.entries(params)) {
        views[name] = this.theta.subarray(start, start + numbers.length);
        views[name].set(numbers);
        start += numbers.length;
      }
      this.params.push(views);
    }
    this.firstToLearn = this.slices.findIndex(({ start, end }) => end > start);
  }

  /** Return what `forward` takes in place of x, quicker, where x comes many times. */
  prepare(x) {
    return this.layers[0].prepare(x);
  }

  /** Return { outputs, caches }: each layer's output, the last one the logits. */
  forward(x, mode = EVALUATION) {
    const [outputs, caches] = [[], []];
    let y = x;
    this.layers.forEach((layer, i) => {
      const passed = layer.forward(this.params[i], y, mode);
      y = passed.y;
      outputs.push(y);
      caches.push(passed.cache);
    });
    return { outputs, caches };
  }

  /**
   * Return { dtheta, dys } from the gradient of the output: the chain rule, last to first.
   *
   * dtheta is in theta's order; dys[i] is the gradient of layer i's output. It ends at the first
   * layer with parameters: the gradient below it is nobody's.
   */
  backward(dy, caches) {
    const dtheta = new Float64Array(this.theta.length);
    const dys = [];
    for (let i = this.layers.length - 1; i >= this.firstToLearn; i--) {
      dys[i] = dy;
      const wantsDx = i > this.firstToLearn;
      const { dx, grads } = this.layers[i].backward(this.params[i], dy, caches[i], wantsDx);
      let { start } = this.slices[i];
      for (const grad of Object.values(grads)) {
        dtheta.set(grad, start);
        start += grad.length;
      }
      dy = dx;
    }
    return { dtheta, dys };
  }

  /** Return copies of theta, and of each buffer as <layer>.<name>, layers counted from 0. */
  state() {
    const state = { theta: this.theta.slice() };
    this.buffers.forEach((buffers, i) => {
      for (const [name, array] of Object.entries(buffers)) state[`${i}.${name}`] = array.slice();
    });
    return state;
  }

  /** Go back to what `state` returned. */
  restore(state) {
    this.theta.set(state.theta);
    this.buffers.forEach((buffers, i) => {
      for (const [name, array] of Object.entries(buffers)) array.set(state[`${i}.${name}`]);
    });
  }
}

function initialized(layer, i, inShape, rng) {
  try {
    return layer.init(inShape, rng);
  } catch (error) {
    throw new Error(`layer ${i + 1}: ${layer.constructor.name}: ${error.message}`);
  }
}
