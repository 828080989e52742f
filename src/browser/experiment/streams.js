// The random streams: one for each purpose, drawn from the run's seed or from one of its own. As
// experiment/streams.py.

import { RandomState } from "../arithmetic/random.js";

/** What a stream is for; index: of INIT, the layer, among those with weights. */
export const PURPOSE = { SPLIT: 0, INIT: 1, SHUFFLE: 2, DROPOUT: 3, AUGMENT: 4 };

/** Return the stream of a seed for a purpose. */
export function stream(seed, purpose, index = 0) {
  return new RandomState(seed, [purpose, index]);
}
