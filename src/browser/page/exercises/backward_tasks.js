// The backward passes that one may write: each with its forward pass, from the library, and cases.

import { RandomState, standardNormal } from "../../arithmetic/random.js";
import { batch } from "../../nn/batches.js";
import { MaxPool2D, ReLU } from "../../nn/layers.js";
import { softmaxCrossEntropy } from "../../nn/losses.js";
import { nested } from "./gradient_check.js";

const CASES = 3;

/**
 * Return cases { arguments, forward, x, dy, shape, gradient } of a task, drawn from a seed, such
 * that forward is smooth around x.
 */
export function casesOf(task, seed) {
  const rng = new RandomState(seed, []);
  return Array.from({ length: CASES }, () => ({ gradient: task.gradient, ...task.draw(rng) }));
}

/** Return numbers in -1.5..1.5, all apart from each other and from 0, in random order. */
function spread(rng, count) {
  const numbers = Array.from({ length: count }, (_, i) => (3 * (i + 0.5)) / count - 1.5);
  return rng.permutation(numbers.map((x) => (Math.abs(x) < 0.01 ? 0.1 / count : x)));
}

function outputOf(layer, x, shape) {
  return [...layer.forward({}, batch(shape, 1, Float64Array.from(x))).y.data];
}

export const BACKWARD_TASKS = {
  relu: {
    title: "ReLU",
    gradient: "dx",
    names: ["dy", "x"],
    takes: "dy and x are arrays of the same length. y[a] = max(x[a], 0). Return dx.",
    start: "return x.map((xa, a) => 0);",
    solution: "return x.map((xa, a) => (xa > 0 ? dy[a] : 0));",
    draw(rng) {
      const shape = [6];
      const [x, dy] = [spread(rng, 6), [...standardNormal(rng, 6)]];
      const forward = (input) => outputOf(new ReLU(), input, shape);
      return { arguments: [dy, x], forward, x, dy, shape };
    },
  },

  maxPool: {
    title: "2x2 max-pooling",
    gradient: "dx",
    names: ["dy", "x"],
    takes:
      "x is an image, x[row][column], 4 x 4; dy is 2 x 2. y[i][j] is the largest of x[2i][2j]," +
      " x[2i][2j + 1], x[2i + 1][2j] and x[2i + 1][2j + 1]. Return dx, 4 x 4.",
    start: "const dx = x.map((row) => row.map(() => 0));\n// ...\nreturn dx;",
    solution: `const dx = x.map((row) => row.map(() => 0));
for (let i = 0; i < 2; i++) {
  for (let j = 0; j < 2; j++) {
    const places = [[0, 0], [0, 1], [1, 0], [1, 1]].map(([u, v]) => [2 * i + u, 2 * j + v]);
    const values = places.map(([p, q]) => x[p][q]);
    const [p, q] = places[values.indexOf(Math.max(...values))];
    dx[p][q] = dy[i][j];
  }
}
return dx;`,
    draw(rng) {
      const shape = [4, 4];
      const [x, dy] = [spread(rng, 16), [...standardNormal(rng, 4)]];
      const forward = (input) => outputOf(new MaxPool2D({ kernelSize: 2 }), input, [1, 4, 4]);
      return { arguments: [nested(dy, [2, 2]), nested(x, shape)], forward, x, dy, shape };
    },
  },

  loss: {
    title: "Softmax and cross-entropy",
    gradient: "dz",
    names: ["dl", "z", "target"],
    takes:
      "z are the logits of one sample, target is its class, and the loss l is" +
      " -ln(softmax(z)[target]); dl is the derivative by l of what comes after. Return dz.",
    start: "return z.map((zk, k) => 0);",
    solution: `const e = z.map((zk) => Math.exp(zk - Math.max(...z)));
const total = e.reduce((a, b) => a + b);
return e.map((ek, k) => dl * (ek / total - (k === target ? 1 : 0)));`,
    draw(rng) {
      const x = [...standardNormal(rng, 4)];
      const [dl] = standardNormal(rng, 1);
      const target = Math.floor(rng.random() * x.length);
      const forward = (z) => {
        const logits = batch([z.length], 1, Float64Array.from(z));
        return [softmaxCrossEntropy(logits, [target]).loss];
      };
      return { arguments: [dl, x, target], forward, x, dy: [dl], shape: [x.length] };
    },
  },
};
