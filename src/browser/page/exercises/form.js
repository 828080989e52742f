// The fields of an exercise.

import { element, labelledSelect } from "../elements.js";

/** Return { root, answer() }: the fields, and their texts by name. */
export function exerciseForm(fields) {
  const inputs = {};
  const roots = fields.map((field) => {
    const { input, root } = field.options
      ? choiceOf(field)
      : field.type === "code"
        ? codeOf(field, inputs)
        : inputOf(field);
    inputs[field.name] = input;
    return root;
  });
  const answer = () =>
    Object.fromEntries(Object.entries(inputs).map(([name, input]) => [name, input.value]));
  return { root: element("div", { class: "exercise-fields" }, ...roots), answer };
}

function inputOf({ label, type }) {
  const step = type === "number" ? { step: "any" } : {};
  const input = element("input", { type, ...step });
  return { input, root: element("label", {}, element("span", {}, label), input) };
}

function choiceOf({ label, options }) {
  const { select, label: root } = labelledSelect(label, options, () => {});
  return { input: select, root };
}

/** Return a box for code, which begins as `of` says for what the field before has chosen. */
function codeOf({ label, of }, before) {
  const chooser = Object.values(before).at(-1);
  const input = element("textarea", { rows: 8, spellcheck: "false", autocapitalize: "off" });
  const head = element("code", {});
  const help = element("p", {});
  const show = () => {
    const { head: first, help: text, start } = of(chooser.value);
    head.textContent = first;
    help.textContent = text;
    input.value = start;
  };
  chooser.addEventListener("change", show);
  show();
  const root = element("label", {}, element("span", {}, label, ": ", head), input);
  return { input, root: element("div", { class: "exercise-code" }, help, root) };
}
