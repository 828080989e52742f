// The networks that a part of the page asks: the run's, at the epoch shown, or all of a model.

/** Return the network of a run at an epoch, a copy, so that training may go on; null: none yet. */
export function networkAt(run, epoch) {
  const state = run?.snapshots?.[epoch];
  return state ? copyOf(run.network, state) : null;
}

/** Return a network like another, with a state of its own. */
export function copyOf(network, state) {
  const copy = Object.assign(Object.create(Object.getPrototypeOf(network)), network);
  copy.buffers = network.buffers.map((buffers) =>
    Object.fromEntries(Object.entries(buffers).map(([name, array]) => [name, array.slice()])),
  );
  copy.join(network.params.map((params, i) => withoutKeys(params, network.buffers[i])));
  copy.restore(state);
  return copy;
}

function withoutKeys(object, others) {
  return Object.fromEntries(Object.entries(object).filter(([key]) => !(key in others)));
}

/** Return the recorded networks of a model: { seed, network } of each seed. */
export function networksOf({ study, library }, model) {
  const ofModel = study.parameters?.[model] ?? {};
  return Object.entries(ofModel).map(([seed, parameters]) => ({
    seed: Number(seed),
    network: library.networkOf(study, model, parameters),
  }));
}

/** Return the probability of each class, for each sample of a batch, averaged over networks. */
export function meanProbabilities(networks, x, { softmax, sampleOf }) {
  const ofEach = networks.map((network) => softmax(network.forward(x).outputs.at(-1)));
  return Array.from({ length: x.n }, (_, s) => {
    const all = ofEach.map((probabilities) => sampleOf(probabilities, s));
    return all[0].map((_, k) => all.reduce((sum, p) => sum + p[k], 0) / all.length);
  });
}

/** Return the place of the largest number, the first of several. */
export function largestOf(numbers) {
  return numbers.reduce((best, value, k) => (value > numbers[best] ? k : best), 0);
}
