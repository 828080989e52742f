// Exercise: the learning rate from which on plain gradient descent fails.

import { shortened } from "../numbers.js";
import { trainedRun, withModel } from "./training.js";

const GUESSING = 0.99; // of ln K: a loss of at least so much is no better than guessing
const MOST = 60; // doublings that are tried

export const failingRate = {
  title: "Too large a learning rate",

  facts(context) {
    const { study } = context;
    const isPlain = (key) => study.models[key].optimizer.name === "sgd";
    const name = Object.keys(study.models).find(isPlain);
    return study.untrainable || name === undefined ? null : { ...context, name };
  },

  question: ({ study, name }) => [
    `Find a learning rate with which ${name}, seed ${study.seeds[0]}, fails, while with` +
      " half of it, it still learns.",
    "It fails if it diverges, or if its last training loss is no better than guessing among the" +
      ` ${study.dataset.class_names.length} classes gives: ${shortened(guessing(study))} nats.` +
      " Try rates under Settings.",
  ],

  fields: () => [{ name: "lr", label: "Learning rate", type: "number" }],

  async check({ lr }, facts, { rest }) {
    const rate = Number(lr);
    if (!(rate > 0)) return { right: false, text: "lr: expected a number above 0." };
    const [whole, half] = [await result(facts, rate, rest), await result(facts, rate / 2, rest)];
    const text = `${told(rate, whole)}; ${told(rate / 2, half)}.`;
    return { right: whole.fails && !half.fails, text };
  },

  async solve(facts, { rest }) {
    let rate = facts.study.models[facts.name].optimizer.lr;
    let learned = false;
    for (let i = 0; i < MOST; i++) {
      const found = await result(facts, rate, rest);
      if (learned && found.fails) return [`${told(rate, found)}. With half of it, it learns.`];
      learned = !found.fails;
      rate *= 2;
    }
    return ["None was found, doubling the study's."];
  },
};

function guessing({ dataset }) {
  return GUESSING * Math.log(dataset.class_names.length);
}

async function result({ study, library, name }, lr, rest) {
  const model = study.models[name];
  const changed = withModel(study, name, { ...model, optimizer: { ...model.optimizer, lr } });
  const run = await trainedRun({ study: changed, library }, name, study.seeds[0], rest);
  const { loss } = run.history.at(-1).train;
  return { ...run, loss, fails: run.diverged || loss >= guessing(study) };
}

function told(lr, { diverged, fails, loss }) {
  const what = fails ? "it fails" : "it learns";
  const how = diverged ? "it diverges" : `the last training loss is ${shortened(loss)}`;
  return `With ${shortened(lr)} ${what}: ${how}`;
}
