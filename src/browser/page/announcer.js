// Telling those who do not look at the page what happens on it.

/** Return a function that puts a text into a live region, at most once in `pause` milliseconds. */
export function announcer(region, pause = 700) {
  let text = "";
  let timer = null;
  return (next) => {
    text = next;
    timer ??= setTimeout(() => {
      timer = null;
      if (region.textContent !== text) region.textContent = text;
    }, pause);
  };
}
