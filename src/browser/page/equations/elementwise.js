// Layers that make each output of one input: activations, Flatten, Dropout, normalizations.

import { exp, tanh } from "../../arithmetic/elementary.js";
import { size } from "../../nn/batches.js";
import { bracketed } from "./expressions.js";
import {
  equation,
  indexed,
  mfrac,
  mi,
  mn,
  mo,
  mrow,
  msqrt,
  msub,
  msup,
} from "./mathml.js";

const [x, y] = [indexed("x", "a"), indexed("y", "a")];
const EACH = "a is any place: each output is made of the input at its own.";

/** Return the numbers of one place: f gives the output of the input, text writes it. */
function ofOne(batch, place, f, text) {
  const value = batch.data[flatPlace(batch.shape, place)];
  return {
    terms: [{ symbol: `x[${place}]`, factors: [value], value }],
    y: f(value),
    expression: (show) => text(value, show),
  };
}

/** Return where a place stands in row-major order. */
export function flatPlace(shape, place) {
  return place.reduce((flat, index, d) => flat * shape[d] + index, 0);
}

/** Return the place that stands there in row-major order. */
export function placeAt(shape, flat) {
  return shape.map((length, d) => Math.floor(flat / size(shape.slice(d + 1))) % length);
}

export const sigmoid = {
  formula: equation(
    y,
    mo("="),
    mfrac(mn(1), mrow(mn(1), mo("+"), msup(mi("e"), mrow(mo("−"), x)))),
  ),
  legend: () => EACH,
  numbers: (layer, params, input, place) =>
    ofOne(
      input,
      place,
      (value) => 1 / (1 + exp(Math.min(-value, 708))),
      (value, show) => `1 / (1 + e^(−${bracketed(value, show)}))`,
    ),
};

export const hyperbolicTangent = {
  formula: equation(y, mo("="), mi("tanh"), x),
  legend: () => EACH,
  numbers: (layer, params, input, place) =>
    ofOne(input, place, tanh, (value, show) => `tanh(${show(value)})`),
};

export const rectifier = {
  formula: equation(y, mo("="), mi("max"), mo("("), x, mo(","), mn(0), mo(")")),
  legend: () => EACH,
  numbers: (layer, params, input, place) =>
    ofOne(
      input,
      place,
      (value) => Math.max(value, 0),
      (value, show) => `max(${show(value)}, 0)`,
    ),
};

export const flattening = {
  formula: equation(
    indexed("y", "n", "d"),
    mo("="),
    indexed("x", "n", "c", "p", "q"),
    mo(","),
    mi("d"),
    mo("="),
    mo("("),
    mi("c"),
    mo("·"),
    mi("H"),
    mo("+"),
    mi("p"),
    mo(")"),
    mo("·"),
    mi("W"),
    mo("+"),
    mi("q"),
  ),
  legend: () => "H and W are the input's rows and columns: nothing is computed, only numbered.",
  numbers: (layer, params, input, [d]) =>
    ofOne(input, placeAt(input.shape, d), (value) => value, (value, show) => show(value)),
};

export const dropout = {
  formula: equation(
    y,
    mo("="),
    x,
    mo("·"),
    mfrac(indexed("ξ", "a"), mrow(mn(1), mo("−"), mi("r"))),
  ),
  legend: ({ rate }) =>
    `In training ξ is 0 with probability r = ${rate}, else 1. Here, in evaluation, y = x.`,
  numbers: (layer, params, input, place) =>
    ofOne(input, place, (value) => value, (value, show) => show(value)),
};

export const standardization = {
  formula: equation(
    indexed("y", "n", "c", "…"),
    mo("="),
    mfrac(
      mrow(indexed("x", "n", "c", "…"), mo("−"), msub(mi("μ"), mi("c"))),
      msub(mi("s"), mi("c")),
    ),
  ),
  legend: () => "μ and s are the training pixels' mean and standard deviation, of each channel.",
  numbers(layer, params, input, place) {
    const [mean, sd] = [params.mean[place[0]], params.sd[place[0]]];
    return ofOne(
      input,
      place,
      (value) => (value - mean) / sd,
      (value, show) => `(${show(value)} − ${bracketed(mean, show)}) / ${show(sd)}`,
    );
  },
};

export const batchNormalization = {
  formula: equation(
    y,
    mo("="),
    mi("γ"),
    mo("·"),
    mfrac(mrow(x, mo("−"), mi("μ")), msqrt(mrow(msup(mi("σ"), mn(2)), mo("+"), mi("ϵ")))),
    mo("+"),
    mi("β"),
  ),
  legend: ({ eps }) =>
    `In training μ and σ² are the batch's, per channel; here, in evaluation, the running ones.` +
    ` ϵ = ${eps}.`,
  numbers({ eps }, params, input, place) {
    const [c] = place;
    const [mean, variance] = [params.running_mean[c], params.running_var[c]];
    const [gamma, beta] = [params.gamma[c], params.beta[c]];
    return ofOne(
      input,
      place,
      (value) => gamma * ((value - mean) / Math.sqrt(variance + eps)) + beta,
      (value, show) =>
        `${bracketed(gamma, show)} · ((${show(value)} − ${bracketed(mean, show)}) /` +
        ` √(${show(variance)} + ${show(eps)})) + ${bracketed(beta, show)}`,
    );
  },
};
