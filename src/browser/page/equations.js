// Equations: of the layer that is chosen, and with the numbers put in for one place of its output.

import { announcer } from "./announcer.js";
import { framePixel, paintPixels, placeOnCanvas, steppedBy } from "./canvas.js";
import { element, fillSelect, labelledSelect } from "./elements.js";
import { equationOf } from "./equations/registry.js";
import { numbersOfLoss, softmaxAndLoss } from "./equations/softmax.js";
import { networkAt } from "./networks.js";
import { soon } from "./soon.js";

const MOST = 40; // terms of a sum that are shown
const SIDE = 240; // pixels of the canvas of an output

/**
 * Return what a layer's output at a place is made of, in evaluation: { terms, y, expression }.
 *
 * x: a batch of one sample. place: [c, i, j] of an image, [d] of a vector. terms: { symbol,
 * factors, value }. expression(show, most): the equation with the numbers put in, each written by
 * show(number), of a sum at most so many terms; computed, it gives y, which is the layer's output.
 */
export function numbersAt(layer, params, x, place) {
  return equationOf(layer).numbers(layer, params, x, place);
}

/** Show the part in an element; context: { state, library }. */
export function mount(root, context) {
  const part = { context, shown: null, ...fields(context.state) };
  part.say = announcer(part.status);
  listen(part);
  root.replaceChildren(
    element(
      "div",
      { class: "equation" },
      element("p", { class: "equation-choices" }, part.layer.label, " ", part.channel.label),
      part.formula,
      part.legend,
      part.help,
      part.canvas,
      part.numbers,
      part.status,
    ),
  );
  const draw = soon(() => show(part));
  context.state.subscribe(draw);
  draw();
}

function fields(state) {
  const layer = labelledSelect("Layer ", [], (value) =>
    state.set({ layer: Number(value), pixel: null }),
  );
  const help =
    "Choose a place of the output by a click, or with the arrow keys once the picture has the" +
    " focus.";
  return {
    layer,
    channel: labelledSelect("Channel ", [], () => {}),
    formula: element("div", { class: "equation-formula" }),
    legend: element("p", { class: "equation-legend" }),
    help: element("p", { class: "equation-legend" }, help),
    canvas: element("canvas", {
      class: "equation-output",
      tabindex: 0,
      role: "application",
      "aria-label": "Output",
    }),
    numbers: element("div", { class: "equation-numbers" }),
    status: element("p", { class: "equation-status", role: "status" }),
  };
}

function listen(part) {
  const { canvas, channel, context } = part;
  const chosen = (change) => {
    if (!part.shown) return;
    // The picture may lag behind the keys: what counts is the store.
    const place = placeIn(part.shown.output.shape, context.state.get().pixel);
    const pixel = change(place, gridOf(part.shown.output.shape, place));
    if (pixel) context.state.set({ pixel });
  };
  canvas.addEventListener("keydown", (event) => {
    chosen((place, { height, width, row, column }) => {
      const next = steppedBy([row, column], event.key, height, width);
      if (next) event.preventDefault();
      return next && inChannel(place, next);
    });
  });
  canvas.addEventListener("pointerdown", (event) => {
    const [x, y] = placeOnCanvas(event, canvas);
    chosen((place, { height, width }) => {
      const at = [[y, height], [x, width]].map(([share, length]) =>
        Math.min(Math.max(Math.floor(share * length), 0), length - 1),
      );
      return inChannel(place, at);
    });
  });
  channel.select.addEventListener("change", () => {
    chosen(([, row, column]) => [Number(channel.select.value), row, column]);
  });
}

/** Return a place in an output of a shape: the one asked for, or if there is none, the first. */
function placeIn(shape, pixel) {
  const inside = pixel?.length === shape.length && pixel.every((at, d) => at < shape[d]);
  return inside ? pixel : shape.map(() => 0);
}

/** Return the place at a row and column of the same channel; a vector is one row. */
function inChannel(place, [row, column]) {
  return place.length === 1 ? [column] : [place[0], row, column];
}

/** Return a channel of an output as a grid, and the place in it. */
function gridOf(shape, place) {
  if (shape.length === 1) return { height: 1, width: shape[0], row: 0, column: place[0] };
  return { height: shape[1], width: shape[2], row: place[1], column: place[2] };
}

