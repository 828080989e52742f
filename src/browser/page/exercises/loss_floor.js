// Exercise: below which loss a network with squeezed logits cannot get.

import { networksOf } from "../networks.js";
import { shortened } from "../numbers.js";

const SPANS = { sigmoid: [0, 1], tanh: [-1, 1] }; // what an activation's outputs lie between
const CLOSE = 0.005; // two decimal places

export const lossFloor = {
  title: "The floor of the loss",

  facts(context) {
    const { models, dataset } = context.study;
    const squeezed = ({ architecture: a }) => a.activate_logits && a.activation in SPANS;
    const name = Object.keys(models).find((key) => squeezed(models[key]));
    if (name === undefined) return null;
    const [low, high] = SPANS[models[name].architecture.activation];
    const others = dataset.class_names.length - 1;
    return { ...context, name, low, high, others, floor: Math.log(1 + others * Math.exp(low - high)) };
  },

  question: ({ study, name, low, high, others }) => [
    `The logits of ${name} go through ${study.models[name].architecture.activation}, so that` +
      ` they lie between ${low} and ${high}. With ${others + 1} classes, which loss, in nats, can` +
      " training approach but never reach?",
    "Put the best possible logits into the softmax: give two decimal places.",
  ],

  fields: () => [{ name: "floor", label: "Floor (nats)", type: "number" }],

  async check(answer, { floor }) {
    const given = answer.floor === "" ? NaN : Number(answer.floor);
    const right = Math.abs(given - floor) <= CLOSE;
    if (right) return { right, text: "No run of the model can get below it." };
    const text = "What is the true class's logit at best, and what are all others?";
    return { right, text };
  },

  async solve(facts) {
    const { low, high, others, floor } = facts;
    return [
      `At best the true class has ${high} and the others ${low}: the loss is` +
        ` ln(1 + ${others} e^(${low - high})) = ${floor.toFixed(4)}.`,
      ...lowest(facts),
    ];
  },
};

/** Return the lowest training loss of the recorded runs, in words. */
function lowest(facts) {
  const { study, library, name } = facts;
  if (study.untrainable) return [];
  const losses = networksOf(facts, name).map(({ seed, network }) => {
    const { train } = library.startRun(study, name, seed).samples;
    return library.softmaxCrossEntropy(network.forward(train.x).outputs.at(-1), train.targets).loss;
  });
  if (losses.length === 0) return [];
  return [`The lowest training loss of its runs is ${Math.min(...losses).toFixed(4)}.`];
}
