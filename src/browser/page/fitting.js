// A picture of any size made as a network's samples were made: cropped, centred, averaged to size.
// As cnn_from_scratch's inference/fitting.py.
//
// A picture is { height, width, channels }: each channel a Float64Array of its pixels in 0..1, row
// by row.

const FAINT = 0.1; // how far from the ground the strongest ink is at least
const SPECK = 0.05; // ink that is smaller than this part of the largest piece is none

/**
 * Return { pixels, notes }: the picture as a sample of [C, H, W], and what was done to it in words.
 *
 * preparation: { ground, ink_height, ink_width } as a checkpoint has them; null: photographs, which
 * are averaged as a whole. Throws an Error if there is no ink.
 */
export function fitPicture(picture, [, height, width], preparation) {
  const { ground, ink_height: inkHeight, ink_width: inkWidth } = preparation;
  if (ground === null || inkHeight === null || inkWidth === null) {
    const whole = { left: 0, top: 0, right: picture.width, bottom: picture.height };
    return { pixels: joined(averaged(picture, whole, height, width)), notes: [] };
  }
  const { picture: turned, notes } = withGround(picture, ground);
  const ink = inkOf(turned, ground < 0.5);
  const box = sampleBox(boxOf(ink), inkHeight, inkWidth, height, width);
  if (turned.channels.length > 1) {
    return { pixels: joined(averaged(turned, box, height, width)), notes };
  }
  const [amount] = averaged({ ...turned, channels: [ink.amounts] }, box, height, width);
  const most = amount.reduce((a, b) => Math.max(a, b));
  const full = ground < 0.5 ? 1 : 0;
  return { pixels: amount.map((a) => ground + (a / most) * (full - ground)), notes };
}

/** Return the picture, inverted if its ground is dark and the samples' light, or the reverse. */
function withGround(picture, ground) {
  const own = groundOf(gray(picture), picture);
  if (Math.abs(own - ground) <= Math.abs(1 - own - ground)) return { picture, notes: [] };
  const channels = picture.channels.map((channel) => channel.map((value) => 1 - value));
  const [was, now] = ground < 0.5 ? ["light", "dark"] : ["dark", "light"];
  const notes = [`inverted: its ground is ${was}, that of the samples ${now}`];
  return { picture: { ...picture, channels }, notes };
}

/** Return the box that becomes the sample: ink in the middle, as large as the samples' usually. */
function sampleBox({ top, bottom, left, right }, inkHeight, inkWidth, height, width) {
  const scale = Math.max((bottom - top) / inkHeight, (right - left) / inkWidth);
  const [middleX, middleY] = [(left + right) / 2, (top + bottom) / 2];
  const [halfX, halfY] = [(scale * width) / 2, (scale * height) / 2];
  return {
    left: middleX - halfX,
    top: middleY - halfY,
    right: middleX + halfX,
    bottom: middleY + halfY,
  };
}

function joined(channels) {
  return Float64Array.from(channels.flatMap((channel) => [...channel]));
}

function gray({ channels }) {
  const [first] = channels;
  return first.map((_, i) => channels.reduce((sum, c) => sum + c[i], 0) / channels.length);
}

/** Return the median of the outermost pixels. */
function groundOf(pixels, { height, width }) {
  const border = pixels.filter((_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return row === 0 || column === 0 || row === height - 1 || column === width - 1;
  });
  border.sort();
  const half = border.length / 2;
  return (border[Math.ceil(half) - 1] + border[Math.floor(half)]) / 2;
}

/** Return { height, width, amounts }: how much ink is where, 1 where it is strongest. */
function inkOf(picture, bright) {
  const pixels = gray(picture);
  const ground = groundOf(pixels, picture);
  const away = pixels.map((value) => Math.max(bright ? value - ground : ground - value, 0));
  const most = away.reduce((a, b) => Math.max(a, b));
  if (most < FAINT) throw new Error("expected ink on a plain ground, found none");
  const { height, width } = picture;
  return { height, width, amounts: away.map((value) => value / most) };
}

/** Return top, bottom, left and right of the ink, without specks. */
function boxOf({ height, width, amounts }) {
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

/** Return each channel's means over equal areas of a box; outside of the picture is its ground. */
function averaged(picture, { left, top, right, bottom }, height, width) {
  const { height: rows, width: columns } = picture;
  const around = Math.ceil(Math.max(0, -left, -top, right - columns, bottom - rows));
  const [wideRows, wideColumns] = [rows + 2 * around, columns + 2 * around];
  const across = areas(left + around, right + around, wideColumns, width);
  const down = areas(top + around, bottom + around, wideRows, height);
  return picture.channels.map((channel) => {
    const ground = groundOf(channel, picture);
    const at = (row, column) =>
      row < 0 || column < 0 || row >= rows || column >= columns
        ? ground
        : channel[row * columns + column];
    const means = new Float64Array(height * width);
    for (let i = 0; i < height; i++) {
      for (let j = 0; j < width; j++) {
        const mean = meanOver(down[i], across[j], (r, c) => at(r - around, c - around));
        means[i * width + j] = Math.min(Math.max(mean, 0), 1);
      }
    }
    return means;
  });
}

/**
 * Return [from, to) for each of `count` equal parts of start..end: the pixels that it covers.
 *
 * Pillow's box filter, which Python uses: whole pixels, those with their centre in the part, and of
 * parts smaller than a pixel the one below. Pillow takes start and end as 32-bit floats.
 */
function areas(start, end, length, count) {
  const [first, last] = [Math.fround(start), Math.fround(end)];
  const side = Math.fround(last - first) / count;
  const half = Math.max(side, 1) / 2;
  return Array.from({ length: count }, (_, i) => {
    const centre = first + (i + 0.5) * side;
    let from = Math.max(Math.trunc(centre - half + 0.5), 0);
    let to = Math.min(Math.trunc(centre + half + 0.5), length);
    const counted = (place) => {
      const away = (place - centre + 0.5) / (2 * half);
      return away > -0.5 && away <= 0.5;
    };
    while (from < to - 1 && !counted(from)) from++;
    while (to - 1 > from && !counted(to - 1)) to--;
    return [from, to];
  });
}

function meanOver([top, bottom], [left, right], at) {
  let total = 0;
  for (let row = top; row < bottom; row++) {
    for (let column = left; column < right; column++) total += at(row, column);
  }
  return total / ((bottom - top) * (right - left));
}
