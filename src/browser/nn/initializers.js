// Initial weights: how the random start of a layer scales with its inputs and outputs.
// As nn/initializers.py, which has the sources.
//
// fanIn is the number of inputs that one output sums over, fanOut the number of outputs that one
// input goes to (for a convolution, kernel places count).

import { standardNormal } from "../arithmetic/random.js";

export const INITIALIZERS = {
  /** W ~ N(0, 1 / fanIn), as the published study does. */
  published: (rng, count, fanIn) => normal(rng, count, Math.sqrt(1 / fanIn)),

  /** W ~ U[-a, a], a = sqrt(6 / (fanIn + fanOut)) (Glorot and Bengio 2010). */
  xavier_uniform: (rng, count, fanIn, fanOut) =>
    uniform(rng, count, Math.sqrt(6 / (fanIn + fanOut))),

  /** W ~ N(0, 2 / (fanIn + fanOut)) (Glorot and Bengio 2010). */
  xavier_normal: (rng, count, fanIn, fanOut) =>
    normal(rng, count, Math.sqrt(2 / (fanIn + fanOut))),

  /** W ~ N(0, 2 / fanIn), for ReLU (He et al. 2015). */
  he: (rng, count, fanIn) => normal(rng, count, Math.sqrt(2 / fanIn)),

  /** W ~ U[-a, a], a = sqrt(3 / fanIn) (LeCun et al. 1998). */
  lecun: (rng, count, fanIn) => uniform(rng, count, Math.sqrt(3 / fanIn)),
};

function normal(rng, count, sd) {
  return standardNormal(rng, count).map((z) => z * sd);
}

function uniform(rng, count, limit) {
  return rng.randomSample(count).map((u) => limit * (2 * u - 1));
}
