// Numbers as people read them.

/** Return a number with about three digits that matter, and a real minus sign. */
export function shortened(x) {
  if (!Number.isFinite(x)) return String(x);
  const size = Math.abs(x);
  const text =
    size === 0 ? "0" : size >= 1e5 || size < 1e-3 ? size.toExponential(2) : size.toPrecision(3);
  return x < 0 ? `−${text}` : text;
}

/** Return a share in 0..1 as percent. */
export function percent(share) {
  return `${(100 * share).toFixed(1)} %`;
}
