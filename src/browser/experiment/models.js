// The models: params.yaml's names turned into an architecture, an optimizer and a schedule. As
// experiment/models.py, which has checked the settings.

import { ARCHITECTURES } from "../nn/architectures.js";
import { LAYERS } from "../nn/layers.js";
import { OPTIMIZERS } from "../nn/optimizers.js";
import { SCHEDULES } from "../nn/schedules.js";

/** Return the architecture, the optimizer and the schedule of a model as JSON. */
export function resolveModel({ architecture, optimizer, schedule }) {
  const stack = architecture.stack?.map((layer) => named(layer, LAYERS));
  return {
    architecture: named(stack ? { ...architecture, stack } : architecture, ARCHITECTURES),
    optimizer: named(optimizer, OPTIMIZERS),
    schedule: named(schedule, SCHEDULES),
  };
}

/** Return the registered class that settings.name names, made from the other settings. */
export function named({ name, ...settings }, registry) {
  if (!Object.hasOwn(registry, name)) {
    throw new Error(`name: unknown ${name}; known: ${Object.keys(registry).join(", ")}`);
  }
  return new registry[name](camelCased(settings));
}

/** Return settings under JavaScript's names: kernel_size becomes kernelSize. */
export function camelCased(settings) {
  const camel = (key) => key.replace(/_(\w)/g, (_, letter) => letter.toUpperCase());
  return Object.fromEntries(Object.entries(settings).map(([key, value]) => [camel(key), value]));
}
