// The pad that is drawn on: with a mouse, a finger, or the keyboard.

import { framePixel, paintPixels, placeOnCanvas, steppedBy } from "./canvas.js";
import { element } from "./elements.js";
import { paperFor, pictureOf } from "./strokes.js";

const HELP =
  "Drawing pad. Arrow keys move the pen over the grid, space fills or clears a cell," +
  " Control Z takes back.";

/**
 * Return { root, undo, clear }: the canvas, and its two commands.
 *
 * shape: of a sample. bright: whether ink is light. changed(picture) is called with each change,
 * null: nothing is drawn; told(text) with what the keyboard did.
 */
export function drawingPad(shape, bright, changed, told) {
  const paper = paperFor(shape);
  const pad = { shape, paper, bright, told, marks: [], pen: null, stroke: null };
  pad.canvas = element("canvas", {
    class: "draw-pad",
    width: 2 * paper.width,
    height: 2 * paper.height,
    tabindex: 0,
    role: "application",
    "aria-label": HELP,
  });
  pad.update = () => {
    const picture = pictureOf(pad.marks, paper);
    show(pad, picture);
    changed(pad.marks.length ? picture : null);
  };
  const undo = () => {
    pad.marks.pop();
    pad.update();
  };
  const clear = () => {
    pad.marks.length = 0;
    pad.update();
  };
  listenToPointer(pad);
  listenToKeys(pad, undo);
  show(pad, pictureOf([], paper));
  return { root: pad.canvas, undo, clear };
}

function show({ canvas, paper, bright, pen, shape }, picture) {
  const [ink] = picture.channels;
  paintPixels(canvas, bright ? ink : ink.map((amount) => 1 - amount), paper.height, paper.width);
  if (pen !== null) framePixel(canvas, ...pen, shape[1], shape[2]);
}

function listenToPointer(pad) {
  const { canvas, shape } = pad;
  const add = (event) => {
    const events = event.getCoalescedEvents?.() ?? [];
    for (const each of events.length ? events : [event]) {
      const [x, y] = placeOnCanvas(each, canvas);
      pad.stroke.points.push([x * shape[2], y * shape[1]]);
    }
    pad.update();
  };
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    pad.pen = null;
    pad.stroke = { points: [], pointer: event.pointerId };
    pad.marks.push(pad.stroke);
    add(event);
  });
  canvas.addEventListener("pointermove", (event) => {
    if (pad.stroke?.pointer === event.pointerId) add(event);
  });
  for (const end of ["pointerup", "pointercancel"]) {
    canvas.addEventListener(end, () => {
      pad.stroke = null;
    });
  }
}

function listenToKeys(pad, undo) {
  const { canvas, paper, shape } = pad;
  const [, height, width] = shape;
  canvas.addEventListener("keydown", (event) => {
    const middle = [Math.floor(height / 2), Math.floor(width / 2)];
    const next = steppedBy(pad.pen ?? middle, event.key, height, width);
    if (next) pad.pen = pad.pen ? next : middle;
    else if (event.key === " ") toggle(pad, (pad.pen ??= middle));
    else if (event.key === "z" && (event.ctrlKey || event.metaKey)) undo();
    else return;
    event.preventDefault();
    if (next) show(pad, pictureOf(pad.marks, paper));
    if (pad.pen) pad.told(penText(pad));
  });
}

/** Fill the pen's cell, or clear it if more than half of it is ink. */
function toggle(pad, [row, column]) {
  pad.marks.push({ row, column, ink: inkAt(pad) > 0.5 ? 0 : 1 });
  pad.update();
}

function penText(pad) {
  const [row, column] = pad.pen;
  return `Row ${row + 1}, column ${column + 1}: ${inkAt(pad) > 0.5 ? "ink" : "empty"}.`;
}

/** Return the mean ink of the pen's cell. */
function inkAt({ marks, paper, pen: [row, column] }) {
  const [ink] = pictureOf(marks, paper).channels;
  let total = 0;
  for (let i = row * paper.scale; i < (row + 1) * paper.scale; i++) {
    for (let j = column * paper.scale; j < (column + 1) * paper.scale; j++) {
      total += ink[i * paper.width + j];
    }
  }
  return total / (paper.scale * paper.scale);
}
