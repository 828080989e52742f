// Making a page's elements.

/**
 * Return a new element. attributes: by their names in HTML; a function is a listener, of the event
 * `on...` names; true is an attribute without value, false and null are none.
 */
export function element(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") made.addEventListener(name.slice(2), value);
    else if (value === true) made.setAttribute(name, "");
    else if (value !== false && value !== null) made.setAttribute(name, value);
  }
  made.append(...children);
  return made;
}

/** Return a label with its field. */
export function labelled(text, field) {
  return element("label", { class: "field" }, element("span", {}, text), field);
}

/** Return a <select> of [value, text] options. */
export function choice(options, attributes = {}) {
  const made = options.map(([value, text]) => element("option", { value }, text));
  return element("select", attributes, ...made);
}

/** Return a function that says a text politely, not more often than each `pause` milliseconds. */
export function announcer(status, pause = 700) {
  let text = "";
  let timer = null;
  return (next) => {
    text = next;
    timer ??= setTimeout(() => {
      timer = null;
      if (status.textContent !== text) status.textContent = text;
    }, pause);
  };
}
