// Equations with the numbers put in, as text that can be computed.

/** Return a number for a place after an operator: negative ones in brackets. */
export function bracketed(number, show) {
  return number < 0 ? `(${show(number)})` : show(number);
}

/**
 * Return the sum of terms { factors, value } as text; of more than `most`, the rest as one number.
 */
export function sumText(terms, show, most) {
  const shown = terms.length > most ? terms.slice(0, most) : terms;
  const parts = shown.map(({ factors }) => factors.map((f) => bracketed(f, show)).join(" · "));
  const rest = terms.slice(shown.length);
  if (rest.length) {
    parts.push(`${bracketed(total(rest), show)} [${rest.length} further terms]`);
  }
  return parts.join(" + ");
}

/** Return the sum of all terms' values. */
export function total(terms) {
  return terms.reduce((sum, { value }) => sum + value, 0);
}
