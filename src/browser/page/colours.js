// Numbers as colours: gray from 0 to 1, and blue over the page's ground to orange from -1 to 1.

const LIGHT = { negative: [33, 102, 172], zero: [255, 255, 255], positive: [190, 86, 0] };
const DARK = { negative: [92, 172, 255], zero: [22, 25, 30], positive: [255, 162, 64] };

/** Whether the reader likes pages dark. */
export function prefersDark() {
  return window.matchMedia("(prefers-color-scheme: dark)").matches;
}

/** Return a number of 0..1 as a gray, black to white. */
export function gray(x) {
  const level = Math.round(255 * Math.min(Math.max(x, 0), 1));
  return `rgb(${level}, ${level}, ${level})`;
}

/** Return a number of -1..1 as a colour. */
export function diverging(x, dark) {
  const { negative, zero, positive } = dark ? DARK : LIGHT;
  const end = x < 0 ? negative : positive;
  const share = Math.min(Math.abs(x), 1);
  return `rgb(${zero.map((from, i) => Math.round(from + share * (end[i] - from))).join(", ")})`;
}
