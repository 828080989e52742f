// Charts with two axes, as SVG.

import { drawn } from "./elements.js";
import { scaleOf, ticksOf } from "./geometry.js";

export const SIZE = { width: 320, height: 190 };
const INSIDE = { left: 44, right: 304, top: 10, bottom: 160 };

/**
 * Return { svg, plot, x, y }: a chart with its axes, the group to draw into, and its scales.
 *
 * xRange, yRange: [low, high]; xName: what stands below; label: the chart in words.
 */
export function chart({ xRange, yRange, xName, label, yTicks = 4 }) {
  const x = scaleOf(xRange, [INSIDE.left, INSIDE.right]);
  const y = scaleOf(yRange, [INSIDE.bottom, INSIDE.top]);
  const plot = drawn("g");
  const below = ticksOf(...xRange).map((tick) => [
    drawn("line", { class: "axis", x1: x(tick), x2: x(tick), y1: INSIDE.bottom, y2: INSIDE.bottom + 4 }),
    text(x(tick), INSIDE.bottom + 15, "middle", shortTick(tick)),
  ]);
  const beside = ticksOf(...yRange, yTicks).map((tick) => [
    drawn("line", { class: "grid", x1: INSIDE.left, x2: INSIDE.right, y1: y(tick), y2: y(tick) }),
    text(INSIDE.left - 5, y(tick) + 4, "end", shortTick(tick)),
  ]);
  const { left: x1, right: x2, bottom: y1 } = INSIDE;
  const svg = drawn(
    "svg",
    { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, role: "img", "aria-label": label },
    ...beside.flat(),
    drawn("line", { class: "axis", x1, x2, y1, y2: y1 }),
    ...below.flat(),
    text((INSIDE.left + INSIDE.right) / 2, SIZE.height - 3, "middle", xName),
    plot,
  );
  return { svg, plot, x, y };
}

function text(x, y, anchor, content) {
  return drawn("text", { x, y, "text-anchor": anchor }, content);
}

function shortTick(tick) {
  return String(Number(tick.toPrecision(3))).replace("-", "−");
}
