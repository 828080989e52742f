// Checking a gradient that somebody wrote by finite differences, with a random cotangent.

import { shortened } from "../numbers.js";

const STEP = 1e-5;
const TOLERANCE = 1e-6; // absolute, or relative to gradients above 1

/**
 * Return what is wrong with dx in words; null: nothing.
 *
 * forward: numbers of x -> numbers of y. x, dy: such numbers. shape: of x, to name a place in it.
 * name: what the gradient is called.
 */
export function gradientProblem(forward, x, dy, given, shape, name = "dx") {
  const numbers = flattened(given);
  if (numbers.length !== x.length || given === undefined) {
    const got = given === undefined ? "nothing: is there a return?" : `${numbers.length}`;
    return `${name}: expected ${x.length} numbers (${shape.join(" x ")}), got ${got}`;
  }
  const expected = finiteDifferences(forward, x, dy);
  for (let i = 0; i < x.length; i++) {
    const close = TOLERANCE * Math.max(1, Math.abs(expected[i]));
    if (typeof numbers[i] !== "number" || !(Math.abs(numbers[i] - expected[i]) <= close)) {
      const got = typeof numbers[i] === "number" ? shortened(numbers[i]) : String(numbers[i]);
      const place = `[${placeIn(shape, i).join("][")}]`;
      return `${name}${place} is ${got}, but finite differences give ${shortened(expected[i])}`;
    }
  }
  return null;
}

/** Return the derivatives of the sum of dy * forward(x) by each number of x, by differences. */
export function finiteDifferences(forward, x, dy) {
  const total = (y) => y.reduce((sum, yi, i) => sum + dy[i] * yi, 0);
  const moved = (i, step) => total(forward(x.map((xi, j) => (j === i ? xi + step : xi))));
  return x.map((_, i) => (moved(i, STEP) - moved(i, -STEP)) / (2 * STEP));
}

/** Return all numbers of arrays in arrays, in row-major order. */
export function flattened(value) {
  const isArray = Array.isArray(value) || ArrayBuffer.isView(value);
  return isArray ? [...value].flatMap(flattened) : [value];
}

/** Return numbers as arrays in arrays of a shape. */
export function nested(numbers, [length, ...inner]) {
  if (inner.length === 0) return [...numbers];
  const size = numbers.length / length;
  return Array.from({ length }, (_, i) => nested(numbers.slice(i * size, (i + 1) * size), inner));
}

function placeIn(shape, i) {
  const place = [];
  for (const length of [...shape].reverse()) {
    place.unshift(i % length);
    i = Math.floor(i / length);
  }
  return place;
}
