// Drawing no more often than a screen shows it.

const FRAME = 16; // milliseconds

/** Return a function that has `draw` called soon, once for many calls. */
export function soon(draw) {
  let waits = false;
  return () => {
    if (waits) return;
    waits = true;
    setTimeout(() => {
      waits = false;
      draw();
    }, FRAME);
  };
}
