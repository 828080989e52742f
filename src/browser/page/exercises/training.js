// Training that an exercise looks into, while the page stays alive.

/**
 * Train a run to its end and return { history, diverged, network }.
 *
 * look(network, samples) is called at each epoch; rest() is awaited between two.
 */
export async function trainedRun({ study, library }, model, seed, rest, look = () => {}) {
  const { network, samples, epochs } = library.startRun(study, model, seed);
  let step = epochs.next();
  while (!step.done) {
    look(network, samples);
    await rest();
    step = epochs.next();
  }
  return { ...step.value, network };
}

/** Return a function to await often: it lets the page do other things after each 20 ms. */
export function resting() {
  let since = performance.now();
  return async () => {
    if (performance.now() - since < 20) return;
    await new Promise((resume) => setTimeout(resume));
    since = performance.now();
  };
}

/** Return the study with another model in place of one. */
export function withModel(study, name, model) {
  return { ...study, models: { ...study.models, [name]: model } };
}
