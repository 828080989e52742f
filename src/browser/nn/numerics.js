// Matrix products and sums in which every sum is exact, as the portable numerics of nn/numerics.py.
//
// A matrix is { rows, columns, data }, row by row in a Float64Array. A factor is a matrix that is
// rounded so far that products with another factor add up exactly.

import { BLOCK, factorBits, largest, shifter, sumBits } from "../arithmetic/rounding.js";

/** Return data as a matrix, without a copy. */
export function matrix(rows, columns, data = new Float64Array(rows * columns)) {
  return { rows, columns, data };
}

/**
 * Return x as a factor, all of it rounded to one unit, so that it may stand on either side of a
 * product. terms: how many products are added up, if not as many as x has rows or columns.
 */
export function factor(x, terms = Math.max(x.rows, x.columns)) {
  return matrix(x.rows, x.columns, rounded(x.data, factorBits(terms)));
}

/** Return x as the right factor of a product, each column rounded to a unit of its own. */
export function factorByColumns({ rows, columns, data }) {
  const shifters = new Float64Array(columns);
  for (let i = 0; i < data.length; i += columns) {
    for (let j = 0; j < columns; j++) shifters[j] = Math.max(shifters[j], Math.abs(data[i + j]));
  }
  const bits = factorBits(rows);
  for (let j = 0; j < columns; j++) shifters[j] = shifter(shifters[j], bits);
  const made = matrix(rows, columns);
  for (let i = 0; i < data.length; i += columns) {
    for (let j = 0; j < columns; j++) made.data[i + j] = data[i + j] + shifters[j] - shifters[j];
  }
  return made;
}

/** Return the numbers, all rounded to one unit. */
export function rounded(x, bits) {
  const shift = shifter(largest(x), bits);
  const result = new Float64Array(x.length);
  for (let i = 0; i < x.length; i++) result[i] = x[i] + shift - shift;
  return result;
}

/** Return the transpose of a matrix. */
export function transposed({ rows, columns, data }) {
  const made = matrix(columns, rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) made.data[j * rows + i] = data[i * columns + j];
  }
  return made;
}

/**
 * Return a b for factors a (M, K) and b (K, N).
 *
 * Products are added up in blocks of at most 2048, each exact, and then the blocks, in order.
 */
export function matmul(a, b) {
  const [terms, columns] = [a.columns, b.columns];
  const y = matrix(a.rows, columns);
  const sums = new Float64Array(columns); // of one row and one block
  for (let i = 0; i < a.rows; i++) {
    const row = y.data.subarray(i * columns, (i + 1) * columns);
    for (let start = 0; start < terms; start += BLOCK) {
      sums.fill(0);
      for (let k = start; k < Math.min(start + BLOCK, terms); k++) {
        addMultiple(sums, a.data[i * terms + k], b.data, k * columns);
      }
      for (let j = 0; j < columns; j++) row[j] += sums[j];
    }
  }
  return y;
}

/** Add `multiplier` times a row, which begins at `start`, to sums. */
function addMultiple(sums, multiplier, data, start) {
  for (let j = 0; j < sums.length; j++) sums[j] += multiplier * data[start + j];
}

/** Return a b^T for factors a (M, K) and b (N, K), in the same blocks. */
export function matmulTransposed(a, b) {
  const terms = a.columns;
  const y = matrix(a.rows, b.rows);
  for (let i = 0; i < a.rows; i++) {
    for (let j = 0; j < b.rows; j++) {
      let total = 0;
      for (let start = 0; start < terms; start += BLOCK) {
        const end = Math.min(start + BLOCK, terms);
        total += dot(a.data, i * terms + start, b.data, j * terms + start, end - start);
      }
      y.data[i * b.rows + j] = total;
    }
  }
  return y;
}

function dot(a, aStart, b, bStart, terms) {
  let sum = 0;
  for (let k = 0; k < terms; k++) sum += a[aStart + k] * b[bStart + k];
  return sum;
}

/** Return the sum of each of a factor's rows: it is exact. */
export function rowSums({ rows, columns, data }) {
  const sums = new Float64Array(rows);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) sums[i] += data[i * columns + j];
  }
  return sums;
}

/** Return the sum of x[start] to x[end - 1], rounded so far that it is exact; 0 of no terms. */
export function sum(x, start = 0, end = x.length) {
  const shift = shifter(largest(x, start, end), sumBits(end - start));
  let total = 0;
  for (let i = start; i < end; i++) total += x[i] + shift - shift;
  return total;
}

/** Return the mean of x[start] to x[end - 1]: their sum, divided by their number. */
export function mean(x, start = 0, end = x.length) {
  return sum(x, start, end) / (end - start);
}
