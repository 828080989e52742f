// Exercise: how many numbers training learns.

import { networksOf } from "../networks.js";

export const counting = {
  title: "Count the parameters",

  facts(context) {
    const groups = groupsOf(context);
    return groups.length ? groups : null;
  },

  question: () => [
    "How many numbers does training change in these networks? Count the weights and the biases of" +
      " each layer by hand; the page shows the layers and their shapes.",
  ],

  fields: (groups) =>
    groups.map(({ names }, i) => ({
      name: `count${i}`,
      label: `Parameters of ${names.join(", ")}`,
      type: "number",
    })),

  async check(answer, groups) {
    const wrong = groups.filter(
      ({ network }, i) => Number(answer[`count${i}`]) !== network.theta.length,
    );
    if (wrong.length === 0) return { right: true, text: "These are the lengths of theta." };
    const names = wrong.map((group) => group.names[0]).join(" and ");
    return { right: false, text: `Count again: ${names}. Each output channel has one bias.` };
  },

  async solve(groups) {
    return groups.map(({ names, network }) => {
      const parts = network.layers.flatMap((layer, i) => partsOf(network, layer, i));
      return `${names.join(", ")}: ${parts.join(" + ")} = ${network.theta.length}.`;
    });
  },
};

/** Return { names, network } for each of the study's architectures, two at most. */
function groupsOf(context) {
  const groups = new Map();
  for (const [name, { architecture }] of Object.entries(context.study.models)) {
    const [found] = networksOf(context, name);
    const group = groups.get(JSON.stringify(architecture));
    if (group) group.names.push(name);
    else if (found) groups.set(JSON.stringify(architecture), { names: [name], ...found });
  }
  return [...groups.values()].slice(0, 2);
}

function partsOf(network, layer, i) {
  const learned = Object.entries(network.params[i]).filter(([key]) => !(key in network.buffers[i]));
  if (learned.length === 0) return [];
  const numbers = learned.map(([key, { length }]) => `${length} in ${key}`);
  return [`${layer.constructor.name} (${numbers.join(", ")})`];
}
