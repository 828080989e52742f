// The equation of each layer of the library, by the layer's name in params.yaml.

import { LAYERS } from "../../nn/layers.js";
import { convolution, dense } from "./convolution.js";
import {
  batchNormalization,
  dropout,
  flattening,
  hyperbolicTangent,
  rectifier,
  sigmoid,
  standardization,
} from "./elementwise.js";
import { averagePooling, maxPooling } from "./pooling.js";

/**
 * Each has `formula`, in MathML; legend(layer), what its letters are; and
 * numbers(layer, params, x, place), as `numbersAt` in equations.js.
 */
export const EQUATIONS = {
  conv2d: convolution,
  max_pool2d: maxPooling,
  avg_pool2d: averagePooling,
  dense,
  flatten: flattening,
  sigmoid,
  tanh: hyperbolicTangent,
  relu: rectifier,
  batch_norm: batchNormalization,
  standardize: standardization,
  dropout,
};

/** Return a layer's equation. */
export function equationOf(layer) {
  const name = Object.keys(LAYERS).find((key) => layer instanceof LAYERS[key]);
  return EQUATIONS[name];
}
