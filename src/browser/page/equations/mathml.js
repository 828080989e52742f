// Equations in MathML, as text.

export const mi = (name) => `<mi>${name}</mi>`;
export const mn = (number) => `<mn>${number}</mn>`;
export const mo = (operator) => `<mo>${operator}</mo>`;
export const mrow = (...parts) => `<mrow>${parts.join("")}</mrow>`;
export const mfrac = (above, below) => `<mfrac>${above}${below}</mfrac>`;
export const msub = (base, below) => `<msub>${base}${below}</msub>`;
export const msup = (base, above) => `<msup>${base}${above}</msup>`;
export const msqrt = (inner) => `<msqrt>${inner}</msqrt>`;
export const mover = (base, above) => `<mover>${base}${above}</mover>`;

/** Return an operator with what it runs over below it. */
export const over = (operator, ...below) =>
  `<munder>${mo(operator)}${mrow(...below)}</munder>`;

const bracket = (side) => `<mo stretchy="false">${side}</mo>`; // as high as a letter

/** Return x[n,c,i,j]: a name with its indices, each a letter or further MathML. */
export function indexed(name, ...indices) {
  const inner = indices.flatMap((index, i) => [
    i ? mo(",") : "",
    index.startsWith("<") ? index : mi(index),
  ]);
  return mrow(name.startsWith("<") ? name : mi(name), bracket("["), ...inner, bracket("]"));
}

/** Return an equation that stands by itself. */
export function equation(...parts) {
  return `<math display="block">${mrow(...parts)}</math>`;
}
