// Exercise: which samples the networks of all seeds get wrong.

import { largestOf, networksOf } from "../networks.js";

export const hardest = {
  title: "What no seed gets right",

  /** Of the model for which such samples are fewest, but some. */
  facts(context) {
    const found = Object.keys(context.study.models)
      .map((name) => ({ name, places: wrongForAll(context, name) }))
      .filter(({ places }) => places.length > 0)
      .sort((a, b) => a.places.length - b.places.length);
    return found.length ? { ...found[0], ...samplesOf(context.study) } : null;
  },

  question: ({ name, called }) => [
    `Which of the ${called} samples do the networks of all seeds of ${name} get wrong? Give their` +
      " numbers, counted from 1, as the page does.",
    "Look at the samples: would you have known?",
  ],

  fields: () => [{ name: "places", label: "Samples, with commas between", type: "text" }],

  async check(answer, { places }) {
    const given = new Set((answer.places.match(/\d+/g) ?? []).map(Number));
    const wrong = new Set(places.map((place) => place + 1));
    const missing = [...wrong].filter((number) => !given.has(number)).length;
    const tooMany = [...given].filter((number) => !wrong.has(number));
    if (missing + tooMany.length === 0) return { right: true, text: "These, and no others." };
    const found = tooMany.length ? `Some seed gets right: ${tooMany.join(", ")}. ` : "";
    return { right: false, text: `${found}Still missing: ${missing}.` };
  },

  async solve({ places, targets, classNames }) {
    return places.map((place) => `Sample ${place + 1}, which is ${classNames[targets[place]]}.`);
  },
};

function samplesOf({ dataset: { class_names: classNames, X, y, X_test, y_test } }) {
  return X_test
    ? { images: X_test, targets: y_test, called: "test", classNames }
    : { images: X, targets: y, called: "data", classNames };
}

function wrongForAll(context, name) {
  const { study, library } = context;
  const { images, targets } = samplesOf(study);
  const networks = networksOf(context, name).map(({ network }) => network);
  if (networks.length === 0) return [];
  const x = library.batchOf(study.dataset.shape, images);
  const ofEach = networks.map((network) => network.forward(x).outputs.at(-1));
  const isWrong = (logits, s) => largestOf(library.sampleOf(logits, s)) !== targets[s];
  return targets.flatMap((_, s) => (ofEach.every((logits) => isWrong(logits, s)) ? [s] : []));
}
