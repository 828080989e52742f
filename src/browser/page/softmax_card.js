// The end of the network view: logits, probabilities, and the loss of the sample.

import { sampleOf } from "../nn/batches.js";
import { button, element, toEquation } from "./elements.js";
import { percent, shortened } from "./numbers.js";

/** Return { card, show } of the softmax. */
export function softmaxCard(study, number, onOpen) {
  const names = study.dataset.class_names;
  const rows = names.map((name) => {
    const [bar, probability, logit, gradient] = ["div", "td", "td", "td"].map((tag) => element(tag));
    bar.className = "bar";
    const mark = element("td");
    const header = element("th", { scope: "row" }, name);
    const bars = element("td", { class: "bars" }, bar);
    const row = element("tr", {}, header, logit, probability, bars, gradient, mark);
    return { row, bar, probability, logit, gradient, mark };
  });
  const heads = ["Class", "z", "p", "", "dz", ""].map((text) =>
    element(text ? "th" : "td", text ? { scope: "col" } : {}, text),
  );
  const loss = element("p");
  const head = button(`${number} Softmax, loss`, onOpen);
  const table = element("table", {}, element("thead", {}, element("tr", {}, ...heads)));
  table.append(element("tbody", {}, ...rows.map(({ row }) => row)));
  const scrolled = element("div", { class: "scrolled" }, table);
  const card = element("li", { class: "card" }, element("h3", {}, head), scrolled, loss);
  card.append(toEquation());
  return {
    card,
    show({ pass, target, derivative, isOpen }) {
      const batches = [pass.outputs.at(-1), pass.probabilities, pass.dlogits];
      const [z, p, dz] = batches.map((each) => sampleOf(each, 0));
      const best = p.indexOf(Math.max(...p));
      rows.forEach((row, k) => {
        row.logit.textContent = shortened(z[k]);
        row.probability.textContent = percent(p[k]);
        row.gradient.textContent = shortened(dz[k]);
        row.gradient.hidden = !derivative;
        row.bar.style.width = `${100 * p[k]}%`;
        const marks = [k === target && "true", k === best && "predicted"].filter(Boolean);
        row.mark.textContent = marks.join(", ");
      });
      heads[4].hidden = !derivative;
      const right = best === target ? "right" : "wrong";
      loss.textContent = `${right}; ℓ = −log p[${names[target]}] = ${shortened(pass.loss)} nats`;
      head.setAttribute("aria-pressed", String(isOpen));
      card.classList.toggle("open", isOpen);
    },
  };
}
