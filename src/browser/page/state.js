// What the page shows: one store that all parts read, write and listen to.
//
// Its keys:
//   model, seed  which run it is
//   run          what is known of it (trainer.js): { study, network, samples, indices, history,
//                snapshots, done, digest, checkpointEpoch, diverged }; a new object at each change.
//                study: with the settings it is trained by; network: is still being trained, so
//                that one looks at another (viewer.js)
//   epoch        the epoch that is shown: run.snapshots[epoch] has its parameters
//   sample       which sample is shown: { set, place }, of run.samples[set]
//   playing      whether training goes on
//   layer        which layer is explained: its place in network.layers; null: none. As many as
//                there are layers: the softmax and the loss after them
//   pixel        which of its outputs is pointed at: [c, i, j] of an image, [d] of a vector, or null
//   backward     what the network's parts show: null, their outputs; "sample" or "batch": gradients

/** Return a store: get() its values, set(patch) some, and subscribe(fn) to be told of changes. */
export function store(initial) {
  let values = { ...initial };
  const listeners = new Set();
  return {
    get: () => values,

    /** Change some values, and call each listener with all values and the keys that changed. */
    set(patch) {
      const changed = Object.keys(patch).filter((key) => !Object.is(values[key], patch[key]));
      if (changed.length === 0) return;
      values = { ...values, ...patch };
      for (const listener of [...listeners]) listener(values, changed);
    },

    /** Return what ends the subscription. */
    subscribe(listener) {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
  };
}
