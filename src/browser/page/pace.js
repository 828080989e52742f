// Drawing no more than there is time for.

const FRAME = 8; // milliseconds that a drawing may take in every frame

/**
 * Return a function that calls `draw` soon, once for many calls, and after a slow drawing later:
 * so that drawing takes no more than about a quarter of the time.
 */
export function paced(draw, clock) {
  let waits = false;
  let rests = 0; // until when
  const drawing = () => {
    if (clock.now() < rests) {
      clock.nextFrame(drawing);
      return;
    }
    waits = false;
    const start = clock.now();
    draw();
    const took = clock.now() - start;
    rests = took > FRAME ? clock.now() + 3 * took : 0;
  };
  return () => {
    if (waits) return;
    waits = true;
    clock.nextFrame(drawing);
  };
}
