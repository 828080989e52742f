// The ink of a picture: what of it is drawn, where it stands, and how thick its strokes are.
// As cnn_from_scratch's inference/fitting.py. Ink is { height, width, amounts }, row by row.

const FAINT = 0.1; // how far from the ground the strongest ink is at least
const [NONE, FULL] = [0.25, 0.75]; // of the strongest ink: up to where none, from where on full
const SPECK = 0.05; // ink that is smaller than this part of the largest piece is none

/** Return the mean over channels. */
export function grayOf({ channels }) {
  const [first] = channels;
  return first.map((_, i) => channels.reduce((sum, c) => sum + c[i], 0) / channels.length);
}

/** Return the median of the outermost pixels. */
export function groundOf(pixels, { height, width }) {
  const border = pixels.filter((_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return row === 0 || column === 0 || row === height - 1 || column === width - 1;
  });
  border.sort();
  const half = border.length / 2;
  return (border[Math.ceil(half) - 1] + border[Math.floor(half)]) / 2;
}

/** Return { height, width, amounts }: how much ink is where, from 0 on the ground to 1. */
export function inkOf(picture, bright) {
  const pixels = grayOf(picture);
  const ground = groundOf(pixels, picture);
  const away = pixels.map((value) => Math.max(bright ? value - ground : ground - value, 0));
  const most = away.reduce((a, b) => Math.max(a, b));
  if (most < FAINT) throw new Error("expected ink on a plain ground, found none");
  const { height, width } = picture;
  const amount = (value) => (value / most - NONE) / (FULL - NONE);
  const amounts = away.map((value) => Math.min(Math.max(amount(value), 0), 1));
  return { height, width, amounts };
}

/** Return top, bottom, left and right of the ink, without specks. */
export function boxOf({ height, width, amounts }) {
  const pieces = piecesOf(amounts, height, width);
  const largest = Math.max(...pieces.map((piece) => piece.size));
  const kept = pieces.filter((piece) => piece.size >= SPECK * largest);
  return {
    top: Math.min(...kept.map((piece) => piece.top)),
    bottom: Math.max(...kept.map((piece) => piece.bottom)),
    left: Math.min(...kept.map((piece) => piece.left)),
    right: Math.max(...kept.map((piece) => piece.right)),
  };
}

/** Return each connected piece of ink of at least 0.5, pixels that touch at corners connected. */
function piecesOf(amounts, height, width) {
  const open = Uint8Array.from(amounts, (amount) => (amount >= 0.5 ? 1 : 0));
  const pieces = [];
  for (let start = 0; start < open.length; start++) {
    if (open[start]) pieces.push(pieceFrom(start, open, height, width));
  }
  return pieces;
}

function pieceFrom(start, open, height, width) {
  const piece = { size: 0, top: height, bottom: 0, left: width, right: 0 };
  const next = [start];
  open[start] = 0;
  while (next.length) {
    const place = next.pop();
    const [row, column] = [Math.floor(place / width), place % width];
    piece.size++;
    piece.top = Math.min(piece.top, row);
    piece.bottom = Math.max(piece.bottom, row + 1);
    piece.left = Math.min(piece.left, column);
    piece.right = Math.max(piece.right, column + 1);
    for (let i = Math.max(row - 1, 0); i <= Math.min(row + 1, height - 1); i++) {
      for (let j = Math.max(column - 1, 0); j <= Math.min(column + 1, width - 1); j++) {
        if (open[i * width + j]) next.push(i * width + j);
        open[i * width + j] = 0;
      }
    }
  }
  return piece;
}

/**
 * Return ink, and what is added around it, with strokes as thick as wanted, in pixels.
 *
 * thickness = (8 / pi) * area / edges, as Python's fitting.py says
 */
export function thickened(ink, wanted) {
  const { height, width, amounts } = ink;
  const solid = (row, column) =>
    Math.min(row, column) >= 0 &&
    row < height &&
    column < width &&
    amounts[row * width + column] >= 0.5;
  let [area, edges] = [0, 0];
  for (let row = 0; row <= height; row++) {
    for (let column = 0; column <= width; column++) {
      const here = solid(row, column);
      area += here;
      edges += (here !== solid(row - 1, column)) + (here !== solid(row, column - 1));
    }
  }
  const thickness = ((8 / Math.PI) * area) / edges;
  const lacking = halfToEven((wanted - thickness) / 2);
  return grown(ink, Math.min(Math.max(lacking, 0), height, width));
}

/** Return a number rounded as Python's round does it. */
function halfToEven(value) {
  const below = Math.floor(value);
  if (value - below !== 0.5) return Math.round(value);
  return below % 2 === 0 ? below : below + 1;
}

/** Return ink padded by `add`, each pixel the largest of the square of side 2 add + 1 about it. */
function grown({ height, width, amounts }, add) {
  const rows = largestInRows(amounts, height, width, add);
  const size = { height: height + 2 * add, width: width + 2 * add };
  const columns = largestInRows(transposed(rows, height, size.width), size.width, height, add);
  return { ...size, amounts: transposed(columns, size.width, size.height) };
}

/** Return rows that are longer by 2 add, each number the largest of those at most add away. */
function largestInRows(values, rows, length, add) {
  const wide = length + 2 * add;
  const found = new Float64Array(rows * wide);
  for (let row = 0; row < rows; row++) {
    for (let place = 0; place < wide; place++) {
      for (let j = Math.max(place - 2 * add, 0); j <= Math.min(place, length - 1); j++) {
        const value = values[row * length + j];
        if (value > found[row * wide + place]) found[row * wide + place] = value;
      }
    }
  }
  return found;
}

function transposed(values, rows, columns) {
  return Float64Array.from(values, (_, i) => values[(i % rows) * columns + Math.floor(i / rows)]);
}

/** Return the ink in a box. */
export function cropped({ width, amounts }, { top, bottom, left, right }) {
  const size = { height: bottom - top, width: right - left };
  const at = (i) => (top + Math.floor(i / size.width)) * width + left + (i % size.width);
  const own = Float64Array.from({ length: size.height * size.width }, (_, i) => amounts[at(i)]);
  return { ...size, amounts: own };
}

/** Return the middle of ink, from its top left: that of its box, or of its mass. */
export function middleOf({ height, width, amounts }, mass) {
  if (!mass) return { y: height / 2, x: width / 2 };
  let [total, y, x] = [0, 0, 0];
  amounts.forEach((amount, i) => {
    total += amount;
    y += amount * Math.floor(i / width);
    x += amount * (i % width);
  });
  return { y: y / total + 0.5, x: x / total + 0.5 };
}
