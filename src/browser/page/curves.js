// Loss and accuracy of every epoch so far.

import { chart } from "./chart.js";
import { drawn, element } from "./elements.js";
import { percent, shortened } from "./numbers.js";
import { paced } from "./pace.js";
import { BROWSER_CLOCK } from "./trainer.js";

const KINDS = [
  { key: "loss", title: "Loss, nats", text: shortened },
  { key: "accuracy", title: "Accuracy", text: percent },
];
const PARTS = [
  { key: "train", name: "training" },
  { key: "val", name: "validation" },
];

/** Fill an element with the curves of the run that the context's store shows. */
export function mount(place, { state }) {
  const draw = () => {
    const shown = state.get();
    place.replaceChildren(...KINDS.map((kind) => curve(kind, shown)));
  };
  state.subscribe(paced(draw, BROWSER_CLOCK));
  draw();
}

function curve(kind, { model, run, epoch }) {
  const { history, study } = run;
  const lines = PARTS.map(({ key, name }) => ({
    key,
    name,
    values: history.map((scored) => scored[key][kind.key]),
  }));
  const now = lines.map(({ name, values }) => `${name} ${kind.text(values[epoch])}`).join(", ");
  const yRange = kind.key === "accuracy" ? [0, 1] : rangeOf(lines.flatMap(({ values }) => values));
  const { svg, plot, x, y } = chart({
    xRange: [0, study.models[model].train.epochs],
    yRange,
    xName: "epoch",
    label: `${kind.title} over ${history.length - 1} epochs. At epoch ${epoch}: ${now}.`,
  });
  for (const { key, values } of lines) {
    const points = values.map((value, i) => `${x(i).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
    plot.append(drawn("polyline", { class: `line ${key}`, points }));
    plot.append(drawn("circle", { class: `line ${key}`, r: 3, cx: x(epoch), cy: y(values[epoch]) }));
  }
  const [y1, y2] = yRange.map(y);
  plot.prepend(drawn("line", { class: "mark", x1: x(epoch), x2: x(epoch), y1, y2 }));
  return element("figure", { class: "chart" }, captionOf(kind, lines, epoch), svg);
}

/** Return from 0 to the largest; from the smallest, if all are near the largest. */
function rangeOf(losses) {
  const most = losses.reduce((a, b) => Math.max(a, b));
  const least = losses.reduce((a, b) => Math.min(a, b));
  return [least > most / 2 ? least - 0.1 * (most - least) - 0.01 * most : 0, most];
}

function captionOf(kind, lines, epoch) {
  const keys = lines.map(({ key, name, values }) =>
    element(
      "span",
      { class: "key" },
      drawn(
        "svg",
        { viewBox: "0 0 24 8", class: "sample", "aria-hidden": "true" },
        drawn("line", { class: `line ${key}`, x1: 0, x2: 24, y1: 4, y2: 4 }),
      ),
      `${name} ${kind.text(values[epoch])}`,
    ),
  );
  return element("figcaption", {}, element("strong", {}, kind.title), ...keys);
}
