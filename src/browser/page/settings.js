// Settings: change the model's, train it again, and learn how to make that an experiment of DVC's.

import { OPTIMIZERS } from "../nn/optimizers.js";
import { button, element, labelledSelect } from "./elements.js";
import { CHANGEABLE, commandOf, defaultOptimizer, overridesOf, problemsOf } from "./overrides.js";

const WORDS = {
  activation: "Activation ",
  activate_logits: "Logits ",
  pool: "Pooling ",
  true: "squeezed: through the activation",
  false: "free: not activated",
  max: "maximum",
  avg: "average",
  lr: "Learning rate (lr) ",
  weight_decay: "Weight decay (weight_decay) ",
};

/** Show the part in an element; context: { study, state, train(modelJson, seed) }. */
export function mount(root, context) {
  if (context.study.untrainable) {
    root.replaceChildren(element("p", {}, "A browser can show this study, but not train it."));
    return;
  }
  const part = { context, shown: null, wanted: null, trained: null };
  Object.assign(part, fields(() => takeOptimizer(part)));
  const train = button("Train again", () => trainAgain(part));
  const reset = button("Back to the committed settings", () => take(part));
  const form = element(
    "form",
    { class: "settings", onsubmit: (event) => event.preventDefault() },
    element("fieldset", {}, element("legend", {}, "Network"), part.architecture),
    element(
      "fieldset",
      {},
      element("legend", {}, "Optimizer"),
      part.optimizer.label,
      part.numbers,
    ),
    element("p", {}, train, " ", reset),
  );
  root.replaceChildren(form, part.problems, part.notice, part.commandBox, part.digest);
  part.trainButton = train;
  context.state.subscribe(() => follow(part));
  follow(part);
}

function fields(onOptimizer) {
  const names = Object.keys(OPTIMIZERS);
  const command = element("code", {});
  const copied = element("span", { role: "status" });
  const copy = button("Copy", async () => {
    await navigator.clipboard.writeText(command.textContent);
    copied.textContent = " Copied.";
  });
  const commandBox = element(
    "div",
    { class: "settings-command" },
    element("p", {}, "This makes it an experiment of all seeds, in the project's folder:"),
    element("pre", { tabindex: 0, "aria-label": "Command" }, command),
    element("p", {}, copy, copied),
  );
  return {
    architecture: element("div", { class: "settings-fields" }),
    optimizer: labelledSelect("Optimizer ", names.map((name) => [name, name]), onOptimizer),
    numbers: element("div", { class: "settings-fields" }),
    problems: element("p", { class: "settings-problems", role: "alert" }),
    notice: element("p", { role: "status" }),
    digest: element("p", { class: "settings-digest", role: "status" }),
    command,
    copied,
    commandBox,
  };
}

/** Follow the page: another model brings its own settings, and a run that is done its digest. */
function follow(part) {
  const { model, seed, run } = part.context.state.get();
  const chosen = `${model} ${seed}`;
  if (part.shown?.chosen !== chosen) {
    const sameModel = part.shown?.model === model;
    part.shown = { chosen, model };
    part.trained = null;
    if (!sameModel) take(part);
  }
  showDigest(part, run);
}

/** Put the committed settings into the form. */
function take(part) {
  const { study, state } = part.context;
  showModel(part, study.models[state.get().model]);
}

function showModel(part, { architecture, optimizer }) {
  const changeable = Object.keys(CHANGEABLE).filter((key) => key in architecture);
  part.selects = changeable.map((key) => {
    const options = CHANGEABLE[key].map((value) => [`${value}`, WORDS[value] ?? value]);
    const { select, label } = labelledSelect(WORDS[key], options, () => update(part));
    select.value = `${architecture[key]}`;
    return { key, select, label };
  });
  const text = "Its layers are fixed here; the optimizer is not.";
  part.architecture.replaceChildren(
    ...(changeable.length ? part.selects.map(({ label }) => label) : [text]),
  );
  part.optimizer.select.value = optimizer.name;
  showNumbers(part, optimizer);
  update(part);
}

/** Take the default settings of the optimizer that was chosen. */
function takeOptimizer(part) {
  showNumbers(part, defaultOptimizer(part.optimizer.select.value));
  update(part);
}

/** Show a field for each number that the optimizer takes. */
function showNumbers(part, { name, ...numbers }) {
  part.inputs = Object.entries(numbers).map(([key, value]) => {
    const input = element("input", { type: "number", step: "any", min: 0, value });
    input.addEventListener("input", () => update(part));
    const label = element("label", {}, element("span", {}, WORDS[key] ?? `${key} `), input);
    return { key, input, label };
  });
  part.numbers.replaceChildren(...part.inputs.map(({ label }) => label));
}

/** Take what the form says, and say what it comes to. */
function update(part) {
  const { study, state } = part.context;
  const name = state.get().model;
  part.wanted = wantedModel(part, study.models[name]);
  const problems = problemsOf(part.wanted.optimizer);
  const overrides = overridesOf(name, study.params.models[name.split("/")[0]], part.wanted);
  const changed = !sameSettings(part.wanted, study.models[name]);
  part.problems.textContent = problems.join("; ");
  part.trainButton.disabled = problems.length > 0;
  part.notice.textContent = changed
    ? `With these settings a run is no longer the committed one of ${name}.`
    : `These are the committed settings of ${name}: to train again gives the committed run.`;
  part.commandBox.hidden = !changed || problems.length > 0;
  part.command.textContent = commandOf(overrides);
  part.copied.textContent = "";
  showDigest(part, state.get().run);
}

function wantedModel({ selects, inputs, optimizer }, committed) {
  const ofNetwork = selects.map(({ key, select }) => [
    key,
    CHANGEABLE[key].find((value) => `${value}` === select.value),
  ]);
  const numbers = inputs.map(({ key, input }) => [key, input.valueAsNumber]);
  return {
    ...committed,
    architecture: { ...committed.architecture, ...Object.fromEntries(ofNetwork) },
    optimizer: { name: optimizer.select.value, ...Object.fromEntries(numbers) },
  };
}

function sameSettings(a, b) {
  const sorted = (settings) => JSON.stringify(Object.entries(settings).sort());
  return ["architecture", "optimizer"].every((part) => sorted(a[part]) === sorted(b[part]));
}

function trainAgain(part) {
  const { state, train } = part.context;
  const { seed, run } = state.get();
  part.trained = { model: part.wanted, before: run?.network, network: null };
  train(part.wanted, seed);
  showDigest(part, state.get().run);
}

/** Tell the digest of the run that was trained with what the form says, once it is done. */
function showDigest(part, run) {
  const { trained, digest, wanted } = part;
  if (trained && run && run.network !== trained.before) trained.network ??= run.network;
  const ours = trained?.network && run.network === trained.network;
  if (!ours || !sameSettings(trained.model, wanted)) {
    digest.textContent = "Train again to learn the digest that its parameters have.";
    return;
  }
  const { model, seed } = part.context.state.get();
  const recorded = part.context.study.digests?.[model]?.[seed];
  const whose =
    run.digest === recorded ? "The committed run" : `The experiment's run of seed ${seed}`;
  digest.textContent = run.done
    ? `${whose} has this digest: ${run.digest}`
    : "It is being trained …";
}
