// The network, layer by layer, for one sample: weights, outputs, and the gradients that flow back.

import { sampleOf } from "../nn/batches.js";
import { element } from "./elements.js";
import { layerCard } from "./layer_card.js";
import { legend } from "./legend.js";
import { paced } from "./pace.js";
import { described, windowsOf } from "./shapes.js";
import { softmaxCard } from "./softmax_card.js";
import { BROWSER_CLOCK } from "./trainer.js";
import { passOf, samplesAt, viewer, weightsOf } from "./viewer.js";

const WHAT = [
  ["", "Outputs and weights"],
  ["sample", "Backward: gradients of this sample's loss"],
  ["batch", "Backward: of the mean loss of all samples of this set"],
];

/** Fill an element with the network of the run that the context's store shows. */
export function mount(place, { study, state }) {
  const networkShown = viewer();
  const list = element("ol", { class: "layers" });
  place.append(backwardSwitch(state), legend(), list);
  let cards = null;
  const draw = () => {
    const shown = state.get();
    const network = networkShown(shown);
    if (cards?.of !== shown.run.network) {
      cards = { of: shown.run.network, ...cardsOf(network, study, state) };
      list.replaceChildren(...cards.all.map(({ card }) => card));
    }
    showIn(cards, network, shown);
  };
  state.subscribe(paced(draw, BROWSER_CLOCK));
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
  draw();
}

function backwardSwitch(state) {
  const chosen = ({ target }) => state.set({ backward: target.value || null });
  const options = WHAT.map(([value, text]) => {
    const checked = value === (state.get().backward ?? "");
    const attributes = { type: "radio", name: "backward", value, checked, onchange: chosen };
    const radio = element("input", attributes);
    return element("label", {}, radio, text);
  });
  return element("fieldset", { class: "row" }, element("legend", {}, "Show"), ...options);
}

function cardsOf(network, study, state) {
  const point = (layer) => (pixel) => state.set({ layer, pixel });
  const input = layerCard({
    heading: { title: "Input", text: "" },
    shape: network.shapes[0],
    weights: [],
    onOpen: null,
    onPlace: () => {},
  });
  const layers = network.layers.map((layer, i) =>
    layerCard({
      heading: {
        title: `${i + 1} ${layer.constructor.name}`,
        text: described(layer, network.shapes[i]),
      },
      shape: network.shapes[i + 1],
      weights: weightsOf(network, i).map((weights) => ({
        ...weights,
        layer,
        inShape: network.shapes[i],
      })),
      onOpen: () => state.set({ layer: i, pixel: network.shapes[i + 1].map(() => 0) }),
      onPlace: point(i),
    }),
  );
  const last = network.layers.length;
  const softmax = softmaxCard(study, last + 1, () => state.set({ layer: last, pixel: [0] }));
  return { input, layers, softmax, all: [input, ...layers, softmax] };
}

function showIn({ input, layers, softmax }, network, shown) {
  const { run, sample, backward, playing, layer: open, pixel } = shown;
  const samples = run.samples[sample.set];
  const own = passOf(network, samplesAt(samples, [sample.place]));
  const pass = backward === "batch" ? passOf(network, samples) : own;
  const derivative = backward !== null;
  const windowsIn = (i) =>
    open === i && open < network.layers.length && pixel?.length === 3
      ? windowsOf(network.layers[i], network.shapes[i], pixel)
      : [];
  input.show({
    weights: [],
    numbers: sampleOf(own.x, 0),
    derivative: false,
    ofBatch: false,
    gray: true,
    symbol: "x",
    place: null,
    windows: windowsIn(0),
    isOpen: false,
    playing,
  });
  layers.forEach((card, i) => {
    const theta = derivative ? pass.dtheta : network.theta;
    const batch = derivative ? pass.dys[i] : pass.outputs[i];
    card.show({
      derivative,
      ofBatch: backward === "batch",
      weights: weightsOf(network, i, theta).map(({ numbers }) => numbers),
      numbers: batch === undefined ? null : summed(batch),
      gray: false,
      symbol: "y",
      place: open === i ? pixel : null,
      windows: windowsIn(i + 1),
      isOpen: open === i,
      playing,
    });
  });
  const target = samples.targets[sample.place];
  softmax.show({ pass: own, target, derivative, isOpen: open === network.layers.length });
}

/** Return the sum of a batch's samples. */
function summed({ n, data }) {
  const sums = new Float64Array(data.length / n);
  for (let i = 0; i < data.length; i++) sums[Math.floor(i / n)] += data[i];
  return sums;
}
