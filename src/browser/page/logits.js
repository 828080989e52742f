// The logits of all samples, class by class: what an activation on them does is seen here.

import { predict } from "../nn/training.js";
import { chart } from "./chart.js";
import { button, drawn, element } from "./elements.js";
import { histogramOf } from "./geometry.js";
import { shortened } from "./numbers.js";
import { paced } from "./pace.js";
import { SETS } from "./sample.js";
import { store } from "./state.js";
import { BROWSER_CLOCK, Trainer } from "./trainer.js";
import { viewer } from "./viewer.js";

const BINS = 24;
const MOST_CLASSES = 10; // that are drawn

/** Fill an element with the logits of the run that the context's store shows, and of a free one. */
export function mount(place, { study, state }) {
  const own = histograms(study.dataset.class_names);
  const free = element("div");
  place.append(own.block, free);
  let beside = null; // the same run with free logits, once it is asked for
  const ask = button("Train the same run with free logits", () => {
    beside = freeRun(state.get(), draw);
    draw();
  });
  const draw = () => {
    const shown = state.get();
    own.show(shown, `${shown.model}, seed ${shown.seed}, epoch ${shown.epoch}`);
    if (beside?.of !== shown.run.network) beside = null;
    const asks = beside === null && canBeFree(shown);
    free.replaceChildren(...(beside ? [beside.block] : asks ? [ask] : []));
    beside?.show(shown.epoch);
  };
  const drawSoon = paced(draw, BROWSER_CLOCK);
  state.subscribe(drawSoon);
  draw();
}

function canBeFree({ model, run: { study } }) {
  return study.untrainable === null && study.models[model].architecture.activate_logits === true;
}

/** Return a run like another, but with logits that are not activated, and begin to train it. */
function freeRun({ model, seed, run: of }, onChange) {
  const settings = of.study.models[model];
  const architecture = { ...settings.architecture, activate_logits: false };
  const state = store({});
  const trainer = new Trainer(of.study, state);
  trainer.choose(model, seed, { ...settings, architecture });
  const { block, show } = histograms(of.study.dataset.class_names);
  state.subscribe(paced(onChange, BROWSER_CLOCK));
  trainer.play();
  return {
    of: of.network,
    block,
    show(epoch) {
      const { run } = state.get();
      const last = run.snapshots.length - 1;
      const now = Math.min(epoch, last);
      const progress = run.done ? "" : ` (trained to ${last})`;
      show({ model, run, epoch: now }, `The same run with free logits, epoch ${now}${progress}`);
    },
  };
}

/** Return { block, show }: a heading, and a histogram for each of the first classes. */
function histograms(classNames) {
  const networkShown = viewer();
  const heading = element("h3");
  const panels = element("div", { class: "panels" });
  const block = element("div", {}, heading, panels);
  return {
    block,
    show(shown, title) {
      const [set] = Object.keys(shown.run.samples); // train, if there is one
      const samples = shown.run.samples[set];
      heading.textContent = `${title}: ${samples.targets.length} ${SETS[set]} samples`;
      const logits = predict(networkShown(shown), samples.x);
      const range = rangeOf(logits.data);
      const names = classNames.slice(0, MOST_CLASSES);
      panels.replaceChildren(...names.map((name, k) => panel({ name, k, logits, samples, range })));
    },
  };
}

function rangeOf(numbers) {
  const low = numbers.reduce((least, x) => Math.min(least, x), 0);
  const high = numbers.reduce((most, x) => Math.max(most, x), 0);
  return low === high ? [low, low + 1] : [low, high];
}

/** Return a class's logit over all samples: those of the class above, the others on top of them. */
function panel({ name, k, logits: { n, data }, samples, range }) {
  const values = Array.from(data.subarray(k * n, (k + 1) * n));
  const isOwn = (_, s) => samples.targets[s] === k;
  const own = histogramOf(values.filter(isOwn), ...range, BINS);
  const all = histogramOf(values, ...range, BINS);
  const [least, most] = [Math.min(...values), Math.max(...values)];
  const isDead = least === 0 && most === 0;
  const told = isDead ? "dead: 0 for every sample" : `${shortened(least)} to ${shortened(most)}`;
  const { svg, plot, x, y } = chart({
    xRange: range,
    yRange: [0, Math.max(...all)],
    xName: "logit",
    label: `Logit of class ${name} over ${n} samples: ${told}`,
    yTicks: 3,
  });
  const width = (x(range[1]) - x(range[0])) / BINS;
  all.forEach((count, bin) => {
    const left = x(range[0]) + bin * width + 0.5;
    const bar = (from, to, kind) => {
      if (to === from) return [];
      const [top, bottom] = [y(to), y(from)];
      return [drawn("rect", { class: kind, x: left, y: top, width: width - 1, height: bottom - top })];
    };
    plot.append(...bar(0, own[bin], "own"), ...bar(own[bin], count, "others"));
  });
  const caption = element("figcaption", {}, element("strong", {}, `Class ${name}`), ` ${told}`);
  return element("figure", { class: isDead ? "chart dead" : "chart" }, caption, svg);
}
