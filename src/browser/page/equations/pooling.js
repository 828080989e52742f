// The pooling layers: the maximum or the mean of a window.

import { size } from "../../nn/batches.js";
import { sumText, total } from "./expressions.js";
import { equation, indexed, mfrac, mi, mn, mo, mrow, msup, over } from "./mathml.js";

const place = (stride, index, offset) => mrow(mi(stride), mi(index), mo("+"), mi(offset));
const pixel = indexed("x", "n", "c", place("s", "i", "u"), place("s", "j", "v"));
const legend = ({ kernelSize, stride }) =>
  `k = ${kernelSize} is the side of a window, s = ${stride} how far apart windows are.`;

export const maxPooling = {
  formula: equation(
    indexed("y", "n", "c", "i", "j"),
    mo("="),
    over("max", mi("u"), mo(","), mi("v")),
    pixel,
  ),

  legend,

  numbers(layer, params, x, at) {
    const terms = windowOf(layer, x, at);
    return {
      terms,
      y: Math.max(...terms.map(({ value }) => value)),
      expression: (show) => `max(${terms.map(({ value }) => show(value)).join(", ")})`,
    };
  },
};

export const averagePooling = {
  formula: equation(
    indexed("y", "n", "c", "i", "j"),
    mo("="),
    mfrac(mn(1), msup(mi("k"), mn(2))),
    over("∑", mi("u"), mo(","), mi("v")),
    pixel,
  ),

  legend,

  numbers(layer, params, x, at) {
    const terms = windowOf(layer, x, at);
    return {
      terms,
      y: total(terms) / size(layer.kernel),
      expression: (show, most = Infinity) => `(${sumText(terms, show, most)}) / ${terms.length}`,
    };
  },
};

/** Return the pixels of a window of one sample, in row-major order. */
function windowOf({ kernelSize, stride }, x, [c, i, j]) {
  const [, height, width] = x.shape;
  return Array.from({ length: kernelSize * kernelSize }, (_, r) => {
    const [p, q] = [stride * i + Math.floor(r / kernelSize), stride * j + (r % kernelSize)];
    const value = x.data[(c * height + p) * width + q];
    return { symbol: `x[${c},${p},${q}]`, factors: [value], value };
  });
}
