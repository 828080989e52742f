// Maps of numbers as squares of colour, on one canvas: pointed at, or gone through by arrow keys.

import { diverging, gray, prefersDark } from "./colours.js";
import { element } from "./elements.js";
import { cornerOf, movedBy, pixelAt } from "./geometry.js";
import { shortened } from "./numbers.js";

const MARK = [[4, "#000000"], [2, "#ffffff"]]; // widths and colours, seen on any ground

/**
 * Return { canvas, show } for a grid (geometry.js).
 *
 * onPixel([m, i, j]) is called when one is pointed at. show({ values, label, largest, marked }):
 * values in row-major order; largest: the size that has the full colour, null: they are in 0..1,
 * and gray; marked: rectangles { at: [m, i, j], height, width } to be framed.
 */
export function mapGrid(grid, onPixel) {
  let at = [0, 0, 0];
  const canvas = element("canvas", { tabindex: 0, role: "application" });
  canvas.style.width = `${grid.width}px`;
  canvas.style.height = `${grid.height}px`;
  const point = (pixel) => {
    if (pixel === null) return;
    at = pixel;
    onPixel(pixel);
  };
  const pointed = ({ offsetX, offsetY }) => point(pixelAt(grid, offsetX, offsetY));
  canvas.addEventListener("pointermove", pointed);
  canvas.addEventListener("pointerdown", pointed);
  canvas.addEventListener("focus", () => {
    if (canvas.matches(":focus-visible")) point(at);
  });
  canvas.addEventListener("keydown", (event) => {
    const to = movedBy(grid, at, event.key);
    if (to === null) return;
    event.preventDefault();
    point(to);
  });
  return { canvas, show: (what) => paint(canvas, grid, what) };
}

function paint(canvas, grid, { values, label, largest, marked = [] }) {
  canvas.setAttribute("aria-label", `${label}. ${summary(values)}. Arrow keys read the numbers.`);
  const ratio = window.devicePixelRatio || 1;
  canvas.width = Math.ceil(grid.width * ratio);
  canvas.height = Math.ceil(grid.height * ratio);
  const context = canvas.getContext("2d");
  context.scale(ratio, ratio);
  const dark = prefersDark();
  const colourOf = (x) => (largest === null ? gray(x) : diverging(x / (largest || 1), dark));
  const { count, rows, columns, cell } = grid;
  for (let place = 0; place < Math.min(values.length, count * rows * columns); place++) {
    const [m, rest] = [Math.floor(place / (rows * columns)), place % (rows * columns)];
    const [x, y] = cornerOf(grid, [m, Math.floor(rest / columns), rest % columns]);
    context.fillStyle = colourOf(values[place]);
    context.fillRect(x, y, cell, cell);
    if (largest !== null && values[place] < 0 && cell >= 10) dash(context, x, y, cell, dark);
  }
  context.strokeStyle = dark ? "#8a919c" : "#7d8590";
  for (let m = 0; m < count; m++) {
    frame(context, grid, { at: [m, 0, 0], height: rows, width: columns });
  }
  for (const [width, colour] of MARK) {
    context.lineWidth = width;
    context.strokeStyle = colour;
    for (const rectangle of marked) frame(context, grid, rectangle);
  }
}

/** Mark what is negative: colour alone must not say it. */
function dash(context, x, y, cell, dark) {
  context.fillStyle = dark ? "#ffffff" : "#000000";
  context.fillRect(x + 0.3 * cell, y + cell / 2 - 0.5, 0.4 * cell, 1);
}

function frame(context, grid, { at, height, width }) {
  const [x, y] = cornerOf(grid, at);
  const inset = context.lineWidth / 2;
  const { cell } = grid;
  context.strokeRect(x + inset, y + inset, width * cell - 2 * inset, height * cell - 2 * inset);
}

function summary(values) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  return `${values.length} numbers, ${shortened(low)} to ${shortened(high)}`;
}
