// Probabilities as bars with text.

import { element } from "./elements.js";
import { percent } from "./numbers.js";

/** Return { root, show(probabilities) }: a row for each class; null: nothing to show. */
export function probabilityBars(classNames) {
  const rows = classNames.map((name) => {
    const bar = element("span", { class: "draw-bar-fill" });
    const text = element("span", { class: "draw-bar-text" });
    const root = element(
      "li",
      {},
      element("span", { class: "draw-bar-name" }, name),
      element("span", { class: "draw-bar-track", "aria-hidden": "true" }, bar),
      text,
    );
    return { bar, text, root };
  });
  const show = (probabilities) => {
    rows.forEach(({ bar, text }, k) => {
      bar.style.width = probabilities ? `${100 * probabilities[k]}%` : "0";
      text.textContent = probabilities ? percent(probabilities[k]) : "–";
    });
  };
  show(null);
  return { root: element("ul", { class: "draw-bars" }, ...rows.map(({ root }) => root)), show };
}
