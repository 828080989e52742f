// Conv2D and Dense: sums of products, plus a bias.

import { BLOCK } from "../../arithmetic/rounding.js";
import { factor, factorByColumns, matrix } from "../../nn/numerics.js";
import { bracketed, sumText, total } from "./expressions.js";
import { equation, indexed, mi, mo, mover, mrow, over } from "./mathml.js";

const place = (stride, index, offset) => mrow(mi(stride), mi(index), mo("+"), mi(offset));

export const convolution = {
  formula: equation(
    indexed("y", "n", "o", "i", "j"),
    mo("="),
    indexed("b", "o"),
    mo("+"),
    over("∑", mi("c"), mo(","), mi("u"), mo(","), mi("v")),
    indexed("W", "o", "c", "u", "v"),
    mo("·"),
    indexed(mover(mi("x"), mo("~")), "n", "c", place("s", "i", "u"), place("s", "j", "v")),
  ),

  legend: ({ stride, padding }) =>
    `s = ${stride} is the stride; x~ is x in a frame of zeros, pad = ${padding} wide.`,

  numbers(layer, params, x, [o, i, j]) {
    const { columns, outSize } = layer.prepare(x);
    const W = factor(matrix(layer.outChannels, columns.rows, params.W)).data;
    const [h, w] = layer.kernel(x.shape);
    const terms = Array.from({ length: columns.rows }, (_, r) => {
      const [c, u, v] = [Math.floor(r / (h * w)), Math.floor(r / w) % h, r % w];
      const [p, q] = [i, j].map((at, d) => layer.stride * at + [u, v][d] - layer.padding);
      const pixel = columns.data[r * columns.columns + i * outSize[1] + j];
      return product(
        [`W[${o},${c},${u},${v}]`, `x[${c},${p},${q}]`],
        [W[o * columns.rows + r], pixel],
      );
    });
    return sumAndBias(terms, params.b[o], `b[${o}]`);
  },
};

export const dense = {
  formula: equation(
    indexed("y", "n", "o"),
    mo("="),
    indexed("b", "o"),
    mo("+"),
    over("∑", mi("d")),
    indexed("x", "n", "d"),
    mo("·"),
    indexed("W", "d", "o"),
  ),

  legend: () => "d runs over all inputs.",

  numbers(layer, params, x, [o]) {
    const [inputs] = x.shape;
    const W = factor(matrix(inputs, layer.outFeatures, params.W)).data;
    const { data } = factorByColumns(matrix(inputs, 1, x.data));
    const terms = Array.from({ length: inputs }, (_, d) =>
      product([`x[${d}]`, `W[${d},${o}]`], [data[d], W[d * layer.outFeatures + o]]),
    );
    return sumAndBias(terms, params.b[o], `b[${o}]`);
  },
};

function product(symbols, factors) {
  return { symbol: symbols.join(" · "), factors, value: factors[0] * factors[1] };
}

/** The factors are rounded as portable arithmetic rounds them, so that their sum is exact. */
function sumAndBias(products, bias, symbol) {
  const terms = [...products, { symbol, factors: [bias], value: bias }];
  return {
    terms,
    y: sumInBlocks(products) + bias,
    expression: (show, most = Infinity) =>
      `${sumText(products, show, most)} + ${bracketed(bias, show)}`,
  };
}

/** Return the sum as a matrix product takes it: exact in each block. */
function sumInBlocks(products) {
  let sum = 0;
  for (let start = 0; start < products.length; start += BLOCK) {
    sum += total(products.slice(start, start + BLOCK));
  }
  return sum;
}
