// What the colours of the maps mean.

import { diverging, prefersDark } from "./colours.js";
import { element } from "./elements.js";

const STEPS = 41;
const HINT =
  "The number after ± is a picture's full colour. Point at a picture, or go through it by the " +
  "arrow keys: it tells the number there, and frames what it is made of. A layer's name opens its " +
  "equation.";

/** Return the key of the diverging colours. */
export function legend() {
  const canvas = element("canvas", { width: 4 * STEPS, height: 12, "aria-hidden": "true" });
  const paint = () => {
    const context = canvas.getContext("2d");
    for (let i = 0; i < STEPS; i++) {
      context.fillStyle = diverging((2 * i) / (STEPS - 1) - 1, prefersDark());
      context.fillRect(4 * i, 0, 4, 12);
    }
  };
  window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", paint);
  paint();
  return element(
    "p",
    { class: "legend" },
    element("span", {}, "below 0, with a dash"),
    canvas,
    element("span", {}, "above 0"),
    element("span", { class: "note" }, HINT),
  );
}
