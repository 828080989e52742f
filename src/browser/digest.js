// SHA-256 (FIPS 180-4) of a network's parameters, by which two trainings are told apart.

/**
 * Return the SHA-256, in hex, of what network.state() returns: theta as little-endian float64, then
 * the buffers in the order of their names.
 */
export function parametersDigest({ theta, ...buffers }) {
  const arrays = [theta, ...Object.keys(buffers).sort().map((name) => buffers[name])];
  const numbers = arrays.flatMap((array) => [...array]);
  const bytes = new DataView(new ArrayBuffer(8 * numbers.length));
  numbers.forEach((number, i) => bytes.setFloat64(8 * i, number, true));
  return sha256(new Uint8Array(bytes.buffer));
}

// The first 32 bits of the fractional parts of the square roots of the first 8 primes, and of the
// cube roots of the first 64.
const START = fractions(8, Math.sqrt);
const ROUND = fractions(64, Math.cbrt);

function fractions(count, root) {
  const primes = [];
  for (let p = 2; primes.length < count; p++) {
    if (primes.every((prime) => p % prime !== 0)) primes.push(p);
  }
  return Uint32Array.from(primes, (p) => (root(p) % 1) * 2 ** 32);
}

/** Return the SHA-256 of bytes, in hex. */
export function sha256(bytes) {
  const message = padded(bytes);
  const hash = START.slice();
  for (let block = 0; block < message.byteLength; block += 64) addBlock(hash, message, block);
  return [...hash].map((word) => word.toString(16).padStart(8, "0")).join("");
}

/** Return the bytes, a bit 1, zeros, and their length in bits: whole blocks of 64 bytes. */
function padded(bytes) {
  const length = 64 * Math.ceil((bytes.length + 9) / 64);
  const message = new Uint8Array(length);
  message.set(bytes);
  message[bytes.length] = 0x80;
  const view = new DataView(message.buffer);
  view.setBigUint64(length - 8, BigInt(8 * bytes.length));
  return view;
}

function addBlock(hash, message, start) {
  const words = scheduled(message, start);
  let [a, b, c, d, e, f, g, h] = hash;
  for (let i = 0; i < 64; i++) {
    const sum1 = rotated(e, 6) ^ rotated(e, 11) ^ rotated(e, 25);
    const choice = (e & f) ^ (~e & g);
    const first = (h + sum1 + choice + ROUND[i] + words[i]) | 0;
    const sum0 = rotated(a, 2) ^ rotated(a, 13) ^ rotated(a, 22);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    [h, g, f, e, d, c, b, a] = [g, f, e, (d + first) | 0, c, b, a, (first + sum0 + majority) | 0];
  }
  [a, b, c, d, e, f, g, h].forEach((word, i) => {
    hash[i] += word;
  });
}

/** Return the 64 words of a block's message schedule. */
function scheduled(message, start) {
  const words = new Uint32Array(64);
  for (let i = 0; i < 16; i++) words[i] = message.getUint32(start + 4 * i);
  for (let i = 16; i < 64; i++) {
    const [near, far] = [words[i - 2], words[i - 15]];
    const sigma0 = rotated(far, 7) ^ rotated(far, 18) ^ (far >>> 3);
    const sigma1 = rotated(near, 17) ^ rotated(near, 19) ^ (near >>> 10);
    words[i] = words[i - 16] + sigma0 + words[i - 7] + sigma1;
  }
  return words;
}

function rotated(word, bits) {
  return (word >>> bits) | (word << (32 - bits));
}
