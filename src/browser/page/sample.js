// Which sample is shown.

import { classesOf } from "../nn/losses.js";
import { predict } from "../nn/training.js";
import { button, element, fillSelect, labelledSelect } from "./elements.js";
import { viewer } from "./viewer.js";

/** What the sets of samples are called. */
export const SETS = { train: "training", val: "validation", test: "test", data: "chosen" };

/** Fill an element with the choice of the sample that the context's store shows. */
export function mount(place, { study, state }) {
  const names = study.dataset.class_names;
  const networkShown = viewer();
  const samplesShown = () => state.get().run.samples[state.get().sample.set];
  const set = labelledSelect("Samples", [], (name) => move(name, -1, 1, ofClass));
  const classes = [["", "all"], ...names.map((name, k) => [k, name])];
  const ofClass = (i) =>
    kind.select.value === "" || samplesShown().targets[i] === Number(kind.select.value);
  const kind = labelledSelect("Class", classes, () => move(state.get().sample.set, -1, 1, ofClass));
  const told = element("output", { class: "told" });

  /** Go on in steps from a place to the next sample that is wanted, round once. */
  function move(name, from, step, wanted) {
    state.set({ sample: { set: name, place: Math.max(from, 0) } });
    const count = samplesShown().targets.length;
    for (let i = 1; i <= count; i++) {
      const to = (from + step * i + 2 * count) % count;
      if (!wanted(to)) continue;
      state.set({ sample: { set: name, place: to } });
      return;
    }
    told.textContent = "none";
  }

  const go = (step, wanted) => () => {
    const { sample } = state.get();
    move(sample.set, sample.place, step, wanted());
  };
  const wrong = () => {
    const { x, targets } = samplesShown();
    const predicted = classesOf(predict(networkShown(state.get()), x));
    return (i) => ofClass(i) && predicted[i] !== targets[i];
  };
  place.append(
    element(
      "div",
      { class: "row" },
      set.label,
      kind.label,
      button("Previous", go(-1, () => ofClass)),
      button("Next", go(1, () => ofClass)),
      button("Next misclassified", go(1, wrong)),
      told,
    ),
  );
  let run = null;
  const show = () => {
    const { run: now, sample } = state.get();
    if (run !== now.network) {
      run = now.network;
      const sets = Object.entries(now.samples);
      const texts = sets.map(([name, { targets }]) => [name, `${SETS[name]} (${targets.length})`]);
      fillSelect(set.select, texts);
    }
    set.select.value = sample.set;
    const { targets } = samplesShown();
    const place = `${sample.place + 1} of ${targets.length}`;
    told.textContent = `${place}, true class ${names[targets[sample.place]]}`;
  };
  state.subscribe(show);
  show();
}
