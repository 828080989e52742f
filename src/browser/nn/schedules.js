// Learning-rate schedules: by what factor an epoch's updates are scaled. As nn/schedules.py.
//
// factor(epoch, epochs) is for epoch 0..epochs-1 of a run of `epochs`. During the first
// warmupEpochs its factor is also multiplied by (epoch + 1) / warmupEpochs. With by: "step" all is
// counted in updates, of which an epoch has as many as batches.

import { cos } from "../arithmetic/elementary.js";

/** What every schedule can do; by: after what its factor changes, "epoch" or "step". */
class Schedule {
  constructor({ warmupEpochs = 0, by = "epoch" } = {}) {
    Object.assign(this, { warmupEpochs, by });
  }

  /** Return the schedule whose epochs are single updates, of which an epoch had so many. */
  inSteps(perEpoch) {
    return new this.constructor({ ...this, warmupEpochs: this.warmupEpochs * perEpoch });
  }

  warmup(epoch) {
    return epoch < this.warmupEpochs ? (epoch + 1) / this.warmupEpochs : 1;
  }
}

/** The learning rate as it is: factor = 1, after the warm-up. */
export class Constant extends Schedule {
  factor(epoch) {
    return this.warmup(epoch);
  }
}

/** factor = gamma^floor(epoch / every), multiplied up. */
export class StepDecay extends Schedule {
  constructor({ every = 100, gamma = 0.1, ...settings } = {}) {
    super(settings);
    Object.assign(this, { every, gamma });
  }

  inSteps(perEpoch) {
    return new StepDecay({ ...super.inSteps(perEpoch), every: this.every * perEpoch });
  }

  factor(epoch) {
    let factor = this.warmup(epoch);
    for (let i = 0; i < Math.floor(epoch / this.every); i++) factor *= this.gamma;
    return factor;
  }
}

/** factor = final + (1 - final) * (1 + cos(pi * epoch / epochs)) / 2. */
export class Cosine extends Schedule {
  constructor({ final = 0, ...settings } = {}) {
    super(settings);
    Object.assign(this, { final });
  }

  factor(epoch, epochs) {
    const halfWave = (1 + cos((Math.PI * epoch) / epochs)) / 2;
    return (this.final + (1 - this.final) * halfWave) * this.warmup(epoch);
  }
}

/** The schedules by their names in params.yaml. */
export const SCHEDULES = { constant: Constant, step: StepDecay, cosine: Cosine };
