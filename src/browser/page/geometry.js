// Where things stand in a picture: grids of maps, axes, and bars.

const GAP = 6; // CSS pixels between two maps

/**
 * Return how `count` maps of rows x columns pixels stand in a grid no wider than `width`.
 *
 * A pixel is a square of `cell` CSS pixels, `perRow` maps stand side by side, a gap apart.
 */
export function gridOf({ count, rows, columns, perRow = count, width, largestCell = 22 }) {
  const across = Math.max(1, Math.min(perRow, count));
  const fits = Math.floor((width - GAP * (across - 1)) / (across * columns));
  const cell = Math.max(1, Math.min(largestCell, fits));
  const down = Math.ceil(count / across);
  return {
    count,
    rows,
    columns,
    cell,
    perRow: across,
    width: across * (columns * cell + GAP) - GAP,
    height: down * (rows * cell + GAP) - GAP,
  };
}

/** Return where pixel (i, j) of map m begins: [x, y]. */
export function cornerOf(grid, [m, i, j]) {
  const { rows, columns, cell, perRow } = grid;
  const left = (m % perRow) * (columns * cell + GAP);
  const top = Math.floor(m / perRow) * (rows * cell + GAP);
  return [left + j * cell, top + i * cell];
}

/** Return which pixel [m, i, j] is at a point; null: none. */
export function pixelAt(grid, x, y) {
  const { count, rows, columns, cell, perRow } = grid;
  const [acrossMap, downMap] = [columns * cell + GAP, rows * cell + GAP];
  const m = Math.floor(y / downMap) * perRow + Math.floor(x / acrossMap);
  const [i, j] = [Math.floor((y % downMap) / cell), Math.floor((x % acrossMap) / cell)];
  const inside = x >= 0 && y >= 0 && x < grid.width && m < count && i < rows && j < columns;
  return inside ? [m, i, j] : null;
}

/** Return the pixel that a key leads to from [m, i, j]; null: the key leads nowhere. */
export function movedBy(grid, [m, i, j], key) {
  const { count, rows, columns, perRow } = grid;
  let [row, column] = [Math.floor(m / perRow) * rows + i, (m % perRow) * columns + j];
  if (key === "ArrowLeft") column--;
  else if (key === "ArrowRight") column++;
  else if (key === "ArrowUp") row--;
  else if (key === "ArrowDown") row++;
  else if (key === "Home") [row, column] = [0, 0];
  else return null;
  const to = Math.floor(row / rows) * perRow + Math.floor(column / columns);
  const inside = row >= 0 && column >= 0 && column < perRow * columns && to < count;
  return inside ? [to, row % rows, column % columns] : [m, i, j];
}

/** Return round numbers in low..high, about `count` of them: 1, 2 or 5 times a power of ten apart. */
export function ticksOf(low, high, count = 4) {
  const raw = (high - low) / count;
  if (!(raw > 0)) return [low];
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = power * [1, 2, 5, 10].find((factor) => factor * power >= raw * 0.999);
  const first = Math.ceil(low / step - 1e-9);
  const last = Math.floor(high / step + 1e-9);
  return Array.from({ length: last - first + 1 }, (_, i) => (first + i) * step);
}

/** Return how many of the values are in each of `bins` equal parts of low..high. */
export function histogramOf(values, low, high, bins) {
  const counts = new Array(bins).fill(0);
  for (const value of values) {
    const bin = Math.floor(((value - low) / (high - low || 1)) * bins);
    counts[Math.max(0, Math.min(bins - 1, bin))]++;
  }
  return counts;
}

/** Return the function that maps low..high to start..end. */
export function scaleOf([low, high], [start, end]) {
  return (x) => start + ((x - low) / (high - low || 1)) * (end - start);
}
