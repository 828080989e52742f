// Making elements.

const SVG = "http://www.w3.org/2000/svg";

/** Return an HTML element with attributes, listeners (on...: a function) and children. */
export function element(tag, attributes = {}, ...children) {
  return filled(document.createElement(tag), attributes, children);
}

/** Return an SVG element likewise. */
export function drawn(tag, attributes = {}, ...children) {
  return filled(document.createElementNS(SVG, tag), attributes, children);
}

function filled(made, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Return a select with a label, of [value, text] options. */
export function labelledSelect(text, options, onChange) {
  const select = element("select", { onchange: () => onChange(select.value) });
  fillSelect(select, options);
  return { select, label: element("label", {}, element("span", {}, text), select) };
}

/** Give a select other options. */
export function fillSelect(select, options) {
  select.replaceChildren(...options.map(([value, text]) => element("option", { value }, text)));
}

/** Return a button. */
export function button(text, onclick, attributes = {}) {
  return element("button", { type: "button", onclick, ...attributes }, text);
}

/** Return a link to the equations, which is seen in the card of the layer that is explained. */
export function toEquation() {
  return element("a", { href: "#equation-part", class: "to-equation" }, "to its equation");
}
