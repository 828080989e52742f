// Layers in words, their arrays as maps, and what an output of theirs is made of.

const MOST_MAPS = 16; // that are drawn of an image
const MAPS_PER_ROW = 4;
const MOST_KERNELS = 8; // likewise, of a kernel's channels, in and out
const MOST_FEATURES = 64; // likewise, of a vector, and of a matrix's rows and columns

/** Return the numbers of a sample as maps: { count, rows, columns, perRow, values, omitted }. */
export function mapsOf(shape, numbers) {
  if (shape.length === 1) {
    const [length] = shape;
    const shown = Math.min(length, MOST_FEATURES);
    const columns = Math.min(shown, 16);
    const rows = Math.ceil(shown / columns);
    const omitted = length > shown ? `the first ${shown} of ${length}` : null;
    return { count: 1, rows, columns, perRow: 1, values: numbers.subarray(0, shown), omitted };
  }
  const [channels, rows, columns] = shape;
  const count = Math.min(channels, MOST_MAPS);
  const omitted = channels > count ? `the first ${count} of ${channels} maps` : null;
  const values = numbers.subarray(0, count * rows * columns);
  return { count, rows, columns, perRow: Math.min(count, MAPS_PER_ROW), values, omitted };
}

/** Return the place in a sample of pixel [m, i, j] of its maps: [c, i, j], or [d] of a vector. */
export function placeOf(shape, { columns }, [m, i, j]) {
  return shape.length === 1 ? [i * columns + j] : [m, i, j];
}

/** Return the pixel [m, i, j] of the maps that stands for a place of a sample. */
export function pixelOf(shape, { columns }, place) {
  return shape.length === 1 ? [0, Math.floor(place[0] / columns), place[0] % columns] : place;
}

/** Return the number of a sample at a place. */
export function numberAt(shape, numbers, place) {
  return numbers[place.reduce((at, index, axis) => at * shape[axis] + index, 0)];
}

/** Return a layer's weights as maps: kernels (O, C, h, w) side by side, a matrix (D, O) as one. */
export function kernelsOf(layer, inShape, name, numbers) {
  const kind = layer.constructor.name;
  if (kind === "Conv2D" && name === "W") {
    const [rows, columns] = layer.kernel(inShape);
    const [channels, size] = [inShape[0], rows * columns];
    const out = Math.min(layer.outChannels, MOST_KERNELS);
    const into = Math.min(channels, MOST_KERNELS);
    const kernel = (m) => (Math.floor(m / into) * channels + (m % into)) * size;
    const number = (i) => numbers[kernel(Math.floor(i / size)) + (i % size)];
    const values = gathered(out * into * size, number);
    const all = out === layer.outChannels && into === channels;
    const omitted = all ? null : `${out} × ${into} of ${layer.outChannels} × ${channels} kernels`;
    // A row for each output; kernels of a single channel stand above the maps that they make.
    const perRow = channels === 1 ? Math.min(out, MAPS_PER_ROW) : into;
    return { count: out * into, rows, columns, perRow, values, omitted, into };
  }
  if (kind === "Dense" && name === "W") {
    const [inputs, outputs] = [inShape[0], layer.outFeatures];
    const [rows, columns] = [Math.min(outputs, MOST_FEATURES), Math.min(inputs, MOST_FEATURES)];
    const at = (i) => (i % columns) * outputs + Math.floor(i / columns);
    const values = gathered(rows * columns, (i) => numbers[at(i)]);
    const all = rows === outputs && columns === inputs;
    const omitted = all ? null : `${columns} of ${inputs} inputs, ${rows} of ${outputs} outputs`;
    return { count: 1, rows, columns, perRow: 1, values, omitted };
  }
  return mapsOf([numbers.length], numbers);
}

function gathered(length, number) {
  return Float64Array.from({ length }, (_, i) => number(i));
}

/** Return what a pixel of a layer's weights is called, such as W[0,1,2,2]. */
export function weightName(layer, name, { into, columns }, [m, i, j]) {
  const kind = layer.constructor.name;
  if (name === "W" && kind === "Conv2D") return `W[${Math.floor(m / into)},${m % into},${i},${j}]`;
  if (name === "W" && kind === "Dense") return `W[${j},${i}]`;
  return `${name}[${i * columns + j}]`;
}

/** Return a layer's settings in a few words. */
export function described(layer, inShape) {
  const kind = layer.constructor.name;
  if (kind === "Conv2D") {
    const [height, width] = layer.kernel(inShape);
    const stride = layer.stride > 1 ? `, stride ${layer.stride}` : "";
    const padding = layer.padding > 0 ? `, padding ${layer.padding}` : "";
    return `${height}×${width}${stride}${padding}`;
  }
  if (kind.endsWith("Pool2D")) {
    return `${layer.kernelSize}×${layer.kernelSize}, stride ${layer.stride}`;
  }
  return kind === "Dropout" ? `rate ${layer.rate}` : "";
}

/** Return a shape as people write it. */
export function shapeText(shape) {
  return shape.length === 1 ? `${shape[0]} numbers` : `${shape[0]} × ${shape[1]}×${shape[2]}`;
}

/**
 * Return the windows of a layer's input that an output [c, i, j] is made of, as rectangles
 * { at: [m, i, j], height, width }; none where it is made of one number at the same place, or all.
 */
export function windowsOf(layer, inShape, [c, i, j]) {
  const kind = layer.constructor.name;
  if (kind === "Conv2D") {
    const [height, width] = layer.kernel(inShape);
    const rows = clipped(layer.stride * i - layer.padding, height, inShape[1]);
    const columns = clipped(layer.stride * j - layer.padding, width, inShape[2]);
    const maps = Array.from({ length: Math.min(inShape[0], MOST_MAPS) }, (_, m) => m);
    return maps.map((m) => rectangle(m, rows, columns));
  }
  if (kind.endsWith("Pool2D")) {
    const { kernelSize, stride } = layer;
    return [rectangle(c, [stride * i, kernelSize], [stride * j, kernelSize])];
  }
  return [];
}

function rectangle(m, [row, height], [column, width]) {
  return { at: [m, row, column], height, width };
}

/** Return [start, length] of what lies inside 0..size - 1. */
function clipped(start, length, size) {
  const inside = Math.max(start, 0);
  return [inside, Math.min(start + length, size) - inside];
}
