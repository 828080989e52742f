// One layer of the network view: its weights, what it gives, and the gradients of both.

import { button, element, toEquation } from "./elements.js";
import { gridOf } from "./geometry.js";
import { mapGrid } from "./map_grid.js";
import { shortened } from "./numbers.js";
import {
  kernelsOf,
  mapsOf,
  numberAt,
  pixelOf,
  placeOf,
  shapeText,
  weightName,
} from "./shapes.js";

const WIDTH = 280; // CSS pixels of a card's pictures

/**
 * Return { card, show } of a part of the network.
 *
 * heading: { title, text }. onOpen: called when its heading is pressed; null: it is no button.
 * onPlace(place): called when an output is pointed at.
 */
export function layerCard({ heading, shape, weights, onOpen, onPlace }) {
  const readout = element("output", { class: "readout" });
  const told = { read: () => "" };
  const tell = (read) => {
    told.read = read;
    readout.textContent = read();
  };
  const of = weights.map(({ layer, inShape, name, numbers }) =>
    weightMaps({ layer, inShape, name, numbers, tell }),
  );
  const outputs = outputMaps({ shape, tell, onPlace });
  const { title } = heading;
  const head = onOpen === null ? element("span", { class: "head" }, title) : button(title, onOpen);
  const text = [heading.text, shapeText(shape)].filter(Boolean).join(" → ");
  const card = element(
    "li",
    { class: "card" },
    element("h3", {}, head),
    element("p", { class: "note" }, text),
    ...of.map(({ figure }) => figure),
    outputs.figure,
    readout,
    toEquation(),
  );
  return {
    card,
    show(what) {
      of.forEach((maps, i) => maps.show(what.weights[i], what.derivative));
      outputs.show(what, title);
      readout.setAttribute("aria-live", what.playing ? "off" : "polite");
      readout.textContent = told.read();
      if (onOpen !== null) head.setAttribute("aria-pressed", String(what.isOpen));
      card.classList.toggle("open", what.isOpen);
    },
  };
}

function weightMaps({ layer, inShape, name, numbers, tell }) {
  const maps = kernelsOf(layer, inShape, name, numbers);
  const grid = gridOf({ ...maps, width: WIDTH, largestCell: 16 });
  let now = maps.values;
  let called = name;
  const { canvas, show } = mapGrid(grid, ([m, i, j]) => {
    const place = (m * maps.rows + i) * maps.columns + j;
    if (place >= now.length) return;
    const prefix = () => (called === name ? "" : "d");
    tell(() => `${prefix()}${weightName(layer, name, maps, [m, i, j])} = ${shortened(now[place])}`);
  });
  const caption = element("figcaption");
  const figure = element("figure", {}, caption, canvas);
  return {
    figure,
    show(numbersNow, derivative) {
      now = kernelsOf(layer, inShape, name, numbersNow).values;
      called = derivative ? `d${name}` : name;
      const largest = largestOf(now);
      caption.textContent = captionOf(called, largest, maps.omitted);
      show({ values: now, largest, label: called });
    },
  };
}

function outputMaps({ shape, tell, onPlace }) {
  const maps = mapsOf(shape, new Float64Array(shape.reduce((a, b) => a * b)));
  const grid = gridOf({ ...maps, width: WIDTH });
  let now = null;
  let called = "y";
  const { canvas, show } = mapGrid(grid, (pixel) => {
    const place = placeOf(shape, maps, pixel);
    if (now === null || place[0] >= shape[0]) return;
    tell(() => `${called}[${place}] = ${shortened(numberAt(shape, now, place))}`);
    onPlace(place);
  });
  const caption = element("figcaption");
  const figure = element("figure", {}, caption, canvas);
  return {
    figure,
    show({ numbers, derivative, ofBatch, gray, symbol, place, windows }, title) {
      figure.hidden = numbers === null;
      now = numbers;
      if (now === null) return;
      called = derivative ? `d${symbol}` : symbol;
      const { values } = mapsOf(shape, numbers);
      const largest = gray && !derivative ? null : largestOf(values);
      const told = ofBatch ? `${called}, summed over the samples` : called;
      caption.textContent = captionOf(told, largest, maps.omitted);
      const own = place === null ? [] : [{ at: pixelOf(shape, maps, place), height: 1, width: 1 }];
      const marked = [...own, ...windows].filter(({ at: [m, i] }) => m < grid.count && i < grid.rows);
      show({ values, largest, label: `${title}, ${called}`, marked });
    },
  };
}

function largestOf(values) {
  return values.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
}

function captionOf(name, largest, omitted) {
  const scale = largest === null ? "0 black to 1 white" : `±${shortened(largest)}`;
  return [`${name}: ${scale}`, omitted].filter(Boolean).join("; ");
}