function show(part) {
  const values = part.context.state.get();
  const network = networkAt(values.run, values.epoch);
  const samples = network && values.run.samples[values.sample?.set];
  part.numbers.hidden = part.canvas.hidden = !samples;
  if (!samples) return;
  const { batchOf, sampleOf } = part.context.library;
  const x = batchOf(samples.x.shape, [sampleOf(samples.x, values.sample.place)]);
  const target = samples.targets[values.sample.place];
  const i = Math.min(values.layer ?? 0, network.layers.length);
  part.shown = shownOf(network, x, i, values.pixel);
  showChoices(part, network);
  if (i === network.layers.length) showLoss(part, target);
  else showLayer(part, network);
  paintOutput(part);
}

/** Return { i, input, output, place }: of layer i, or of the logits after the last. */
function shownOf(network, x, i, pixel) {
  const { outputs } = network.forward(x);
  const output = outputs[Math.min(i, outputs.length - 1)];
  return { i, input: i === 0 ? x : outputs[i - 1], output, place: placeIn(output.shape, pixel) };
}

function showChoices({ layer, channel, shown }, { layers }) {
  const names = [...layers.map((each) => each.constructor.name), "Softmax and loss"];
  fillOnce(layer.select, names.map((name, i) => [`${i}`, `${i + 1}. ${name}`]), shown.i);
  const { shape } = shown.output;
  const channels = shape.length === 3 ? shape[0] : 0;
  const numbers = Array.from({ length: channels }, (_, c) => [`${c}`, `${c}`]);
  fillOnce(channel.select, numbers, shown.place[0]);
  channel.label.hidden = channels < 2;
}

/** Give a select options, unless it has them: not while one chooses. */
function fillOnce(select, options, value) {
  const texts = [...select.options].map(({ text }) => text).join();
  if (texts !== options.map(([, text]) => text).join()) fillSelect(select, options);
  select.value = `${value}`;
}

function showLayer(part, network) {
  const { i, input, place } = part.shown;
  const layer = network.layers[i];
  const { formula, legend } = equationOf(layer);
  explain(part, formula, legend(layer));
  const { terms, y, expression } = numbersAt(layer, network.params[i], input, place);
  const names = terms.slice(0, MOST).map(({ symbol }) => symbol);
  if (terms.length > MOST) names.push(`… ${terms.length - MOST} further ones`);
  part.numbers.replaceChildren(
    line(`y[${place}]`, expression(digits, MOST), y),
    element(
      "details",
      {},
      element("summary", {}, `Which numbers these are (${terms.length})`),
      element("p", {}, names.join("; ")),
    ),
  );
  part.say(`${whereText(part.shown)}: ${digits(y)}`);
}

function showLoss(part, target) {
  const { output, place } = part.shown;
  const { probability, loss } = numbersOfLoss(output.data, place[0], target);
  explain(part, softmaxAndLoss.formula, softmaxAndLoss.legend);
  part.numbers.replaceChildren(
    line(`p[${place}]`, probability.expression(digits), probability.y),
    line(`ℓ, with τ = ${target}`, loss.expression(digits), loss.y),
  );
  part.say(`Class ${place[0]}: probability ${digits(probability.y)}`);
}

function explain(part, formula, legend) {
  if (part.formula.innerHTML !== formula) part.formula.innerHTML = formula;
  part.legend.textContent = legend;
}

function line(name, expression, y) {
  return element(
    "p",
    {},
    element("b", {}, `${name} = `),
    `${expression} = `,
    element("output", { title: `${y}` }, digits(y)),
  );
}

function whereText({ place }) {
  if (place.length === 1) return `Output ${place[0]}`;
  return `Channel ${place[0]}, row ${place[1]}, column ${place[2]}`;
}

function paintOutput({ canvas, shown }) {
  const { output, place } = shown;
  const { height, width, row, column } = gridOf(output.shape, place);
  const cell = Math.max(1, Math.min(40, Math.floor(SIDE / Math.max(height, width))));
  [canvas.width, canvas.height] = [width * cell, height * cell];
  const channel = output.shape.length === 1 ? 0 : place[0];
  const numbers = output.data.subarray(channel * height * width, (channel + 1) * height * width);
  const [low, high] = [Math.min(...output.data), Math.max(...output.data)];
  paintPixels(canvas, numbers.map((value) => (value - low) / (high - low || 1)), height, width);
  framePixel(canvas, row, column, height, width);
  canvas.setAttribute("aria-label", `Output, ${height} x ${width}. ${whereText(shown)}.`);
}

/** Return a number with four digits that matter. */
function digits(number) {
  const text = Number(number.toPrecision(4)).toString();
  return text.replace("-", "−");
}
