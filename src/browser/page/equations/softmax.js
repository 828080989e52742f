// After the last layer: the softmax, and the loss of a sample.

import { exp, log } from "../../arithmetic/elementary.js";
import { mean } from "../../nn/numerics.js";
import { equation, indexed, mfrac, mi, mo, mrow, msub, msup, over } from "./mathml.js";

const power = (k) => msup(mi("e"), indexed("z", "n", k));
const sum = mrow(over("∑", mi("j")), power("j"));
const trueClass = msub(mi("τ"), mi("n"));

export const softmaxAndLoss = {
  formula:
    equation(indexed("p", "n", "k"), mo("="), mfrac(power("k"), sum)) +
    equation(
      msub(mi("ℓ"), mi("n")),
      mo("="),
      mo("−"),
      mi("ln"),
      indexed("p", "n", trueClass),
      mo("="),
      mi("ln"),
      sum,
      mo("−"),
      indexed("z", "n", trueClass),
    ),
  legend: "τ is the sample's true class; the loss ℓ is the mean over all samples, in nats.",
};

/**
 * Return the numbers of a probability and of a sample's loss: { probability, loss }, each
 * { y, expression }. logits: numbers; k: the class asked for; target: the true class.
 */
export function numbersOfLoss(logits, k, target) {
  const most = logits.reduce((a, b) => Math.max(a, b));
  const powers = [...logits].map((z) => exp(z - most));
  const total = powers.reduce((a, b) => a + b, 0);
  const ofAll = (show) => [...logits].map((z) => `e^(${show(z)})`).join(" + ");
  return {
    probability: {
      y: powers[k] / total,
      expression: (show) => `e^(${show(logits[k])}) / (${ofAll(show)})`,
    },
    loss: {
      y: mean(Float64Array.of(log(total) - (logits[target] - most))), // of one sample, rounded so
      expression: (show) => {
        const z = logits[target];
        return `ln(${ofAll(show)}) − ${z < 0 ? `(${show(z)})` : show(z)}`;
      },
    },
  };
}
