// Drawing no more often than the browser does.

/** Return a function that has `draw` called in the next frame, once for many calls. */
export function onceAFrame(draw) {
  let waits = false;
  return () => {
    if (waits) return;
    waits = true;
    requestAnimationFrame(() => {
      waits = false;
      draw();
    });
  };
}
