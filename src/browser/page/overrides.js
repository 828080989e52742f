// A model with other settings: what may be changed, and the `dvc exp run` that would change it.

import { ARCHITECTURES } from "../nn/architectures.js";
import { OPTIMIZERS } from "../nn/optimizers.js";

/** The settings of an architecture that may be changed, where it has them, and their values. */
export const CHANGEABLE = {
  activation: ["sigmoid", "tanh", "relu"],
  activate_logits: [true, false],
  pool: ["max", "avg"],
};

const RANGES = {
  positive: { fits: (value) => value > 0, expected: "a number above 0" },
  notNegative: { fits: (value) => value >= 0, expected: "a number of at least 0" },
  belowOne: {
    fits: (value) => value >= 0 && value < 1,
    expected: "a number from 0 up to but not 1",
  },
};
const RANGE_OF = {
  lr: RANGES.positive,
  eps: RANGES.positive,
  weight_decay: RANGES.notNegative,
  momentum: RANGES.belowOne,
  rho: RANGES.belowOne,
  beta1: RANGES.belowOne,
  beta2: RANGES.belowOne,
};

/** Return an optimizer as JSON, with its default settings, under the names of params.yaml. */
export function defaultOptimizer(name) {
  return { name, ...defaultsOf(OPTIMIZERS[name]) };
}

function defaultsOf(Kind) {
  const snake = (key) => key.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
  return Object.fromEntries(Object.entries(new Kind()).map(([key, value]) => [snake(key), value]));
}

/** Return what is wrong with an optimizer's settings, a line for each; none: nothing. */
export function problemsOf({ name, ...settings }) {
  return Object.entries(settings)
    .filter(([key, value]) => !Number.isFinite(value) || !RANGE_OF[key].fits(value))
    .map(([key, value]) => {
      const got = Number.isNaN(value) ? "none" : value;
      return `${key}: expected ${RANGE_OF[key].expected}, got ${got}`;
    });
}

/**
 * Return the overrides, as -S takes them, by which params.yaml comes to have a model.
 *
 * raw: what params.yaml has for it. model: as study_json.py writes it. A model with a list of
 * learning rates, of which <name>/<lr> is one, comes to have the one.
 */
export function overridesOf(name, raw, model) {
  const path = `models.${name.split("/")[0]}`;
  const { architecture, optimizer } = model;
  const defaults = defaultOptimizer(optimizer.name);
  const changeable = Object.keys(CHANGEABLE).filter((key) => key in architecture);
  return [
    ...changeable.flatMap((key) => {
      const usual = defaultsOf(ARCHITECTURES[architecture.name])[key];
      return setting(`${path}.architecture`, raw.architecture, key, architecture[key], usual);
    }),
    ...Object.entries(optimizer).flatMap(([key, value]) =>
      setting(`${path}.optimizer`, raw.optimizer, key, value, defaults[key]),
    ),
    ...Object.keys(raw.optimizer)
      .filter((key) => !(key in optimizer))
      .map((key) => `~${path}.optimizer.${key}`),
  ];
}

/** Return the override, none if the file's value, or without one the usual, is it already. */
function setting(path, raw, key, value, usual) {
  if (!(key in raw)) return value === usual ? [] : [`+${path}.${key}=${value}`];
  const given = typeof raw[key] === "string" && typeof value === "number" ? +raw[key] : raw[key];
  return given === value ? [] : [`${path}.${key}=${value}`];
}

/** Return the command line of an experiment with these overrides. */
export function commandOf(overrides) {
  const quoted = (text) => (/^[~+]/.test(text) ? `'${text}'` : text);
  return ["dvc exp run", ...overrides.map((text) => `-S ${quoted(text)}`)].join(" ");
}
