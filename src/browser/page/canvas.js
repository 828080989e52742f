// What is drawn on canvases: images of gray pixels, and the frame of a place in them.

/** Draw pixels (row by row, 0 black to 1 white) over all of a canvas, each as a square. */
export function paintPixels(canvas, pixels, height, width) {
  const context = canvas.getContext("2d");
  const [across, down] = [canvas.width / width, canvas.height / height];
  pixels.forEach((value, i) => {
    const gray = Math.round(255 * Math.min(Math.max(value, 0), 1));
    context.fillStyle = `rgb(${gray} ${gray} ${gray})`;
    const [row, column] = [Math.floor(i / width), i % width];
    const [left, top] = [Math.floor(column * across), Math.floor(row * down)];
    context.fillRect(left, top, Math.ceil(across), Math.ceil(down));
  });
}

/** Frame the pixel at a row and column, so that it is seen on any gray. */
export function framePixel(canvas, row, column, height, width) {
  const context = canvas.getContext("2d");
  const [across, down] = [canvas.width / width, canvas.height / height];
  for (const [colour, inset] of [["#000", 1], ["#ffb000", 3]]) {
    context.strokeStyle = colour;
    context.lineWidth = 2;
    context.strokeRect(
      column * across + inset,
      row * down + inset,
      across - 2 * inset,
      down - 2 * inset,
    );
  }
}

/** Return where a pointer event is on a canvas, as [x, y] from 0 to 1. */
export function placeOnCanvas(event, canvas) {
  const box = canvas.getBoundingClientRect();
  return [(event.clientX - box.left) / box.width, (event.clientY - box.top) / box.height];
}

const STEPS = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] };

/** Return the [row, column] that an arrow key leads to, inside of the grid; null: no arrow key. */
export function steppedBy([row, column], key, height, width) {
  if (!Object.hasOwn(STEPS, key)) return null;
  const [down, right] = STEPS[key];
  const inside = (place, length) => Math.min(Math.max(place, 0), length - 1);
  return [inside(row + down, height), inside(column + right, width)];
}
