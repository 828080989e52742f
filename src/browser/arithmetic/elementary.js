// The elementary functions: exp, log, tanh, sin and cos of one number, each a fixed row of exact
// operations. As arithmetic/elementary.py, which takes arrays; Math.exp and the like may differ
// from engine to engine.

import { powerOfTwo } from "./rounding.js";

const ROUNDER = 1.5 * powerOfTwo(52); // adding and subtracting it rounds to a whole number
const LOG2_E = 1.4426950408889634;
// ln 2 is LN2_HIGH + LN2_LOW; the first ends in zero bits, so that its products with whole numbers
// below 2^20 are exact.
const LN2_HIGH = 6.93147180369123816490e-1;
const LN2_LOW = 1.90821492927058770002e-10;
const SQRT_HALF = 0.7071067811865476;
const POWERS_OF_TWO = Float64Array.from({ length: 2046 }, (_, i) => powerOfTwo(i - 1022));

const COTH_TERMS = [2, 1 / 6, -1 / 360, 1 / 15120, -1 / 604800, 1 / 23950080, -691 / 653837184000];
const LOG_TERMS = Array.from({ length: 10 }, (_, i) => 2 / (2 * i + 3));
// (-1)^i / (2i + 1)! and (-1)^i / (2i)!; the larger factorials are no float64, so all are written.
const SIN_TERMS = [
  1, -0.16666666666666666, 0.008333333333333333, -0.0001984126984126984, 2.7557319223985893e-6,
  -2.505210838544172e-8, 1.6059043836821613e-10, -7.647163731819816e-13, 2.8114572543455206e-15,
  -8.22063524662433e-18, 1.9572941063391263e-20, -3.868170170630684e-23, 6.446950284384474e-26,
  -9.183689863795546e-29,
];
const COS_TERMS = [
  1, -0.5, 0.041666666666666664, -0.001388888888888889, 2.48015873015873e-5, -2.755731922398589e-7,
  2.08767569878681e-9, -1.1470745597729725e-11, 4.779477332387385e-14, -1.5619206968586225e-16,
  4.110317623312165e-19, -8.896791392450574e-22, 1.6117375710961184e-24, -2.4795962632247976e-27,
  3.279889237069838e-30,
];

/** Return the whole number nearest to x, halves to even; for |x| up to 2^51. */
export function roundHalfEven(x) {
  return x + ROUNDER - ROUNDER;
}

/** Return e^x = 2^k (C + r) / (C - r): 0 below -746, infinite above 709.8; NaN passes through. */
export function exp(x) {
  if (!(Math.abs(x) <= 707)) return extremeExp(x);
  const k = wholeLogarithm(x);
  const r = remainder(x, k);
  const c = polynomial(r * r, COTH_TERMS);
  return ((c + r) / (c - r)) * POWERS_OF_TWO[k + 1022];
}

/** The same where 2^k itself may be out of range though e^x is not: in two halves. */
function extremeExp(x) {
  if (Number.isNaN(x)) return NaN;
  const within = Math.min(Math.max(x, -746), 710);
  const k = wholeLogarithm(within);
  const r = remainder(within, k);
  const c = polynomial(r * r, COTH_TERMS);
  const half = Math.floor(k / 2);
  return ((c + r) / (c - r)) * POWERS_OF_TWO[half + 1022] * POWERS_OF_TWO[k - half + 1022];
}

/** Return k = rint(x / ln 2). */
function wholeLogarithm(x) {
  return roundHalfEven(x * LOG2_E);
}

/** Return r = x - k ln 2, |r| <= 0.35. */
function remainder(x, k) {
  return x - k * LN2_HIGH - k * LN2_LOW;
}

const BITS = new DataView(new ArrayBuffer(8)); // of one number, its exponent first

/** Return ln x = e ln 2 + ln(1+f), x = 2^e (1+f): -infinity at 0, NaN below, and of NaN. */
export function log(x) {
  if (!(x > 0 && x < Infinity)) return x === 0 ? -Infinity : x > 0 ? Infinity : NaN;
  const scaling = x < POWERS_OF_TWO[0] ? 54 : 0; // a subnormal number has no exponent of its own
  BITS.setFloat64(0, x * POWERS_OF_TWO[scaling + 1022]);
  const high = BITS.getUint32(0);
  let e = (high >>> 20) - 1022 - scaling;
  BITS.setUint32(0, (high & 0xfffff) | (1022 << 20));
  let m = BITS.getFloat64(0); // x = 2^e m, m from 1/2 to 1
  if (m < SQRT_HALF) {
    m += m;
    e -= 1;
  }
  const f = m - 1;
  const s = f / (2 + f);
  const z = s * s;
  const rest = z * polynomial(z, LOG_TERMS);
  const halfSquare = 0.5 * f * f;
  return e * LN2_HIGH - (halfSquare - (s * (halfSquare + rest) + e * LN2_LOW) - f);
}

/** Return tanh x: r / C near 0, for r = 2|x|, and (e^r - 1) / (e^r + 1); from 20 on, 1. */
export function tanh(x) {
  const r = 2 * Math.min(Math.abs(x), 20);
  if (!(r > 0.35)) return withSign(r / polynomial(r * r, COTH_TERMS), x);
  const k = wholeLogarithm(r);
  const left = remainder(r, k);
  const c = polynomial(left * left, COTH_TERMS);
  const numerator = (c + left) * POWERS_OF_TWO[k + 1022];
  const denominator = c - left;
  return withSign((numerator - denominator) / (numerator + denominator), x);
}

/** Return sin x for x from -pi to pi: x times its power series in x^2. */
export function sin(x) {
  return x * polynomial(x * x, SIN_TERMS);
}

/** Return cos x for x from -pi to pi: its power series in x^2. */
export function cos(x) {
  return polynomial(x * x, COS_TERMS);
}

/** Return the sum of terms[i] * x^i by Horner's rule. */
function polynomial(x, terms) {
  let y = x * terms[terms.length - 1];
  for (let i = terms.length - 2; i > 0; i--) y = (y + terms[i]) * x;
  return y + terms[0];
}

/** Return y >= 0 with the sign of x, also that of -0. */
function withSign(y, x) {
  return x < 0 || Object.is(x, -0) ? -y : y;
}
