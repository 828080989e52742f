// Exercise: in which run a logit dies, and when.

import { networksOf } from "../networks.js";
import { trainedRun } from "./training.js";

export const deadLogit = {
  title: "Find the logit that dies",

  facts(context) {
    const models = candidates(context);
    return models.length ? { ...context, models } : null;
  },

  question: () => [
    "A ReLU on the logits can die: from some epoch on, the logit of a label is 0 for every" +
      " training sample, so that no gradient comes back through it.",
    "Train seeds until you see a label whose logit has died, and go back to the first epoch at" +
      " which it is 0 for all training samples, and stays so to the end.",
  ],

  fields: ({ study, models }) => [
    {
      name: "model",
      label: "Model",
      options: models.map(({ name }) => [name, name]),
    },
    { name: "seed", label: "Seed", type: "number" },
    {
      name: "label",
      label: "Label",
      options: study.dataset.class_names.map((name, k) => [`${k}`, name]),
    },
    { name: "epoch", label: "Epoch", type: "number" },
  ],

  async check({ model, seed, label, epoch }, facts, { rest }) {
    const { seeds, dataset } = facts.study;
    if (seed === "" || !seeds.includes(Number(seed))) {
      return { right: false, text: `The seeds are ${seeds.join(", ")}.` };
    }
    const died = (await deaths(facts, model, Number(seed), rest))[Number(label)];
    const name = dataset.class_names[Number(label)];
    if (died === null) {
      return { right: false, text: `In the end, ${name}'s logit is above 0 for some sample.` };
    }
    if (epoch === "" || Number(epoch) !== died) {
      const where = Number(epoch) < died ? "later" : "earlier";
      return { right: false, text: `That logit has died, but ${where} than that.` };
    }
    return { right: true, text: `From epoch ${died} on, nobody can bring ${name}'s logit back.` };
  },

  async solve(facts, { rest, answer }) {
    const { name, seeds } = facts.models.find((each) => each.name === answer.model);
    const lines = [];
    for (const seed of seeds) {
      const died = await deaths(facts, name, seed, rest);
      died.forEach((epoch, k) => {
        const label = facts.study.dataset.class_names[k];
        if (epoch !== null) lines.push(`${name}, seed ${seed}: label ${label}, epoch ${epoch}.`);
      });
    }
    return lines;
  },
};

/** Return { name, seeds }: models with a ReLU on the logits, and the seeds where one is dead. */
function candidates(context) {
  const { study } = context;
  if (study.untrainable) return [];
  return Object.entries(study.models)
    .filter(([, { architecture: a }]) => a.activate_logits && a.activation === "relu")
    .map(([name]) => ({ name, seeds: seedsWithDead(context, name) }))
    .filter(({ seeds }) => seeds.length > 0);
}

function seedsWithDead(context, name) {
  return networksOf(context, name)
    .filter(({ seed, network }) => {
      const { samples } = context.library.startRun(context.study, name, seed);
      return deadIn(network, samples.train.x).includes(true);
    })
    .map(({ seed }) => seed);
}

/** Return for each label the epoch from which its logit is dead to the end; null: it is not. */
export async function deaths(context, model, seed, rest) {
  const dead = [];
  await trainedRun(context, model, seed, rest, (network, samples) => {
    dead.push(deadIn(network, samples.train.x));
  });
  return dead[0].map((_, k) => {
    const alive = dead.findLastIndex((labels) => !labels[k]);
    return alive === dead.length - 1 ? null : alive + 1;
  });
}

/** Return for each label whether its logit is 0 for all samples. */
function deadIn(network, x) {
  const { shape, n, data } = network.forward(x).outputs.at(-1);
  return Array.from({ length: shape[0] }, (_, k) =>
    data.subarray(k * n, (k + 1) * n).every((logit) => logit === 0),
  );
}
