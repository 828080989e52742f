// Training while the page stays alive: some epochs at a time, and a snapshot of each.

import { parametersDigest } from "../digest.js";
import { networkOf, startRun } from "../experiment/run.js";
import { batchOf } from "../nn/batches.js";

const PLAYING = 8; // milliseconds of training in each frame that is drawn
const FULL_SPEED = 200; // milliseconds of training between two looks at the page

/** What tells the time and waits, in a browser; tests have their own. */
export const BROWSER_CLOCK = {
  now: () => performance.now(),
  nextFrame: (callback) => requestAnimationFrame(callback),
  afterwards: (callback) => setTimeout(callback),
};

/**
 * Trains the run that a store names, and keeps the store's `run`, `epoch` and `playing`.
 *
 * A study that a browser cannot train to the same bits has runs of one snapshot: the recorded one.
 */
export class Trainer {
  constructor(study, state, clock = BROWSER_CLOCK) {
    Object.assign(this, { study, state, clock, epochs: null, turn: 0 });
  }

  /** Take up a run, untrained; settings: of the model, if not the study's. */
  choose(model, seed, settings = this.study.models[model]) {
    this.turn++; // what still waits for its turn belongs to the run before
    if (this.study.untrainable) {
      const run = recorded(this.study, model, seed);
      this.state.set({ model, seed, run, epoch: run.checkpointEpoch, playing: false });
      return;
    }
    const study = { ...this.study, models: { ...this.study.models, [model]: settings } };
    const { network, samples, indices, epochs } = startRun(study, model, seed);
    const begun = { history: [], snapshots: [], done: false, digest: null };
    const run = { study, network, samples, indices, ...begun };
    Object.assign(this, { epochs, last: settings.train.epochs });
    this.trainEpoch(run);
    this.state.set({ model, seed, run, epoch: 0, playing: false });
  }

  /** Train one epoch. */
  step() {
    this.pause();
    this.train(() => false);
  }

  /** Train on, and show it. */
  play() {
    this.goOn(PLAYING, this.clock.nextFrame);
  }

  /** Train to the end, as fast as it goes. */
  finish() {
    this.goOn(FULL_SPEED, this.clock.afterwards);
  }

  /** Stop after the epoch that is being trained. */
  pause() {
    this.turn++;
    this.state.set({ playing: false });
  }

  goOn(milliseconds, wait) {
    if (this.state.get().run.done) return;
    const turn = ++this.turn;
    this.state.set({ playing: true });
    const slice = () => {
      if (turn !== this.turn) return;
      const end = this.clock.now() + milliseconds;
      this.train(() => this.clock.now() < end);
      if (this.state.get().run.done) this.pause();
      else wait(slice);
    };
    wait(slice);
  }

  /** Train one epoch, and further ones while goesOn(). The epoch shown follows if it was the last. */
  train(goesOn) {
    const { run: before, epoch } = this.state.get();
    if (before.done) return;
    const run = { ...before };
    const follows = epoch === run.snapshots.length - 1;
    do this.trainEpoch(run);
    while (!run.done && goesOn());
    const newest = run.checkpointEpoch ?? run.snapshots.length - 1;
    this.state.set({ run, epoch: follows ? newest : epoch });
  }

  trainEpoch(run) {
    let step = this.epochs.next();
    if (!step.done) {
      run.history.push(step.value);
      run.snapshots.push(run.network.state());
      if (step.value.epoch < this.last) return;
      step = this.epochs.next(); // ends, and trains nothing more
    }
    const { diverged, checkpointEpoch } = step.value;
    const digest = parametersDigest(run.network.state());
    Object.assign(run, { done: true, digest, diverged, checkpointEpoch });
  }
}

/** Return a run that is not trained here: its history, and one snapshot. */
function recorded(study, model, seed) {
  const network = networkOf(study, model, study.parameters[model][seed]);
  const { shape, X, y, X_test, y_test } = study.dataset;
  const samples = X_test
    ? { test: { x: batchOf(shape, X_test), targets: y_test } }
    : { data: { x: batchOf(shape, X), targets: y } };
  const { history, checkpoint_epoch: checkpointEpoch } = study.records[model][seed];
  const snapshots = [];
  snapshots[checkpointEpoch] = network.state();
  const digest = parametersDigest(snapshots[checkpointEpoch]);
  const known = { history, snapshots, done: true, digest, checkpointEpoch };
  return { study, network, samples, indices: {}, ...known };
}
