// Exercise: below which loss a network with squeezed logits cannot get.

import { networksOf } from "../networks.js";

const SPANS = { sigmoid: [0, 1], tanh: [-1, 1] }; // what an activation's outputs lie between
const CLOSE = 0.005; // two decimal places

export const lossFloor = {
  title: "The floor of the loss",

  facts(context) {
    const { models, dataset } = context.study;
    const squeezedBy = (name) => {
      const { activate_logits: squeezes, activation } = models[name].architecture;
      return squeezes && activation in SPANS ? activation : null;
    };
    const first = Object.keys(models).find((name) => squeezedBy(name));
    if (first === undefined) return null;
    const activation = squeezedBy(first);
    const names = Object.keys(models).filter((name) => squeezedBy(name) === activation);
    const [low, high] = SPANS[activation];
    const others = dataset.class_names.length - 1;
    const floor = Math.log(1 + others * Math.exp(low - high));
    return { ...context, names, activation, low, high, others, floor };
  },

  question: ({ names, activation, low, high, others }) => [
    `The logits of ${names.join(", ")} go through ${activation}, so that they lie between ${low}` +
      ` and ${high}. With ${others + 1} classes, which loss, in nats, can training approach but` +
      " never reach?",
    "Put the best possible logits into the softmax: give two decimal places.",
  ],

  fields: () => [{ name: "floor", label: "Floor (nats)", type: "number" }],

  async check(answer, { floor }) {
    const given = answer.floor === "" ? NaN : Number(answer.floor);
    const right = Math.abs(given - floor) <= CLOSE;
    if (right) return { right, text: "No run of these can get below it." };
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

/** Return the lowest training loss of the recorded runs with logits squeezed so, in words. */
function lowest(facts) {
  const { study, library, names } = facts;
  if (study.untrainable) return [];
  const lossOf = (name, seed, network) => {
    const { train } = library.startRun(study, name, seed).samples;
    return library.softmaxCrossEntropy(network.forward(train.x).outputs.at(-1), train.targets).loss;
  };
  const losses = names.flatMap((name) =>
    networksOf(facts, name).map(({ seed, network }) => lossOf(name, seed, network)),
  );
  if (losses.length === 0) return [];
  const whose = names.join(", ");
  return [`The lowest training loss of all runs of ${whose} is ${Math.min(...losses).toFixed(4)}.`];
}
