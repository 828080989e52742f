// Rounding by which sums, and sums of products, become exact: then no order can change them.
// As arithmetic/rounding.py; docs/portability.md has the proofs.

const EXACT_BITS = 53; // whole numbers up to 2^53 in size, and so their sums, are exact
export const BLOCK = 2048; // terms of a matrix product's sum that are added exactly

/** Return 2^k for k from -1022 to 1023, exactly, which `**` need not be. */
export function powerOfTwo(k) {
  let power = 1;
  for (let i = 0; i < Math.abs(k); i++) power *= k > 0 ? 2 : 0.5;
  return power;
}

const SMALLEST = powerOfTwo(-400); // so that products of rounded numbers never underflow
const TO_OVERFLOW = powerOfTwo(523); // takes 2^501 and more to infinity: no product overflows
// And back, times 2^(53-bits) + 2.
const FROM_OVERFLOW = Array.from(
  { length: EXACT_BITS + 1 },
  (_, bits) => (powerOfTwo(EXACT_BITS - bits) + 2) * powerOfTwo(-523),
);

/** Return to how many bits the factors of so many products are rounded. */
export function factorBits(terms) {
  return Math.floor((EXACT_BITS - bitsOf(Math.min(terms, BLOCK) - 1)) / 2);
}

/** Return to how many bits so many terms are rounded, so that they add up exactly. */
export function sumBits(terms) {
  return Math.min(EXACT_BITS - bitsOf(terms - 1), 50);
}

/** Return how many binary digits a whole number below 2^32 has. */
function bitsOf(number) {
  return 32 - Math.clz32(number);
}

/**
 * Return S, by which x + S - S rounds x to n units, |n| <= 2^bits.
 *
 * S = (2^(53-bits) + 2) * largest, where `largest` is the largest |x| of all that are rounded
 * together. Infinite or NaN, and so are the rounded numbers NaN, if `largest` is not finite, or is
 * 2^501 or more.
 */
export function shifter(largest, bits) {
  return Math.max(largest, SMALLEST) * TO_OVERFLOW * FROM_OVERFLOW[bits];
}

/** Return the largest |x| of x[start] to x[end - 1], NaN if one is NaN; 0 of none. */
export function largest(x, start = 0, end = x.length) {
  let most = 0;
  for (let i = start; i < end; i++) most = Math.max(most, Math.abs(x[i]));
  return most;
}
